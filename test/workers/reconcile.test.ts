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

describe('reconcile', () => {
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

  async function registered(): Promise<string> {
    const reference = newReference()
    await registerIn(store, reference)
    return reference
  }

  const callback = (reference: string, fields: Parameters<typeof disbursement>[0] = {}): Receipt =>
    receiptOf(describeDisbursement(disbursement({ reference, ...fields })))

  const stateOf = async (reference: string) =>
    (await findTransfer(store, transferIdOf(testAccount.id, reference))).state

  const factsOf = async () =>
    (await readAllEvents(store)).map(({ fact }) => fact.name).filter((name) => name !== 'registered')

  it('turns a success into a settled transfer and one event', async () => {
    const reference = await registered()
    const receipt = callback(reference)
    assert.equal((await reconcile.applyOne(receipt)).outcome, 'applied')
    assert.equal(await stateOf(reference), 'succeeded')
    const event = (await readAllEvents(store)).find(({ fact }) => fact.name === 'succeeded')
    assert.deepEqual(event?.because, { source: 'callback', receipt: receipt.id })
    assert.equal(event?.fact.sequence, 2)
  })

  it('applies a job that is delivered twice once', async () => {
    const receipt = callback(await registered())
    assert.equal((await reconcile.applyOne(receipt)).outcome, 'applied')
    assert.equal((await reconcile.applyOne(receipt)).outcome, 'applied', 'the same outcome is answered')
    assert.deepEqual(await factsOf(), ['succeeded'])
  })

  it('publishes one event however often the callback is repeated, and however many arrive together', async () => {
    const reference = await registered()
    const receipts = Array.from({ length: 20 }, () => callback(reference))
    await Promise.all([
      reconcile.applyAll(receipts.slice(0, 10)),
      ...receipts.slice(10).map((receipt) => reconcile.applyOne(receipt)),
    ])
    assert.deepEqual(await factsOf(), ['succeeded'])
  })

  it('applies what one transfer is told in the order it came', async () => {
    const reference = await registered()
    await reconcile.applyAll([
      callback(reference, { status: 'pending' }),
      callback(reference, { status: 'success' }),
    ])
    assert.deepEqual(await factsOf(), ['processing', 'succeeded'])
  })

  it('holds a transfer whose callback names another amount', async () => {
    const reference = await registered()
    assert.equal((await reconcile.applyOne(callback(reference, { amount: '25000.01' }))).outcome, 'held')
    assert.equal((await reconcile.applyOne(callback(reference))).outcome, 'awaits-person')
    const transfer = await findTransfer(store, transferIdOf(testAccount.id, reference))
    assert.equal(transfer.hold?.reason, 'amount-differs')
    assert.equal(transfer.amount.minor, 2500000n)
    assert.deepEqual(await factsOf(), ['held'])
  })

  it('parks a callback whose transfer is not registered yet, and applies it afterwards', async () => {
    const reference = newReference()
    assert.equal((await reconcile.applyOne(callback(reference))).outcome, 'parked')
    await registerIn(store, reference)
    await store.ready.pump(async (receipts) => {
      assert.deepEqual(await reconcile.applyAll(receipts), [])
    })
    assert.equal(await stateOf(reference), 'succeeded')
  })

  it('returns what could not be applied and applies its neighbours', async () => {
    const reference = await registered()
    const broken = receiptOf('not json')
    const foreign = callback(await registered())
    foreign.account = 'gone'
    const unsealable = { ...callback(reference), body: 's1.other.AAAA' }
    const failed = await reconcile.applyAll([broken, foreign, callback(reference), unsealable])
    assert.equal(await stateOf(reference), 'succeeded')
    const codes = new Map(failed.map(({ receipt, error }) => [receipt.id, error.code]))
    assert.deepEqual(
      codes,
      new Map([
        [broken.id, 'callback-not-understood'],
        [foreign.id, 'account-not-configured'],
        [unsealable.id, 'cannot-unseal'],
      ]),
    )
    for (const { error } of failed) assert.equal(error.retry, 'never')
  })

  it('applies what stands beside a record that nobody can read', async () => {
    const [odd, sound] = [await registered(), await registered()]
    await redis.set(store.keys.intent(transferIdOf(testAccount.id, odd)), '1 {"v":9}')
    const failed = await reconcile.applyAll([callback(odd), callback(sound)])
    assert.deepEqual(
      failed.map(({ error }) => error.code),
      ['internal-error'],
    )
    assert.equal(await stateOf(sound), 'succeeded')
  })

  it('gives up with a fault that may pass when others keep changing the transfer', async () => {
    const contended = createTestReconcile(store, {
      intents: {
        ...store.intents,
        commit: async () => ({ outcome: 'moved-on' }),
        commitAll: async (requests) => requests.map(() => ({ outcome: 'moved-on' }) as const),
      },
      logger,
    })
    const receipt = callback(await registered())
    await assert.rejects(
      contended.applyOne(receipt),
      (error) => error instanceof AppError && error.retry === 'backoff',
    )
  })

  it('says in the log what became of a receipt, and nothing personal', async () => {
    const reference = await registered()
    await reconcile.applyOne(
      callback(reference, { accountName: 'Planted Name', accountNumber: '5550001234' }),
    )
    await reconcile.applyAll([receiptOf('{"name":"Planted Name"}')])
    const line = logger.lines.find(({ event }) => event === 'callback.applied')
    assert.equal(line?.fields.outcome, 'held')
    const said = JSON.stringify(logger.lines)
    assert.ok(!said.includes('Planted') && !said.includes('5550001234'))
  })
})
