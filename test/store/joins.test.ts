import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import type { Batch } from '../../src/domain/batch.ts'
import type { IntentEvent } from '../../src/domain/event.ts'
import type { BatchId } from '../../src/domain/ids.ts'
import type { Transfer } from '../../src/domain/transfer.ts'
import { describeDisbursement } from '../../src/sandbox/signed-callback.ts'
import { createDueBatches } from '../../src/store/due-batches.ts'
import { batchIdOf, memberIdOf, transferIdOf } from '../../src/store/ids.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'
import { createSettleBatches } from '../../src/workers/settle-batches.ts'
import { batchesOf, Crash, dump, dyingAfter, requestOf } from '../support/batches.ts'
import { createTestClients } from '../support/redis.ts'
import {
  createTestReconcile,
  createTestStore,
  openReceiptOf,
  readAllEvents,
  registrationOf,
  type TestStore,
} from '../support/store.ts'
import { disbursement, testAccount } from '../support/zenospay.ts'

const account = testAccount.id
const id: BatchId = batchIdOf(account, 'b-1')
const later = () => Date.now() + 60_000

describe('a transfer that joins a batch', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore
  before(async () => {
    redis = await clients.open()
  })
  beforeEach(async () => {
    store = await storeWithBatch()
  })
  after(() => clients.closeAll())

  async function storeWithBatch(): Promise<TestStore> {
    const one = createTestStore(redis)
    await batchesOf(one, redis).register(
      await requestOf(one, 'b-1', ['r-1', 'r-2'], { now: 1_700_000_000_000 }),
    )
    return one
  }
  const joinerOf = (reference: string, where = store): Promise<IntentEvent<Transfer>> =>
    registrationOf(where, reference, { id: memberIdOf(id, reference), batch: id })
  async function find(where = store) {
    const [loaded] = await where.intents.load([id])
    if (loaded?.outcome !== 'found') throw new Error('There is no batch.')
    return { batch: loaded.intent as Batch, totals: loaded.totals?.totals }
  }
  const succeed = (reference: string, where = store) =>
    createTestReconcile(where).applyOne(
      openReceiptOf(describeDisbursement(disbursement({ reference, inquiryId: `of-${reference}` }))),
    )
  const settle = (where = store) =>
    createSettleBatches({
      intents: where.intents,
      due: createDueBatches(where),
      clock: Date.now,
      logger: silentLogger,
    })()

  it('makes it grow in the same step, and is found by its own reference', async () => {
    const event = await joinerOf('r-3')
    assert.equal((await batchesOf(store, redis).join(event)).outcome, 'registered')
    const { batch, totals } = await find()
    assert.equal(batch.count, 3)
    assert.equal(batch.amount.minor, 7500000n)
    assert.deepEqual(totals?.registered, { count: 3, minor: 7500000n })
    assert.equal((await store.intents.find(transferIdOf(account, 'r-3')))?.id, event.intent.id)
    assert.deepEqual(await redis.zrange(store.keys.members(id), '2', '2'), [event.intent.id])
    assert.equal((await batchesOf(store, redis).join(event)).outcome, 'exists')
    for (const reference of ['r-1', 'r-2']) await succeed(reference)
    await settle()
    assert.equal((await find()).batch.state, 'processing')
    await succeed('r-3')
    await settle()
    assert.equal((await find()).batch.state, 'finished')
    const events = (await readAllEvents(store)).filter(({ intent }) => intent.kind === 'batch')
    assert.deepEqual(
      events.map(({ fact }) => `${fact.sequence} ${fact.name}`),
      ['1 registered', '2 grown', '3 processing', '4 finished'],
    )
    assert.equal(events[1]?.totals?.registered.count, 3)
  })

  it('is refused by a batch that is finished or not there, and by a reference that is taken', async () => {
    await store.register(await registrationOf(store, 'r-8'))
    assert.equal((await batchesOf(store, redis).join(await joinerOf('r-8'))).outcome, 'exists')
    for (const reference of ['r-1', 'r-2']) await succeed(reference)
    await settle()
    const late = await joinerOf('r-9')
    const nowhere = await registrationOf(store, 'r-9', { batch: batchIdOf(account, 'b-9') })
    const before = await dump(redis, store)
    assert.equal((await batchesOf(store, redis).join(late)).outcome, 'not-open')
    assert.equal((await batchesOf(store, redis).join(nowhere)).outcome, 'no-batch')
    assert.deepEqual(await dump(redis, store), before)
  })

  it('never joins a batch that finishes at the same moment', async () => {
    for (let round = 0; round < 10; round++) {
      const one = await storeWithBatch()
      for (const reference of ['r-1', 'r-2']) await succeed(reference, one)
      const event = await joinerOf('r-3', one)
      const [, joined] = await Promise.all([settle(one), batchesOf(one, redis).join(event)])
      await settle(one)
      const { batch, totals } = await find(one)
      const isIn = joined.outcome === 'registered'
      assert.equal(batch.count, isIn ? 3 : 2)
      assert.equal(batch.state, isIn ? 'processing' : 'finished')
      assert.equal(totals?.registered.count, isIn ? 1 : 0)
      const own = await redis.exists(one.keys.intent(transferIdOf(account, 'r-3')))
      assert.equal(own, isIn ? 1 : 0)
    }
  })

  it('joins with others at once, each in a place of its own', async () => {
    const references = Array.from({ length: 8 }, (_, i) => `x-${i}`)
    const events = await Promise.all(references.map((reference) => joinerOf(reference)))
    const joined = await Promise.all(events.map((event) => batchesOf(store, redis).join(event)))
    assert.deepEqual([...new Set(joined.map(({ outcome }) => outcome))], ['registered'])
    const { batch, totals } = await find()
    assert.equal(batch.count, 10)
    assert.equal(totals?.registered.count, 10)
    const places = await redis.zrange(store.keys.members(id), '0', '-1', 'WITHSCORES')
    assert.deepEqual(
      places.filter((_, i) => i % 2 === 1),
      references.concat('', '').map((_, i) => String(i)),
    )
  })

  it('is finished by the sweep wherever it stopped, or leaves nothing, and loses no callback', async () => {
    const whole = dyingAfter(redis, Number.POSITIVE_INFINITY)
    await batchesOf(await storeWithBatch(), whole.redis).join(await joinerOf('r-3'))
    assert.equal(whole.commits(), 5)
    for (const closes of [false, true]) {
      for (let n = 1; n < whole.commits(); n++) {
        const one = await storeWithBatch()
        const event = await joinerOf('r-3', one)
        await assert.rejects(batchesOf(one, dyingAfter(redis, n).redis).join(event), Crash)
        await succeed('r-3', one)
        if (closes) {
          for (const reference of ['r-1', 'r-2']) await succeed(reference, one)
          await settle(one)
        }
        await Promise.all([batchesOf(one, redis).finish(later()), batchesOf(one, redis).finish(later())])
        const reconcile = createTestReconcile(one)
        await one.ready.pump(async (receipts) => assert.deepEqual(await reconcile.applyAll(receipts), []))
        const found = (await one.intents.find(transferIdOf(account, 'r-3'))) as Transfer | undefined
        const isIn = !closes || n > 2
        assert.equal(found?.state, isIn ? 'succeeded' : undefined, `closes ${closes}, after ${n} steps`)
        assert.equal((await find(one)).batch.count, isIn ? 3 : 2)
        assert.deepEqual(await redis.keys(`${one.prefix}:*draft*`), [])
        assert.deepEqual(await redis.keys(`${one.prefix}:*registering*`), [])
        const parked = await redis.keys(`${one.prefix}:*:parked:*`)
        assert.equal(parked.length, isIn ? 0 : 1, 'it waits where nothing was registered')
      }
    }
  })
})
