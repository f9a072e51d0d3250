import assert from 'node:assert/strict'
import { Redis } from 'ioredis'
import { AppError, type ErrorCode } from '../../src/domain/errors.ts'
import { decodeCursor, encodeCursor } from '../../src/events/cursor.ts'
import { beginning } from '../../src/events/position.ts'
import { createLogLeaving } from '../../src/store/log-leaving.ts'
import { openEpoch } from '../../src/store/meta.ts'
import { createTestFeed, followFeed, readPage, testEpoch } from '../support/feed.ts'
import { createTestClients } from '../support/redis.ts'
import { type RedisServerProcess, startRedisServer } from '../support/redis-server.ts'
import { createTestStore, registerIn, type TestStore } from '../support/store.ts'
import { until } from '../support/until.ts'
import { newReference } from '../support/zenospay.ts'

async function publish(store: TestStore, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await registerIn(store, newReference())
}

/** How it was refused, and the cursor from which to go on. */
async function refusal(reading: Promise<unknown>, code: ErrorCode): Promise<string> {
  const error = await reading.then(
    () => assert.fail('It was not refused.'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof AppError, String(error))
  assert.equal(error.code, code)
  return error.extra.begin ?? assert.fail('It does not say where to begin.')
}

describe('a cursor that the log does not go through', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore

  before(async () => {
    redis = await clients.open()
  })
  beforeEach(() => {
    store = createTestStore(redis)
  })
  after(() => clients.closeAll())

  const positionsOf = (cursor: string) => decodeCursor(cursor, store.keys.partitions).positions
  const read = (after?: string) => readPage(createTestFeed(store), { ...(after !== undefined && { after }) })
  const keyOf = (partition: number) => store.keys.events(partition)

  /** The entry where the reader stands is gone from one partition, as it would be after a failover. */
  async function loseLast(cursor: string): Promise<{ partition: number; position: string }> {
    const positions = positionsOf(cursor)
    const partition = positions.findIndex((position) => position !== beginning)
    const position = positions[partition] as string
    assert.equal(await redis.xdel(keyOf(partition), position), 1)
    return { partition, position }
  }

  it('is told so, and goes on where it can: nothing that the log has is skipped', async () => {
    await publish(store, 20)
    const { next } = await read()
    const { partition, position } = await loseLast(next)
    const begin = positionsOf(await refusal(read(next), 'cursor-superseded'))
    for (const [other, at] of positionsOf(next).entries()) {
      if (other !== partition) assert.equal(begin[other], at, 'the other partitions go on')
    }
    assert.ok(
      Number(begin[partition]?.split('-')[0]) < Number(position.split('-')[0]) ||
        begin[partition] === beginning,
    )
    const page = await read(encodeCursor(begin, testEpoch))
    const there = await redis.xlen(keyOf(partition))
    assert.equal(page.events.length, there, 'within a minute of what was lost everything comes again')
  })

  it('goes back a minute and no further, since the clocks of two servers may differ by so much', async () => {
    const now = Date.now()
    await publish(store, 1)
    const { next } = await read()
    const partition = positionsOf(next).findIndex((position) => position !== beginning)
    const key = keyOf(partition)
    const [only] = await redis.xrange(key, '-', '+')
    const fields = only?.[1] ?? []
    await redis.del(key)
    for (const before of [100_000, 61_000, 59_000]) await redis.xadd(key, `${now - before}-0`, ...fields)
    const standing = await store.log.standing(partition, `${now}-0`)
    assert.equal(standing, `${now - 61_000}-0`)
  })

  it('beyond the end of the log is told so too', async () => {
    await publish(store, 4)
    const ahead = store.log.newest().then((all) => all.map(() => `${Date.now() + 1_000_000}-0`))
    await refusal(read(encodeCursor(await ahead, testEpoch)), 'cursor-superseded')
  })

  it('of a version without epochs is told so by its positions', async () => {
    await publish(store, 4)
    const { next } = await read()
    const first = Buffer.from(JSON.stringify([1, ...positionsOf(next)])).toString('base64url')
    assert.deepEqual((await read(first)).events, [])
    await loseLast(next)
    await refusal(read(first), 'cursor-superseded')
  })

  it('of another log begins with the oldest event of this one', async () => {
    await publish(store, 4)
    const { next } = await readPage(createTestFeed(store, { epoch: 'mnopqrstuvwx' }))
    const begin = await refusal(read(next), 'cursor-superseded')
    assert.equal((await read(begin)).events.length, 4)
  })

  it('behind which events have left says where what is left begins, and stays where nothing has', async () => {
    await publish(store, 30)
    const { next } = await readPage(createTestFeed(store), { limit: 10 })
    const partition = 2
    const [last] = await redis.xrevrange(keyOf(partition), '+', '-', 'COUNT', 1)
    assert.ok(last)
    await createLogLeaving(store).trim(partition, last[0])
    const begin = positionsOf(await refusal(read(next), 'cursor-expired'))
    assert.deepEqual(
      begin,
      positionsOf(next).map((position, i) => (i === partition ? last[0] : position)),
    )
    assert.ok((await read(encodeCursor(begin, testEpoch))).events.length > 0)
  })

  it('is found out by who reads from memory as well, within moments', async () => {
    const { feed, tail, stop } = await followFeed(store, clients)
    await publish(store, 8)
    const { next } = await readPage(feed)
    const { partition, position } = await loseLast(next)
    const resets: number[] = []
    tail.subscribe({ onEvents: () => {}, onReset: (one) => resets.push(one) })
    await until('the refusal', () =>
      readPage(feed, { after: next }).then(
        () => false,
        (error) => error instanceof AppError && error.code === 'cursor-superseded',
      ),
    )
    assert.equal(tail.recall(partition, position, 1), undefined)
    assert.deepEqual(resets, [partition])
    await stop()
  })
})

describe('a Redis that lost what it had', () => {
  let server: RedisServerProcess
  let redis: Redis

  beforeEach(async () => {
    server = await startRedisServer({ appendonly: 'no' })
    redis = new Redis(server.port)
    redis.on('error', () => {})
  })
  afterEach(async () => {
    redis.disconnect()
    await server.stop()
  })

  it('as from an older backup: who read what it lost is told, and then has all that it has', async () => {
    const store = createTestStore(redis)
    await publish(store, 10)
    const early = await readPage(createTestFeed(store))
    await redis.save()
    await publish(store, 10)
    const late = await readPage(createTestFeed(store))
    assert.equal(late.events.length, 20)
    await server.kill()
    await server.restart()
    await until('Redis', () => redis.ping().catch(() => false))
    await publish(store, 10)
    const begin = await refusal(readPage(createTestFeed(store), { after: late.next }), 'cursor-superseded')
    const ids = ({ events }: { events: { id: string }[] }) => events.map(({ id }) => id)
    const all = ids(await readPage(createTestFeed(store)))
    const unseen = all.filter((id) => !ids(late).includes(id))
    const again = ids(await readPage(createTestFeed(store), { after: begin }))
    assert.equal(all.length, 20)
    assert.deepEqual(
      unseen.filter((id) => !again.includes(id)),
      [],
    )
    // Who had not read what was lost goes on as if nothing had been.
    assert.equal((await readPage(createTestFeed(store), { after: early.next })).events.length, 10)
  })

  it('of everything: the next start has another epoch, and every cursor is known to be of the log before', async () => {
    let made = 0
    const randomBytes = (count: number) => new Uint8Array(count).fill(++made)
    const store = createTestStore(redis)
    const epoch = await openEpoch(redis, store.keys, randomBytes)
    assert.equal(await openEpoch(redis, store.keys, randomBytes), epoch)
    const empty = await readPage(createTestFeed(store, { epoch }))
    await publish(store, 3)
    const { next } = await readPage(createTestFeed(store, { epoch }))
    await redis.flushall()
    const other = await openEpoch(redis, store.keys, randomBytes)
    assert.notEqual(other, epoch)
    await publish(store, 5)
    const feed = createTestFeed(store, { epoch: other })
    for (const after of [next, empty.next]) {
      const begin = await refusal(readPage(feed, { after }), 'cursor-superseded')
      assert.equal((await readPage(feed, { after: begin })).events.length, 5)
    }
  })
})
