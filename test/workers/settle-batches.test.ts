import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import type { Batch } from '../../src/domain/batch.ts'
import type { BatchId } from '../../src/domain/ids.ts'
import type { Sighting } from '../../src/domain/observation.ts'
import { createZenospay } from '../../src/providers/zenospay/index.ts'
import { createDueBatches } from '../../src/store/due-batches.ts'
import type { IntentStore } from '../../src/store/intents.ts'
import { createSettleBatches } from '../../src/workers/settle-batches.ts'
import { batchesOf, Crash, dyingAfter, requestOf } from '../support/batches.ts'
import { createMemoryLogger } from '../support/log.ts'
import { createTestClients } from '../support/redis.ts'
import {
  createTestReconcile,
  createTestStore,
  openReceiptOf,
  readAllEvents,
  type TestStore,
} from '../support/store.ts'
import { testAccount } from '../support/zenospay.ts'

const account = testAccount.id
const references = ['r-1', 'r-2', 'r-3']
type Status = 'succeeded' | 'failed' | 'returned' | 'processing'

describe('settling batches', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore
  let logger: ReturnType<typeof createMemoryLogger>
  let id: BatchId
  let body = 0
  before(async () => {
    redis = await clients.open()
  })
  beforeEach(async () => {
    store = createTestStore(redis)
    logger = createMemoryLogger()
    const request = await requestOf(store, 'b-1', references)
    id = request.id
    await batchesOf(store, redis).register(request)
  })
  after(() => clients.closeAll())

  const settleWith = (intents: Pick<IntentStore, 'load' | 'commitAll'> = store.intents) =>
    createSettleBatches({ intents, due: createDueBatches(store), clock: Date.now, logger })
  const settle = () => settleWith()()

  async function observe(seen: Sighting): Promise<void> {
    const provider = {
      ...createZenospay(testAccount),
      translate: () => ({ outcome: 'understood', observation: seen }) as const,
    }
    const reconcile = createTestReconcile(store, { providers: new Map([[account, provider]]) })
    await reconcile.applyOne({ ...openReceiptOf('{}'), digest: `n${++body}`.padEnd(64, '-') })
  }
  const see = (reference: string, status: Status) =>
    observe({ kind: 'transfer', source: 'callback', account, reference, status })
  const report = (figures: object, status: 'finished' | 'closed' = 'finished') =>
    observe({ kind: 'batch', source: 'callback', account, reference: 'b-1', status, figures })

  async function find(): Promise<Batch> {
    const found = await store.intents.find(id)
    if (found?.kind !== 'batch') throw new Error('There is no batch.')
    return found
  }
  /** What was published of the batch, with no gap in its numbers. */
  async function facts(): Promise<string[]> {
    const events = (await readAllEvents(store)).filter(({ intent }) => intent.kind === 'batch')
    assert.deepEqual(
      events.map(({ fact }) => fact.sequence),
      events.map((_, i) => i + 1),
    )
    return events.map(({ fact }) => fact.name)
  }
  const isDue = async () => (await redis.scard(store.keys.dueBatches(store.keys.partitionOf(id)))) === 1

  it('takes nothing at all of a movement whose sum does not fit', async () => {
    const totals = store.keys.totals(id)
    await redis.hset(totals, 'm:succeeded', '9223372036854775807')
    const rest = async () => [
      await redis.hgetall(totals),
      (await readAllEvents(store)).length,
      (await redis.keys(`${store.prefix}:*`)).filter((key) => /:rc-|:heard:/.test(key)),
    ]
    const before = await rest()
    await assert.rejects(see('r-1', 'succeeded'))
    assert.deepEqual(await rest(), before)
    await redis.hset(totals, 'm:succeeded', '0')
    await see('r-1', 'succeeded')
    assert.equal((await redis.hgetall(totals))['n:succeeded'], '1')
  })

  it('says that it is processing, finished, and amended when one comes back, each once', async () => {
    await settle()
    assert.deepEqual(await facts(), ['registered'])
    assert.equal(await isDue(), false)
    await see('r-1', 'succeeded')
    await settle()
    await see('r-2', 'failed')
    await settle()
    assert.deepEqual(await facts(), ['registered', 'processing'])
    await see('r-3', 'succeeded')
    assert.equal(await isDue(), true)
    await settle()
    await settle()
    assert.deepEqual(await facts(), ['registered', 'processing', 'finished'])
    await see('r-3', 'returned')
    await settle()
    await settle()
    assert.deepEqual(await facts(), ['registered', 'processing', 'finished', 'amended'])
    const last = (await readAllEvents(store)).filter(({ intent }) => intent.kind === 'batch').at(-1)
    assert.equal(last?.because.source, 'transfers')
    assert.deepEqual(last?.totals?.returned, { count: 1, minor: 2500000n })
  })

  it('publishes the end once, however many settle at once', async () => {
    for (const reference of references) await see(reference, 'succeeded')
    const counts = await Promise.all(Array.from({ length: 5 }, settle))
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      1,
    )
    assert.deepEqual(await facts(), ['registered', 'finished'])
    assert.equal((await find()).state, 'finished')
  })

  it('forgets no movement that comes while it looks', async () => {
    for (const reference of ['r-1', 'r-2']) await see(reference, 'succeeded')
    const slow: Pick<IntentStore, 'load' | 'commitAll'> = {
      load: store.intents.load,
      async commitAll(requests) {
        await see('r-3', 'succeeded')
        return store.intents.commitAll(requests)
      },
    }
    assert.equal(await settleWith(slow)(), 0)
    assert.equal(await isDue(), true, 'it stays in the list')
    assert.equal(await settle(), 1)
    assert.deepEqual(await facts(), ['registered', 'finished'])
  })

  it('loses nothing where it dies before or in the commit', async () => {
    for (const reference of references) await see(reference, 'succeeded')
    const dying = { load: store.intents.load, commitAll: () => Promise.reject(new Error('killed')) }
    await assert.rejects(settleWith(dying)())
    assert.equal(await isDue(), true)
    await settle()
    assert.equal((await find()).state, 'finished')
  })

  it('leaves alone what is still being registered, and sees to it afterwards', async () => {
    const one = createTestStore(redis)
    const request = await requestOf(one, 'b-2', references)
    const whole = dyingAfter(redis, Number.POSITIVE_INFINITY)
    await batchesOf(createTestStore(redis), whole.redis).register(request)
    // All but the last step.
    await assert.rejects(
      batchesOf(one, dyingAfter(redis, whole.commits() - 1).redis).register(request),
      Crash,
    )
    store = one
    id = request.id
    for (const reference of references) await see(reference, 'succeeded')
    assert.equal(await settle(), 0)
    await batchesOf(one, redis).finish(Date.now() + 60_000)
    assert.equal(await isDue(), true)
    await settle()
    assert.deepEqual(await facts(), ['registered', 'finished'])
  })

  it('finds out that the provider counts otherwise, with a case', async () => {
    const figures = { succeededCount: 2, failedCount: 1 }
    await report(figures)
    for (const reference of references) await see(reference, 'succeeded')
    await settle()
    await settle()
    assert.deepEqual(await facts(), ['registered', 'reported', 'finished', 'drifted'])
    const { cases } = await store.cases.list({ account, limit: 10 })
    assert.deepEqual(
      cases.map(({ kind, code }) => `${kind} ${code}`),
      ['drifted provider-figures'],
    )
    const settledBy = (await find()).settledBy
    assert.ok(cases[0]?.kind === 'drifted' && cases[0].receipts[0] === settledBy)
    assert.ok(logger.lines.some(({ level, event }) => level === 'error' && event === 'batch.drifted'))
  })

  it('asks about every transfer that is not final when the provider is further', async () => {
    await see('r-1', 'succeeded')
    const watch = store.keys.watch(store.keys.partitionOf(id), testAccount.id)
    const dueNow = () => redis.zrangebyscore(watch, '-inf', Date.now())
    assert.deepEqual(await dueNow(), [])
    await report({ succeededCount: 3 })
    await settle()
    const members = await redis.zrange(store.keys.members(id), '1', '2')
    assert.deepEqual((await dueNow()).sort(), [id, ...members].sort())
    assert.deepEqual(await redis.keys(`${store.prefix}:*asked-batches*`), [])
  })
})
