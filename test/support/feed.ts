/** The feed on a test's store. What is not started reads Redis alone; what is follows the log as a process does. */
import type { CloudEvent } from '../../src/events/catalogue.ts'
import { createFeed, type Feed, type FeedRequest } from '../../src/events/feed.ts'
import type { PublishedLogDeps } from '../../src/events/published.ts'
import { createTail, type Tail, type TailDeps } from '../../src/events/tail.ts'
import { createWake } from '../../src/store/wake.ts'
import type { createTestClients } from './redis.ts'
import type { TestStore } from './store.ts'

export const testEpoch = 'abcdefghijkl'

export interface TestFeedDeps extends Partial<Pick<TailDeps, 'limits'>> {
  openAllSecrets?: PublishedLogDeps['openAllSecrets']
  clock?: () => number
  epoch?: string
}

/** Without a tail that follows. */
export function createTestFeed(store: Pick<TestStore, 'log' | 'vault'>, deps: TestFeedDeps = {}): Feed {
  return createFeed({
    log: createTestTail(store, () => () => {}, deps),
    epoch: deps.epoch ?? testEpoch,
    clock: deps.clock ?? Date.now,
  })
}

function createTestTail(
  store: Pick<TestStore, 'log' | 'vault'>,
  listen: TailDeps['listen'],
  { openAllSecrets = store.vault.openAllSecrets, clock = Date.now, limits }: TestFeedDeps,
): Tail {
  return createTail({ log: store.log, openAllSecrets, listen, clock, ...(limits && { limits }) })
}

export interface FollowedFeed {
  feed: Feed
  tail: Tail
  stop(): Promise<void>
}

/** With one, on a connection of its own for the hints. */
export async function followFeed(
  store: TestStore,
  clients: ReturnType<typeof createTestClients>,
  deps: TestFeedDeps = {},
): Promise<FollowedFeed> {
  const wake = createWake({ client: await clients.open(), channel: store.keys.wakeChannel })
  await wake.start()
  const tail = createTestTail(store, wake.listen, deps)
  tail.start()
  const feed = createFeed({ log: tail, epoch: deps.epoch ?? testEpoch, clock: deps.clock ?? Date.now })
  const stop = async () => {
    await tail.stop()
    await wake.stop()
  }
  return { feed, tail, stop }
}

/** A page as a reader over HTTP sees it. */
export async function readPage(
  feed: Feed,
  request: Partial<FeedRequest> = {},
): Promise<{ events: CloudEvent[]; next: string }> {
  const signal = new AbortController().signal
  const { events, next } = await feed.read({ limit: 100, waitMs: 0, signal, ...request })
  return { events: events.map(({ json }) => JSON.parse(json) as CloudEvent), next }
}
