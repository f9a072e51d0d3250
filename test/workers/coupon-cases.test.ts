import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { AppError } from '../../src/domain/errors.ts'
import type { ResolutionAction } from '../../src/domain/observation.ts'
import type { Receipt } from '../../src/domain/receipt.ts'
import { createCollections } from '../../src/store/collections.ts'
import { aliasIdOf, collectionIdOf } from '../../src/store/ids.ts'
import { createLinks } from '../../src/store/links.ts'
import { createFinishLinks } from '../../src/workers/finish-links.ts'
import type { Reconcile } from '../../src/workers/reconcile.ts'
import { createTestCaseParts, type TestCaseParts } from '../support/case-parts.ts'
import {
  account,
  createSayingReconcile,
  findCoupon,
  grantOf,
  payInOf,
  registerCouponIn,
  sayingProviders,
  useOf,
} from '../support/coupons.ts'
import { createMemoryLogger } from '../support/log.ts'
import { createTestClients } from '../support/redis.ts'
import { createTestStore, readAllEvents, type TestStore } from '../support/store.ts'
import { newReference } from '../support/zenospay.ts'

describe('what a person decides of a coupon or a pay-in', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore
  let reconcile: Reconcile
  let parts: TestCaseParts
  let reference: string
  let number: string

  before(async () => {
    redis = await clients.open()
  })
  beforeEach(() => {
    store = createTestStore(redis, 4)
    reconcile = createSayingReconcile(store)
    parts = createTestCaseParts(store, { providers: sayingProviders, reconcile })
    reference = newReference()
    number = newReference()
  })
  after(() => clients.closeAll())

  const outcomeOf = async (receipt: Receipt) => (await reconcile.applyOne(receipt)).outcome
  const usesOf = async () =>
    (await findCoupon(store, reference)).uses.map(({ transaction, amount }) => [transaction, amount.minor])
  const factsOf = async () => (await readAllEvents(store)).map(({ fact }) => fact.name)
  async function resolve(action: ResolutionAction): Promise<void> {
    const [open] = (await store.cases.list({ state: 'open', limit: 1 })).cases
    await parts.resolve({ id: open?.id ?? '', by: 'ann', reason: 'seen in the portal', action })
  }
  const refused = (action: ResolutionAction, why: RegExp) =>
    assert.rejects(
      resolve(action),
      (error) => error instanceof AppError && error.code === 'cannot-resolve' && why.test(error.detail),
    )

  describe('of a use with another amount', () => {
    beforeEach(async () => {
      await registerCouponIn(store, reference, { couponNumber: number })
      await reconcile.applyAll([useOf(number, 't-1', 300n), useOf(number, 't-2', 100n)])
      assert.equal(await outcomeOf(useOf(number, 't-1', 200n)), 'held')
      assert.equal(await outcomeOf(useOf(number, 't-3', 50n)), 'awaits-person')
    })

    it('takes theirs: it is that amount, and what came meanwhile is counted', async () => {
      await resolve('take-theirs')
      assert.deepEqual(await usesOf(), [
        ['t-1', 200n],
        ['t-2', 100n],
        ['t-3', 50n],
      ])
      assert.deepEqual((await factsOf()).slice(-3), ['released', 'corrected', 'used'])
      for (const minor of [200n, 300n])
        assert.equal(await outcomeOf(useOf(number, 't-1', minor)), 'repeat', 'both were looked at')
    })

    it('keeps ours, and counts what came meanwhile', async () => {
      await resolve('keep-ours')
      assert.deepEqual(await usesOf(), [
        ['t-1', 300n],
        ['t-2', 100n],
        ['t-3', 50n],
      ])
      assert.equal(await outcomeOf(useOf(number, 't-1', 200n)), 'repeat')
    })

    it('cannot cancel a coupon', () => refused('cancel', /coupon cannot be cancelled/))
  })

  it('a grant under another number is taken with what waits under that number', async () => {
    const other = newReference()
    await registerCouponIn(store, reference, { couponNumber: number })
    assert.equal(await outcomeOf(useOf(other, 't-1', 300n)), 'parked')
    assert.equal(await outcomeOf(grantOf(reference, other)), 'held')
    await resolve('take-theirs')
    await store.ready.pump(async (receipts) => assert.deepEqual(await reconcile.applyAll(receipts), []))
    assert.equal((await findCoupon(store, reference)).couponNumber, other)
    assert.deepEqual(await usesOf(), [['t-1', 300n]])
    assert.equal(await outcomeOf(useOf(number, 't-2', 1n)), 'held', 'under the number that it no longer has')
  })

  it('a use of a failed grant is taken: it was granted after all', async () => {
    await registerCouponIn(store, reference)
    await reconcile.applyOne(grantOf(reference, number, 'failed'))
    assert.equal(await outcomeOf(useOf(number, 't-1', 300n)), 'held')
    await resolve('take-theirs')
    const { state, failure } = await findCoupon(store, reference)
    assert.deepEqual([state, failure, await usesOf()], ['granted', undefined, [['t-1', 300n]]])
  })

  it('a failed grant of what was used cannot be taken', async () => {
    await registerCouponIn(store, reference, { couponNumber: number })
    await reconcile.applyOne(useOf(number, 't-1', 300n))
    assert.equal(await outcomeOf(grantOf(reference, number, 'failed')), 'held')
    await refused('take-theirs', /has been used/)
    await resolve('keep-ours')
    assert.equal((await findCoupon(store, reference)).hold, undefined)
  })

  it('a number that leads to another coupon cannot be taken; ours is kept, and it is asked no more', async () => {
    const finish = createFinishLinks({
      partitions: store.keys.partitions,
      links: createLinks({ redis, keys: store.keys }),
      intents: store.intents,
      clock: Date.now,
      logger: createMemoryLogger(),
    })
    const winner = newReference()
    await registerCouponIn(store, winner, { couponNumber: number })
    // By a registration that looked before the winner was there: nothing but the registration says so.
    await registerCouponIn(store, reference, { couponNumber: number })
    await finish()
    await refused('take-theirs', /nothing to take/i)
    await resolve('keep-ours')
    await finish()
    assert.equal((await findCoupon(store, reference)).hold, undefined)
    assert.equal(await outcomeOf(useOf(number, 't-1', 1n)), 'applied')
    assert.equal((await findCoupon(store, winner)).uses.length, 1)

    const third = newReference()
    await registerCouponIn(store, third)
    assert.equal(await outcomeOf(grantOf(third, number)), 'held')
    await refused('take-theirs', /leads to another coupon/)
    await resolve('keep-ours')
    assert.equal((await findCoupon(store, third)).state, 'registered')
  })

  it('a pay-in is moved to the reference that is taken, also in the lists', async () => {
    await reconcile.applyOne(payInOf('p-1', { reference: 'wrong' }))
    assert.equal(await outcomeOf(payInOf('p-1', { reference: 'right' })), 'held')
    await resolve('take-theirs')
    const listed = async (name: string) =>
      (
        await createCollections({ ...store, redis }).list({ account, reference: name, limit: 9 })
      ).collections.map(({ id }) => id)
    assert.deepEqual([await listed('right'), await listed('wrong')], [[collectionIdOf(account, 'p-1')], []])
    assert.ok(await redis.exists(store.keys.listed(aliasIdOf('collections', account, 'right'))))
  })
})
