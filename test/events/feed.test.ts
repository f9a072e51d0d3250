import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { cloudEventSchema, matchTypes } from '../../src/events/catalogue.ts'
import { createFeed, type Feed, type FeedPage, type FeedRequest } from '../../src/events/feed.ts'
import { createWake } from '../../src/store/wake.ts'
import { createTestClients } from '../support/redis.ts'
import { createTestStore, registrationOf, type TestStore } from '../support/store.ts'
import { until } from '../support/until.ts'
import { newReference } from '../support/zenospay.ts'

describe('event feed', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore
  let feed: Feed
  let stopWake: () => Promise<void>

  before(async () => {
    redis = await clients.open()
  })
  beforeEach(async () => {
    store = createTestStore(redis)
    const wake = createWake({ client: await clients.open(), channel: store.keys.wakeChannel })
    await wake.start()
    stopWake = wake.stop
    feed = createFeed({ log: store.log, waitForGrowth: wake.waitForGrowth, clock: Date.now })
  })
  afterEach(() => stopWake())
  after(() => clients.closeAll())

  const read = (request: Partial<FeedRequest> = {}): Promise<FeedPage> =>
    feed.read({ limit: 100, waitMs: 0, signal: new AbortController().signal, ...request })

  async function publish(count: number): Promise<string[]> {
    const subjects: string[] = []
    for (let i = 0; i < count; i++) {
      const event = registrationOf(newReference())
      await store.transfers.register(event)
      subjects.push(event.transfer.id)
    }
    return subjects
  }

  it('shows events as CloudEvents, with the whole resource', async () => {
    await publish(1)
    const [event] = (await read()).events
    const parsed = cloudEventSchema.parse(JSON.parse(JSON.stringify(event)))
    assert.equal(parsed.type, 'tallyhook.transfer.registered.v1')
    assert.equal(parsed.source, '/accounts/zeno-test')
    assert.equal(parsed.subject, parsed.data.object.id)
    assert.equal(parsed.sequence, 1)
    assert.equal(parsed.previousid, undefined)
    assert.deepEqual(parsed.data.object.amount, { value: '25000.00', currency: 'IDR' })
    assert.deepEqual(parsed.data.because, { source: 'registration' })
  })

  it('is one list, oldest first, over all partitions', async () => {
    const subjects: string[] = []
    for (let i = 0; i < 30; i++) {
      subjects.push(...(await publish(1)))
      // Within one millisecond the partitions have no order among each other.
      const published = Date.now()
      await until('the next millisecond', () => Date.now() > published)
    }
    const { events } = await read()
    assert.deepEqual(
      events.map(({ subject }) => subject),
      subjects,
    )
  })

  it('pages without a gap and without a repeat, whatever the page', async () => {
    const subjects = await publish(25)
    for (const limit of [1, 3, 7, 25, 100]) {
      const seen: string[] = []
      let after: string | undefined
      for (;;) {
        const page = await read({ limit, after })
        seen.push(...page.events.map(({ subject }) => subject))
        after = page.next
        if (page.events.length === 0) break
      }
      assert.deepEqual([...seen].sort(), [...subjects].sort(), `limit ${limit}`)
    }
  })

  it('gives a cursor also when there is nothing, which goes on later', async () => {
    const empty = await read()
    assert.deepEqual(empty.events, [])
    const [subject] = await publish(1)
    const page = await read({ after: empty.next })
    assert.deepEqual(
      page.events.map((event) => event.subject),
      [subject],
    )
    assert.deepEqual((await read({ after: page.next })).events, [])
  })

  it('filters by type and account, and its cursor moves past what did not match', async () => {
    await publish(5)
    const other = await read({ account: 'another' })
    assert.deepEqual(other.events, [])
    assert.deepEqual((await read({ after: other.next })).events, [])
    assert.equal((await read({ types: matchTypes('tallyhook.transfer.registered.v1') })).events.length, 5)
    assert.equal((await read({ types: matchTypes('tallyhook.transfer.*') })).events.length, 5)
    assert.equal((await read({ types: matchTypes('tallyhook.transfer.failed.v1') })).events.length, 0)
    assert.deepEqual(matchTypes('nothing.of.ours'), [])
  })

  it('wakes who waits as soon as something is published', async () => {
    const { next } = await read()
    const startedAt = Date.now()
    const waiting = read({ after: next, waitMs: 15_000 })
    const [subject] = await publish(1)
    assert.deepEqual(
      (await waiting).events.map((event) => event.subject),
      [subject],
    )
    assert.ok(Date.now() - startedAt < 900, 'sooner than a blind look')
  })

  it('answers empty when the wait is over or the reader is gone', async () => {
    assert.deepEqual((await read({ waitMs: 50 })).events, [])
    const gone = new AbortController()
    const waiting = read({ waitMs: 60_000, signal: gone.signal })
    gone.abort()
    assert.deepEqual((await waiting).events, [])
  })
})
