import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import type { Receipt } from '../../src/domain/receipt.ts'
import { describeDisbursement } from '../../src/sandbox/signed-callback.ts'
import { transferIdOf } from '../../src/store/ids.ts'
import { createRepeatCounts, type RepeatCount } from '../../src/store/repeat-counts.ts'
import type { Reconcile } from '../../src/workers/reconcile.ts'
import { createTestCaseParts } from '../support/case-parts.ts'
import { createTestClients } from '../support/redis.ts'
import {
  createTestReconcile,
  createTestStore,
  day,
  findTransfer,
  receiptOf,
  registerIn,
  type TestStore,
} from '../support/store.ts'
import { disbursement, newReference, testAccount } from '../support/zenospay.ts'

type Said = Parameters<typeof disbursement>[0]

describe('repeats', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore
  let reconcile: Reconcile
  let reference: string

  before(async () => {
    redis = await clients.open()
  })
  beforeEach(async () => {
    store = createTestStore(redis)
    reconcile = createTestReconcile(store)
    reference = newReference()
    await registerIn(store, reference)
  })
  after(() => clients.closeAll())

  const bodyOf = (fields: Said = {}) => describeDisbursement(disbursement({ reference, ...fields }))
  const apply = async (body: string, fields: Partial<Receipt> = {}) =>
    (await reconcile.applyOne(receiptOf(body, fields))).outcome
  const counts = () => createRepeatCounts(store).countsOf(testAccount.id)
  const count = (some: Partial<RepeatCount>): RepeatCount => ({
    identical: 0,
    're-sent': 0,
    mutated: 0,
    ...some,
  })
  const current = () => findTransfer(store, transferIdOf(testAccount.id, reference))

  it('the same bytes are identical', async () => {
    assert.equal(await apply(bodyOf()), 'applied')
    assert.equal(await apply(bodyOf()), 'repeat')
    assert.equal(await apply(bodyOf()), 'repeat')
    assert.deepEqual(await counts(), count({ identical: 2 }))
    assert.equal((await current()).sequence, 2)
  })

  const resent: Record<string, (body: string) => string> = {
    'other whitespace': (body) => JSON.stringify(JSON.parse(body), null, 2),
    'fields in another order': (body) => {
      const { event, data } = JSON.parse(body)
      return JSON.stringify({ data: Object.fromEntries(Object.entries(data).reverse()), event })
    },
    'another time': () => bodyOf({ updatedAt: Date.parse('2025-01-11T00:00:00Z') }),
    'a name spelled otherwise': () => bodyOf({ accountName: 'JOHN  DOE' }),
    'another name': () => bodyOf({ accountName: 'J. Doe' }),
    'the amount as a number': () => bodyOf({ amount: 25000 }),
    'the amount with fewer zeros': () => bodyOf({ amount: '25000' }),
    'the account number grouped': () => bodyOf({ accountNumber: '0000-000 000' }),
    'the status in capitals': () => bodyOf({ status: 'SUCCESS' }),
    'no account number': (body) => {
      const { event, data } = JSON.parse(body)
      return JSON.stringify({ event, data: { ...data, account_number: null } })
    },
  }
  for (const [what, change] of Object.entries(resent)) {
    it(`the same fact with ${what} is re-sent`, async () => {
      await apply(bodyOf())
      assert.equal(await apply(change(bodyOf())), 'repeat')
      assert.deepEqual(await counts(), count({ 're-sent': 1 }))
      assert.equal((await current()).hold, undefined)
    })
  }

  const mutated: Record<string, Said> = {
    'amount-differs': { amount: '25000.01' },
    'account-number-differs': { accountNumber: '0000000001' },
  }
  for (const [reason, fields] of Object.entries(mutated)) {
    it(`the same identity where the ${reason.replaceAll('-', ' ')} is mutated, and a case`, async () => {
      await apply(bodyOf())
      assert.equal(await apply(bodyOf(fields)), 'held')
      assert.deepEqual(await counts(), count({ mutated: 1 }))
      const { hold, amount, state } = await current()
      assert.deepEqual([hold?.reason, amount.minor, state], [reason, 2500000n, 'succeeded'])
      const one = hold && (await store.cases.find(hold.case))
      assert.deepEqual([one?.kind, one?.state], ['held', 'open'])
      assert.equal(await apply(bodyOf({ ...fields, amount: '3.00' })), 'awaits-person')
      const attached = hold && (await store.cases.find(hold.case))
      assert.equal(attached?.kind === 'held' && attached.receipts.length, 2)
      assert.deepEqual(await counts(), count({ mutated: 2 }))
    })
  }

  it('another currency is mutated, and a case', async () => {
    await apply(bodyOf())
    const { provider } = createTestCaseParts(store)
    const inEuro = (body: Buffer) => {
      const said = provider.translate(body)
      if (said.outcome === 'understood' && said.observation.kind === 'transfer')
        said.observation.amount = { minor: 2500000n, currency: 'EUR' }
      return said
    }
    const providers = new Map([[testAccount.id, { ...provider, translate: inEuro }]])
    const receipt = receiptOf(bodyOf({ updatedAt: Date.now() }))
    assert.equal((await createTestReconcile(store, { providers }).applyOne(receipt)).outcome, 'held')
    assert.equal((await current()).hold?.reason, 'currency-differs')
    assert.deepEqual(await counts(), count({ mutated: 1 }))
  })

  const inquiryId = '01jmmtbfcthj8y0eg3w1he4q3t'

  it('the same number of the provider under another reference of ours is a case', async () => {
    await apply(bodyOf({ inquiryId }))
    const other = newReference()
    await registerIn(store, other)
    assert.equal(await apply(bodyOf({ reference: other, inquiryId })), 'held')
    const { hold } = await findTransfer(store, transferIdOf(testAccount.id, other))
    assert.equal(hold?.reason, 'provider-reference-taken')
  })

  it('one that was registered only after the other is held as well', async () => {
    const other = newReference()
    assert.equal(await apply(bodyOf({ reference: other, inquiryId })), 'parked')
    assert.equal(await apply(bodyOf({ inquiryId })), 'held')
    assert.equal((await current()).hold?.reason, 'provider-reference-taken')
  })

  it('stands for the one that a person took it for, and for no other', async () => {
    const other = newReference()
    await apply(bodyOf({ reference: other, inquiryId }))
    assert.equal(await apply(bodyOf({ inquiryId, status: 'pending' })), 'held')
    const { resolve } = createTestCaseParts(store)
    const id = (await current()).hold?.case ?? ''
    await resolve({ id, by: 'ops', reason: 'It was ours.', action: 'take-theirs' })
    assert.equal(await apply(bodyOf({ inquiryId })), 'applied', 'What comes next is not held for it again.')

    await registerIn(store, other)
    await store.ready.pump(async (receipts) => assert.deepEqual(await reconcile.applyAll(receipts), []))
    const { state, hold } = await findTransfer(store, transferIdOf(testAccount.id, other))
    assert.deepEqual([state, hold?.reason], ['registered', 'provider-reference-taken'])
  })

  it('the memory lasts the window, whatever the queue remembers', async () => {
    const now = Date.now()
    await apply(bodyOf(), { receivedAt: now - 34 * day })
    await apply(bodyOf(), { receivedAt: now })
    assert.deepEqual(await counts(), count({ identical: 1 }))

    reconcile = createTestReconcile(store, { windowMsOf: () => day })
    assert.equal(await apply(bodyOf({ amount: '1.00' }), { receivedAt: now + 40 * day }), 'held')
    assert.deepEqual(
      await counts(),
      count({ identical: 1 }),
      'it is a case, also where nothing is remembered',
    )
  })

  it('a job that is delivered twice is counted once', async () => {
    await apply(bodyOf())
    const again = receiptOf(bodyOf())
    for (let i = 0; i < 3; i++) await reconcile.applyOne(again)
    const wrong = receiptOf(bodyOf({ amount: '1.00' }))
    for (let i = 0; i < 3; i++) await reconcile.applyOne(wrong)
    assert.deepEqual(await counts(), count({ identical: 1, mutated: 1 }))
    const waiting = receiptOf(bodyOf({ amount: '2.00' }))
    for (let i = 0; i < 3; i++)
      assert.equal((await reconcile.applyOne(waiting)).outcome, 'awaits-person', 'it is decided each time')
    assert.deepEqual(await counts(), count({ identical: 1, mutated: 2 }))
  })

  it('a fact that came too old is applied when it is sent anew', async () => {
    const at = (minute: number) => ({ updatedAt: Date.parse(`2025-01-10T00:${minute}:00Z`) })
    assert.equal(await apply(bodyOf({ status: 'processing', ...at(30) })), 'applied')
    assert.equal(await apply(bodyOf(at(20))), 'stale')
    assert.equal(await apply(bodyOf(at(40))), 'applied')
    assert.equal((await current()).state, 'succeeded')
    assert.deepEqual(await counts(), count({}))
  })

  it('a flood of repeats is counted and fills no memory', async () => {
    await apply(bodyOf())
    const { id } = await current()
    const flood = async (many: number, body: (i: number) => string) => {
      const receipts = Array.from({ length: many }, (_, i) => receiptOf(body(i)))
      assert.deepEqual(await reconcile.applyAll(receipts), [])
    }
    const keysOf = async () => (await redis.keys(`${store.prefix}:*`)).length
    await flood(100, () => bodyOf())
    const before = await keysOf()
    await flood(100, () => bodyOf())
    await flood(100, (i) => bodyOf({ updatedAt: Date.now() + i * 1000 }))
    assert.equal(await keysOf(), before)
    assert.ok((await redis.hlen(store.keys.heard(id))) <= 64)
    assert.deepEqual(await counts(), count({ identical: 200, 're-sent': 100 }))
  })

  it('nor does a flood of what is stale', async () => {
    await apply(bodyOf())
    const stale = { status: 'pending' }
    assert.equal(await apply(bodyOf(stale)), 'stale')
    const receipts = Array.from({ length: 150 }, () => receiptOf(bodyOf(stale)))
    assert.deepEqual(await reconcile.applyAll(receipts), [])
    assert.ok((await redis.hlen(store.keys.heard((await current()).id))) <= 64)
    assert.deepEqual(await counts(), count({ identical: 150 }))
  })
})
