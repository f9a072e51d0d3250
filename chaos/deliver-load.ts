/** Transfers that are registered, reported as open and reported as paid: three events each. */
import type { DeliverApi } from './deliver-api.ts'
import type { FeedEvent } from './deliver-verdict.ts'

const eventsEach = 3
const atOnce = 16
/** Reports of a transfer that come too close behind each other may overtake one another, which makes one event less. */
const stretch = 400
export const isTransfer = ({ type }: FeedEvent) => type.startsWith('tallyhook.transfer.')

const paidType = 'tallyhook.transfer.succeeded.v1'

/** At least so many events. Resolves when the feed has them all, and nothing more is on its way. */
export async function publishEvents(api: DeliverApi, events: number): Promise<FeedEvent[]> {
  const feed = api.followFeed()
  const count = Math.ceil(events / eventsEach)
  for (let from = 0; from < count; from += stretch) {
    const references = Array.from({ length: Math.min(stretch, count - from) }, (_, i) => `T${from + i}`)
    await each(references, (reference) => api.register(reference))
    await each(references, (reference) => api.callBack(reference, 'open'))
    await each(references, (reference) => api.callBack(reference, 'paid'))
  }
  while (feed.seen.filter(({ type }) => type === paidType).length < count) await feed.readOn()
  const published = () => feed.seen.filter(isTransfer).length
  const missing = Math.max(0, events - published())
  const others = Array.from({ length: missing }, (_, i) => `U${i}`)
  await each(others, (reference) => api.register(reference))
  while (published() < events) await feed.readOn()
  return feed.seen
}

async function each(references: string[], work: (reference: string) => Promise<unknown>): Promise<void> {
  const left = references.values()
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const reference of left) await work(reference)
    }),
  )
}
