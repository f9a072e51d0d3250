import assert from 'node:assert/strict'
import { Redis } from 'ioredis'
import type { FeedReader } from '../../src/events/feed.ts'
import type { PublishedEvent } from '../../src/events/published.ts'
import { createTail, windowLimits } from '../../src/events/tail.ts'
import { createTailWindow } from '../../src/events/tail-window.ts'
import { type FollowedFeed, followFeed, readPage } from '../support/feed.ts'
import { createTestClients } from '../support/redis.ts'
import { type RedisServerProcess, startRedisServer } from '../support/redis-server.ts'
import { createTestStore, registerIn, type TestStore } from '../support/store.ts'
import { until } from '../support/until.ts'
import { newReference } from '../support/zenospay.ts'

function eventAt(position: string, json = '{}'): PublishedEvent {
  return { partition: 0, position, json } as PublishedEvent
}

describe('window of the newest events', () => {
  const limits = { events: 3, bytes: 100, ageMs: 1_000 }
  const positions = (events: readonly PublishedEvent[] | undefined) => events?.map(({ position }) => position)

  it('gives what came after a position that it knows, and says nothing of others', () => {
    const window = createTailWindow('5-0', limits)
    window.append([eventAt('6-0'), eventAt('6-1')], 0)
    assert.deepEqual(positions(window.after('5-0', 9)), ['6-0', '6-1'])
    assert.deepEqual(positions(window.after('6-0', 9)), ['6-1'])
    assert.deepEqual(positions(window.after('6-1', 9)), [])
    assert.deepEqual(positions(window.after('5-0', 1)), ['6-0'])
    for (const unknown of ['4-0', '5-1', '6-2', '0-0']) assert.equal(window.after(unknown, 9), undefined)
  })

  it('keeps to its count, its bytes and its age', () => {
    const window = createTailWindow('0-0', limits)
    for (let i = 1; i <= 10; i++) window.append([eventAt(`${i}-0`)], i)
    assert.deepEqual(positions(window.after('7-0', 9)), ['8-0', '9-0', '10-0'])
    assert.equal(window.after('6-0', 9), undefined)
    window.append([eventAt('11-0', 'x'.repeat(99))], 11)
    assert.deepEqual(window.size(), { events: 1, bytes: 99 })
    window.append([eventAt('12-0', 'x'.repeat(200))], 12)
    assert.deepEqual(window.size(), { events: 0, bytes: 0 })
    window.append([eventAt('13-0')], 13)
    window.age(1_012)
    assert.equal(window.size().events, 1)
    window.age(1_013)
    assert.deepEqual(window.size(), { events: 0, bytes: 0 })
    assert.deepEqual(positions(window.after('13-0', 9)), [], 'who has it all is still at the head')
  })

  it('finds its places after it was cut many times', () => {
    const window = createTailWindow('0-0', limits)
    for (let i = 1; i <= 5_000; i++) {
      window.append([eventAt(`${i}-0`)], 0)
      if (i > 3) assert.deepEqual(positions(window.after(`${i - 2}-0`, 9)), [`${i - 1}-0`, `${i}-0`])
    }
    assert.equal(window.size().events, 3)
  })
})

describe('tail of the log', () => {
  const clients = createTestClients()
  let server: RedisServerProcess
  let redis: Redis
  let store: TestStore
  let followed: FollowedFeed

  before(async () => {
    server = await startRedisServer()
  })
  beforeEach(async () => {
    redis = new Redis(server.port)
    store = createTestStore(redis)
    followed = await follow()
  })
  afterEach(async () => {
    await followed.stop()
    redis.disconnect()
  })
  after(async () => {
    clients.closeAll()
    await server.stop()
  })

  /** Its hints come over the same server. */
  const follow = (deps: Parameters<typeof followFeed>[2] = {}) =>
    followFeed(store, createTestClients({ kind: 'url', url: server.url }), deps)

  async function publish(count: number): Promise<string[]> {
    const subjects: string[] = []
    for (let i = 0; i < count; i++) subjects.push((await registerIn(store, newReference())).id)
    return subjects
  }

  /** As it lies in the log. */
  async function anEvent(): Promise<string> {
    const { id } = await registerIn(store, newReference())
    const [last] = await redis.xrevrange(store.keys.events(store.keys.partitionOf(id)), '+', '-', 'COUNT', 1)
    return last?.[1][1] ?? assert.fail('There is no event.')
  }

  /** How often Redis was asked for stretches of the log since the last call. */
  async function countReads(): Promise<{ xrange: number; all: number }> {
    const stats = await redis.info('commandstats')
    await redis.config('RESETSTAT')
    const calls = [...stats.matchAll(/^cmdstat_([\w|]+):calls=(\d+)/gm)]
    const sum = (names: RegExp) =>
      calls.reduce((total, [, name = '', count]) => total + (names.test(name) ? Number(count) : 0), 0)
    return { xrange: sum(/^xrange$/), all: sum(/^(xrange|xrevrange|get|mget|evalsha|hget)$/) }
  }

  /** Reads on until it has so many, and says of whom they were. */
  async function gather(reader: FeedReader, count: number): Promise<string[]> {
    const { signal } = new AbortController()
    const subjects: string[] = []
    while (subjects.length < count) {
      const events = await reader.read(100)
      subjects.push(...events.map(({ subject }) => subject))
      if (events.length === 0) await reader.wait(signal, 5_000)
    }
    return subjects
  }

  it('is read by fifty at the head for what one costs, and each has every event', async () => {
    const costOf = async (readers: number): Promise<{ xrange: number; all: number }> => {
      const { next } = await readPage(followed.feed, { limit: 1_000 })
      const open = Array.from({ length: readers }, () => followed.feed.open(next, {}))
      const reading = (await Promise.all(open)).map((reader) => gather(reader, 100))
      await countReads()
      const subjects = await publish(100)
      for (const seen of await Promise.all(reading)) assert.deepEqual([...seen].sort(), [...subjects].sort())
      return countReads()
    }
    await publish(5)
    const one = await costOf(1)
    const fifty = await costOf(50)
    // Looks that find the second over come on top, as many as the run takes seconds.
    assert.ok(fifty.xrange <= one.xrange + 100, `${one.xrange} of one, ${fifty.xrange} of fifty`)
    assert.ok(fifty.all <= one.all * 1.5 + 100, `${one.all} of one, ${fifty.all} of fifty`)
    assert.ok(fifty.xrange / 100 <= 3, `${fifty.xrange / 100} readings an event`)
  })

  it('is not pushed out by five who replay from the start, who read by pages and not by events', async () => {
    await publish(400)
    const { next } = await readPage(followed.feed, { limit: 1_000 })
    const positions = await store.log.newest()
    const atHead = gather(await followed.feed.open(next, {}), 60)
    await countReads()
    const replaying = Array.from({ length: 5 }, async () =>
      gather(await followed.feed.open(undefined, {}), 460),
    )
    const subjects = await publish(60)
    assert.deepEqual([...(await atHead)].sort(), [...subjects].sort())
    for (const seen of await Promise.all(replaying)) assert.equal(new Set(seen).size, 460)
    const { xrange } = await countReads()
    assert.ok(xrange <= (5 * 460) / 10 + 60 * 3 + 50, `${xrange} readings`)
    const recalled = positions.flatMap((position, i) => followed.tail.recall(i, position, 100) ?? [])
    assert.equal(recalled.length, 60)
  })

  it('reads few times for a filter that matches next to nothing, however small the page', async () => {
    const [first = ''] = await publish(1)
    await publish(1_200)
    const [last = ''] = await publish(1)
    await countReads()
    const page = await readPage(followed.feed, { subject: last, limit: 1 })
    assert.deepEqual(
      page.events.map(({ subject }) => subject),
      [last],
    )
    const { xrange } = await countReads()
    assert.ok(xrange <= 30, `${xrange} readings`)
    assert.equal((await readPage(followed.feed, { subject: first, limit: 1 })).events.length, 1)
  })

  it('lets its cursor move on where a filter leaves out more than one answer may look through', async () => {
    const event = await anEvent()
    const pipeline = redis.pipeline()
    for (let i = 0; i < 12_000; i++) pipeline.xadd(store.keys.events(1), '*', 'e', event)
    await pipeline.exec()
    const startedAt = Date.now()
    const page = await readPage(followed.feed, { account: 'another', waitMs: 10_000 })
    assert.deepEqual(page.events, [])
    assert.ok(Date.now() - startedAt < 8_000, 'it does not wait: there is more to look through')
    const rest = await readPage(followed.feed, { after: page.next, limit: 1_000 })
    assert.ok(rest.events.length > 0)
  })

  it('hears of what is written though every hint is lost', async () => {
    const deaf = createTail({
      log: store.log,
      openAllSecrets: store.vault.openAllSecrets,
      listen: () => () => {},
      clock: Date.now,
    })
    deaf.start()
    const seen: string[] = []
    deaf.subscribe({ onEvents: (_, events) => seen.push(...events.map(({ subject }) => subject)) })
    await until('every partition', () => [0, 1, 2, 3].every((one) => deaf.recall(one, '0-0', 1)))
    const subjects = await publish(8)
    await until('the events', () => seen.length === 8)
    assert.deepEqual([...seen].sort(), [...subjects].sort())
    await deaf.stop()
  })

  it('tells a listener of new events, in order within each partition and once', async () => {
    await publish(3)
    const heard = new Map<number, string[]>()
    followed.tail.subscribe({
      onEvents(partition, events) {
        heard.set(partition, [...(heard.get(partition) ?? []), ...events.map(({ position }) => position)])
      },
    })
    const ends = await store.log.newest()
    await until('every partition', () => ends.every((end, i) => followed.tail.recall(i, end, 1)))
    await Promise.all(Array.from({ length: 10 }, () => publish(5)))
    const written = await Promise.all(
      ends.map(async (end, partition) => {
        const entries = await store.log.readPartition(partition, end, 1_000)
        return entries.map(({ position }) => position)
      }),
    )
    await until('the events', () => [...heard.values()].flat().length === 50)
    for (const [partition, positions] of written.entries())
      assert.deepEqual(heard.get(partition) ?? [], positions)
  })

  it('forgets what is personal within its time, for a process that erases tells nobody', async () => {
    let ahead = 0
    const own = await follow({ clock: () => Date.now() + ahead, limits: { ...windowLimits, ageMs: 10_000 } })
    const { next } = await readPage(own.feed)
    const { id, personal } = await registerIn(store, newReference())
    const read = async () => (await readPage(own.feed, { after: next })).events[0]
    await until('memory', async () => (await read())?.subject === id)
    await store.vault.forget(personal.person)
    ahead = 10_001
    const object = (await read())?.data.object as { beneficiary: unknown }
    assert.deepEqual(object.beneficiary, { erased: true })
    await own.stop()
  })

  it('follows nothing while nobody reads', async () => {
    let ahead = 0
    let reads = 0
    const readPartition: typeof store.log.readPartition = (...which) => {
      reads++
      return store.log.readPartition(...which)
    }
    const counted = { ...store, log: { ...store.log, readPartition } }
    const own = await followFeed(counted, createTestClients({ kind: 'url', url: server.url }), {
      clock: () => Date.now() + ahead,
    })
    const { next } = await readPage(own.feed)
    ahead = 60_000
    const seen: string[] = []
    followed.tail.subscribe({ onEvents: (_, events) => seen.push(...events.map(({ subject }) => subject)) })
    let quiet = 0
    await until('five events that it leaves unread', async () => {
      const before = reads
      const [subject = ''] = await publish(1)
      await until('another process to hear of it', () => seen.includes(subject))
      quiet = reads === before ? quiet + 1 : 0
      return quiet === 5
    })
    assert.ok((await readPage(own.feed, { after: next })).events.length >= 5)
    await own.stop()
  })

  it('answers from memory no longer than it can look: who reads then is told that Redis is away', async () => {
    const { next } = await readPage(followed.feed, { limit: 1_000 })
    assert.deepEqual((await readPage(followed.feed, { after: next })).events, [])
    redis.disconnect()
    await until('the truth', () =>
      readPage(followed.feed, { after: next }).then(
        () => false,
        () => true,
      ),
    )
  })
})
