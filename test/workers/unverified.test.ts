import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { AppError } from '../../src/domain/errors.ts'
import type { Receipt } from '../../src/domain/receipt.ts'
import { describeDisbursement } from '../../src/sandbox/signed-callback.ts'
import { transferIdOf } from '../../src/store/ids.ts'
import type { Reconcile } from '../../src/workers/reconcile.ts'
import { createMemoryLogger } from '../support/log.ts'
import { createTestClients } from '../support/redis.ts'
import {
  createTestReconcile,
  createTestStore,
  findTransfer,
  readAllEvents,
  receiptOf,
  registerIn,
  type TestStore,
} from '../support/store.ts'
import { disbursement, newReference, testAccount } from '../support/zenospay.ts'

describe('unverified receipts', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore
  let logger: ReturnType<typeof createMemoryLogger>
  let reconcile: Reconcile

  before(async () => {
    redis = await clients.open()
  })
  beforeEach(() => {
    store = createTestStore(redis)
    logger = createMemoryLogger()
    reconcile = createTestReconcile(store, { logger })
  })
  after(() => clients.closeAll())

  const unverified = (reference: string, fields: Parameters<typeof disbursement>[0] = {}): Receipt =>
    receiptOf(describeDisbursement(disbursement({ reference, ...fields })), { unverified: true })

  const keysOfStore = () => redis.keys(`${store.prefix}*`)

  async function wantedOf(reference: string): Promise<string[]> {
    const id = transferIdOf(testAccount.id, reference)
    return redis.zrangebyscore(store.keys.watch(store.keys.partitionOf(id), testAccount.id), 0, Date.now())
  }

  async function registered(): Promise<string> {
    const reference = newReference()
    await registerIn(store, reference)
    return reference
  }

  it('change no transfer, are recorded with it and ask for a status query', async () => {
    const reference = await registered()
    const id = transferIdOf(testAccount.id, reference)
    const before = await store.intents.find(id)
    const receipt = unverified(reference)
    assert.deepEqual(await reconcile.applyOne(receipt), { outcome: 'unverified', intentId: id })
    assert.deepEqual(await store.intents.find(id), before)
    assert.deepEqual(
      (await readAllEvents(store)).map(({ fact }) => fact.name),
      ['registered'],
    )
    assert.equal((await store.intents.findReceipt(id, receipt.id))?.outcome, 'unverified')
    assert.deepEqual(await wantedOf(reference), [id])
  })

  it('hold no transfer either, whatever they say', async () => {
    const reference = await registered()
    await reconcile.applyOne(unverified(reference, { amount: '1.00', accountNumber: '999' }))
    const transfer = await findTransfer(store, transferIdOf(testAccount.id, reference))
    assert.equal(transfer.state, 'registered')
    assert.equal(transfer.hold, undefined)
  })

  it('leave one record and want one query, however many come and however often', async () => {
    const reference = await registered()
    const receipts = Array.from({ length: 10 }, () => unverified(reference))
    assert.deepEqual(await reconcile.applyAll([...receipts, ...receipts]), [])
    assert.equal((await wantedOf(reference)).length, 1)
    assert.equal((await readAllEvents(store)).length, 1)
    const kept = (await keysOfStore()).filter((key) => key.includes(':rc-'))
    assert.equal(kept.length, 1, 'anyone can send more, and they fill no memory')
  })

  it('do not stand in the way of a genuine one', async () => {
    const reference = await registered()
    const genuine = receiptOf(describeDisbursement(disbursement({ reference })))
    assert.deepEqual(await reconcile.applyAll([unverified(reference, { status: 'fail' }), genuine]), [])
    assert.equal((await findTransfer(store, transferIdOf(testAccount.id, reference))).state, 'succeeded')
  })

  it('leave nothing behind where their transfer is not registered, but a line in the log', async () => {
    const reference = newReference()
    assert.equal((await reconcile.applyOne(unverified(reference))).outcome, 'unverified')
    assert.deepEqual(await keysOfStore(), [])
    const line = logger.lines.find(({ event }) => event === 'callback.applied')
    assert.equal(line?.fields.because, 'not-registered')
    await registerIn(store, reference)
    assert.equal(await store.ready.pump(async () => assert.fail('Nothing was parked.')), 0)
  })

  it('leave no failed job where nobody understands them: anyone could fill the memory with them', async () => {
    const junk = receiptOf('junk', { unverified: true })
    assert.deepEqual(await reconcile.applyOne(junk), { outcome: 'unverified', because: 'not-understood' })
    assert.deepEqual(await reconcile.applyAll([junk]), [])
    assert.deepEqual(await keysOfStore(), [])
  })

  it('fail as others do where a person has to mend something', async () => {
    const foreign = { ...unverified(newReference()), account: 'gone' }
    await assert.rejects(
      reconcile.applyOne(foreign),
      (error) => error instanceof AppError && error.code === 'account-not-configured',
    )
  })

  it('give up with a fault that may pass when others keep changing the transfer', async () => {
    const contended = createTestReconcile(store, {
      intents: {
        ...store.intents,
        commit: async () => ({ outcome: 'moved-on' }),
        commitAll: async (requests) => requests.map(() => ({ outcome: 'moved-on' }) as const),
      },
      logger,
    })
    await assert.rejects(
      contended.applyOne(unverified(await registered())),
      (error) => error instanceof AppError && error.retry === 'backoff',
    )
  })
})
