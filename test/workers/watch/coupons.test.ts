import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import type { Coupon } from '../../../src/domain/coupon.ts'
import { waitingSince } from '../../../src/domain/submission.ts'
import { couponIdOf } from '../../../src/store/ids.ts'
import { createTestCaseParts } from '../../support/case-parts.ts'
import { registerCouponIn } from '../../support/coupons.ts'
import {
  acceptLikeWechat,
  account,
  createFakeClient,
  type FakeClient,
  refusedWith,
  submissionOf,
  unknown,
} from '../../support/fake-client.ts'
import { createTestClients } from '../../support/redis.ts'
import { createTestStore, type TestStore } from '../../support/store.ts'
import { createTestWatch, dueAt, minute, type TestClock } from '../../support/watch.ts'

describe('granting coupons', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore
  let fake: FakeClient
  let time: TestClock
  before(async () => {
    redis = await clients.open()
  })
  beforeEach(() => {
    store = createTestStore(redis)
    fake = createFakeClient('wechatpay')
    time = { now: Date.now() + 1_000 }
  })
  after(() => clients.closeAll())

  async function register(): Promise<Coupon> {
    const id = couponIdOf(account, 'c-1')
    const personal = await store.vault.sealSecrets(id, 'person', { openid: 'o-1', name: 'n', idCard: 'i' })
    const fields = { id, account, personal, submission: waitingSince(Date.now(), false) }
    const { intent } = (await registerCouponIn(store, 'c-1', fields)) as { intent: Coupon }
    return intent
  }
  const find = async (id: Coupon['id']) => (await store.intents.find(id)) as Coupon

  it('grants once, and keeps the number', async () => {
    const { id } = await register()
    const one = createTestWatch(store, fake, time)
    await one.settle()
    assert.equal((await find(id)).state, 'granted')
    assert.equal((await find(id)).couponNumber, 'number-c-1')
    assert.equal(await dueAt(store, { id }), undefined)
    assert.equal(fake.orders.length, 1)
  })

  it('gives the same grant again after an unknown outcome, not at once, and not while it is paused', async () => {
    const { id } = await register()
    const one = createTestWatch(store, fake, time)
    fake.onOrder = () => unknown
    await one.settle()
    await one.pass(59_000)
    assert.equal(fake.orders.length, 1)
    one.state.paused = true
    await one.pass(5 * minute)
    assert.equal(fake.orders.length, 1)
    one.state.paused = false
    fake.onOrder = acceptLikeWechat
    await one.pass(5 * minute)
    const [first, second] = fake.orders.map(({ notAfter: _, ...order }) => order)
    assert.equal(fake.orders.length, 2)
    assert.deepEqual(second, first)
    assert.equal((await find(id)).state, 'granted')
  })

  it('asks a person where only a repeat was refused for good: the first may have been granted', async () => {
    const { id } = await register()
    const one = createTestWatch(store, fake, time)
    fake.onOrder = () => unknown
    await one.settle()
    fake.onOrder = () =>
      refusedWith(
        'failed',
        submissionOf({ of: 'coupon', status: 'refused', reference: 'c-1', remedy: 'failed' }),
      )
    await one.pass(2 * minute)
    assert.equal(fake.orders.length, 2)
    const { state, hold } = await find(id)
    assert.deepEqual([state, hold?.reason], ['submitted', 'refused-by-provider'])
  })

  for (const [action, state, orders] of [
    ['keep-ours', 'granted', 2],
    ['take-theirs', 'failed', 1],
  ] as const) {
    it(`waits for a person where it was refused and may be mended, and does what they say: ${action}`, async () => {
      const { id } = await register()
      const one = createTestWatch(store, fake, time)
      const seen = submissionOf({ of: 'coupon', status: 'refused', reference: 'c-1', remedy: 'operator' })
      fake.onOrder = () => refusedWith('operator', seen)
      await one.settle()
      await one.pass(60 * minute)
      assert.equal(fake.orders.length, 1)
      const held = (await find(id)).hold
      assert.ok(held)
      fake.onOrder = acceptLikeWechat
      const { resolve, cases } = createTestCaseParts(store, {
        clock: () => time.now,
        providers: one.providers,
      })
      const known = await cases.find(held.case)
      assert.ok(known?.kind === 'held')
      const receipt = action === 'take-theirs' ? { receipt: known.receipts[0] as string } : {}
      await resolve({ id: held.case, action, by: 'ops', reason: 'So it is.', ...receipt })
      await one.settle()
      assert.equal((await find(id)).state, state)
      assert.equal(fake.orders.length, orders)
    })
  }
})
