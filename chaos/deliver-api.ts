/** The program's API as the deliveries' campaign uses it. */
import { Pool } from 'undici'
import { digestBody } from '../src/providers/digest.ts'
import { type DeliverProvider, deliverCallbackPath } from './deliver-provider.ts'
import type { FeedEvent, PartitionHead } from './deliver-verdict.ts'

const connections = 16
const pageSize = 1_000

interface PublishedEvent extends Omit<FeedEvent, 'digest'> {
  data: unknown
}

export type DeliverApi = ReturnType<typeof createDeliverApi>

export function createDeliverApi(
  { apiUrl, callbackUrl }: { apiUrl: string; callbackUrl: string },
  provider: DeliverProvider,
) {
  const api = new Pool(apiUrl, { connections })
  const callbacks = new Pool(callbackUrl, { connections })
  const headers = { authorization: `Bearer ${provider.token}`, 'content-type': 'application/json' }

  async function call<Answer>(method: 'GET' | 'POST', path: string, content?: object): Promise<Answer> {
    const sent = content === undefined ? null : JSON.stringify(content)
    const { statusCode, body } = await api.request({ method, path, headers, body: sent })
    const text = await body.text()
    if (statusCode < 300) return JSON.parse(text) as Answer
    throw new Error(`${method} ${path} was answered ${statusCode}: ${text}`)
  }

  return {
    subscribe: (url: string, types: readonly string[]) =>
      call<{ id: string; secret: string }>('POST', '/v1/subscriptions', { url, types }),

    register: (reference: string) => call('POST', '/v1/transfers', provider.registration(reference)),

    async callBack(reference: string, status: 'open' | 'paid'): Promise<void> {
      const sent = {
        method: 'POST',
        path: deliverCallbackPath,
        ...provider.callback(reference, status),
      } as const
      const { statusCode, body } = await callbacks.request(sent)
      const text = await body.text()
      if (statusCode !== 200) throw new Error(`A callback was answered ${statusCode}: ${text}`)
    },

    async readHead(): Promise<PartitionHead[]> {
      const { partitions } = await call<{ partitions: PartitionHead[] }>('GET', '/v1/events/head')
      return partitions
    },

    /** From its beginning, oldest first. */
    followFeed() {
      const seen: FeedEvent[] = []
      let after = ''
      return {
        seen,
        /** The next page; waits a while for one. */
        async readOn(): Promise<void> {
          const path = `/v1/events?limit=${pageSize}&wait=1${after && `&after=${after}`}`
          const { events, next } = await call<{ events: PublishedEvent[]; next: string }>('GET', path)
          after = next
          for (const event of events) {
            const { id, type, subject, sequence, partition } = event
            const digest = digestBody(Buffer.from(JSON.stringify(event)))
            seen.push({ id, type, subject, sequence, partition, digest })
          }
        },
      }
    },

    /** As far as its head says that it goes. */
    async readFeed(): Promise<FeedEvent[]> {
      const count = (await this.readHead()).reduce((sum, partition) => sum + (partition.count ?? 0), 0)
      const feed = this.followFeed()
      for (let before = -1; feed.seen.length < count && feed.seen.length > before; ) {
        before = feed.seen.length
        await feed.readOn()
      }
      return feed.seen
    },

    async close(): Promise<void> {
      await Promise.all([api.destroy(), callbacks.destroy()])
    },
  }
}
