import assert from 'node:assert/strict'
import { type Coupon, couponStates } from '../../src/domain/coupon.ts'
import {
  consumedOf,
  couponMoves,
  decideCoupon,
  findCouponObstacle,
  grantElsewhere,
  registerCoupon,
  settleCouponByPerson,
} from '../../src/domain/decide-coupon.ts'
import type { Step } from '../../src/domain/decision.ts'
import type { CouponId, ReceiptId } from '../../src/domain/ids.ts'
import type { CouponGrantObservation, CouponUseObservation } from '../../src/domain/observation.ts'
import { findObstacle } from '../../src/domain/resolve.ts'

const cny = (minor: bigint) => ({ minor, currency: 'CNY' })

const registration = {
  id: 'co-00000000000000000000000000' as CouponId,
  account: 'wx',
  reference: 'r-1',
  stockId: 's-1',
  appid: 'wx-1',
  amount: cny(1000n),
  personal: { person: 'p', sealed: 's' },
  contentDigest: 'd',
}

const coupon = (fields: Partial<Coupon> = {}): Coupon => ({
  ...registerCoupon(registration, 1).intent,
  ...fields,
})
const granted = (fields: Partial<Coupon> = {}) => coupon({ state: 'granted', couponNumber: 'c-1', ...fields })
const useOf = (transaction: string, minor: bigint) => ({
  transaction,
  amount: cny(minor),
  at: 5,
  receipt: `rc-${transaction}`,
})

const base = { source: 'callback', receiptId: 'rc-now' as ReceiptId, account: 'wx' } as const
const used = (fields: Partial<CouponUseObservation> = {}): CouponUseObservation => ({
  ...base,
  kind: 'coupon-use',
  couponNumber: 'c-1',
  stockId: 's-1',
  transaction: 't-1',
  amount: cny(300n),
  occurredAt: 5,
  ...fields,
})
const answer = (fields: Partial<CouponGrantObservation> = {}): CouponGrantObservation => ({
  ...base,
  kind: 'coupon-grant',
  reference: 'r-1',
  status: 'granted',
  couponNumber: 'c-1',
  ...fields,
})

const outline = (decision: ReturnType<typeof decideCoupon>) =>
  'steps' in decision
    ? [decision.verdict, ...decision.steps.map(({ fact }) => `${fact.sequence} ${fact.name}`)]
    : [decision.verdict]

describe('decisions about a coupon', () => {
  it('one with its number is granted from the start, in two facts', () => {
    const registered = registerCoupon(registration, 7)
    const steps = [registered, grantElsewhere(registered.intent, 'c-1', 7)]
    assert.deepEqual(
      steps.map(({ fact, intent }) => [
        fact.name,
        fact.sequence,
        fact.change.from?.state,
        intent.state,
        intent.couponNumber,
      ]),
      [
        ['registered', 1, undefined, 'registered', undefined],
        ['granted', 2, 'registered', 'granted', 'c-1'],
      ],
    )
  })

  for (const state of ['registered', 'submitted'] as const) {
    it(`a use of one that is ${state} proves the grant: two facts in one decision`, () => {
      const decision = decideCoupon(coupon({ state }), used(), 9)
      assert.deepEqual(outline(decision), ['applied', '2 granted', '3 used'])
      assert.ok(decision.verdict === 'applied')
      const [, { intent }] = decision.steps as [Step<Coupon>, Step<Coupon>]
      const { couponNumber, settledBy, uses, updatedAt } = intent
      assert.deepEqual(
        { couponNumber, settledBy, uses, updatedAt },
        {
          couponNumber: 'c-1',
          settledBy: 'rc-now',
          uses: [{ transaction: 't-1', amount: cny(300n), at: 5, receipt: 'rc-now' }],
          updatedAt: 9,
        },
      )
    })
  }

  it('follows its table in every state', () => {
    for (const state of couponStates) {
      const before = coupon({ state, ...(state === 'granted' && { couponNumber: 'c-1' }) })
      for (const [seen, observation] of [
        ['granted', answer()],
        ['failed', answer({ status: 'failed' })],
        ['used', used()],
      ] as const) {
        const { verdict } = decideCoupon(before, observation, 2)
        const expected = { move: 'applied', repeat: 'repeat', contradiction: 'held' }
        assert.equal(verdict, expected[couponMoves[state][seen]], `${state} ${seen}`)
      }
    }
  })

  it('looks at what is said before it takes it for a repeat', () => {
    const known = granted({ uses: [useOf('t-1', 300n)] })
    const reasonOf = (seen: CouponUseObservation | CouponGrantObservation) => {
      const decision = decideCoupon(known, seen, 2)
      return decision.verdict === 'held' ? decision.reason : decision.verdict
    }
    assert.equal(reasonOf(used()), 'repeat')
    assert.equal(reasonOf(used({ occurredAt: 6 })), 'repeat')
    assert.equal(reasonOf(used({ stockId: 's-2' })), 'provider-reference-differs')
    assert.equal(reasonOf(used({ couponNumber: 'c-2' })), 'provider-reference-differs')
    assert.equal(reasonOf(used({ amount: { minor: 300n, currency: 'USD' } })), 'currency-differs')
    assert.equal(reasonOf(used({ amount: cny(299n) })), 'amount-differs')
    assert.equal(reasonOf(used({ transaction: 't-2', amount: cny(700n) })), 'applied')
    assert.equal(reasonOf(used({ transaction: 't-2', amount: cny(701n) })), 'consumed-too-much')
    assert.equal(reasonOf(answer({ takenBy: 'co-other' })), 'provider-reference-taken')
  })

  it('one that is held waits for a person, whatever comes', () => {
    const held = granted({ hold: { reason: 'amount-differs', at: 1, case: 'case-1' as never } })
    for (const seen of [used(), answer(), answer({ status: 'failed' })])
      assert.equal(decideCoupon(held, seen, 2).verdict, 'awaits-person')
  })

  describe('taken by a person', () => {
    const take = (before: Coupon, theirs: CouponUseObservation | CouponGrantObservation) =>
      settleCouponByPerson(
        before,
        { action: 'take-theirs', by: 'ann', because: 'seen in the portal', theirs } as never,
        3,
      )

    it('a use takes the place of the one that it corrects', () => {
      const before = granted({ uses: [useOf('t-1', 300n), useOf('t-2', 100n)] })
      const taken = take(before, used({ amount: cny(200n) }))
      assert.equal(taken?.fact.name, 'corrected')
      assert.deepEqual(
        taken.intent.uses.map(({ transaction, amount }) => [transaction, amount.minor]),
        [
          ['t-1', 200n],
          ['t-2', 100n],
        ],
      )
      assert.equal(consumedOf(taken.intent), 300n)
    })

    it('a use of a failed grant makes it granted, and its failure is gone', () => {
      const taken = take(coupon({ state: 'failed', failure: { code: 'unknown' } }), used())
      assert.deepEqual(
        [taken?.intent.state, taken?.intent.failure, taken?.intent.couponNumber, taken?.intent.settledBy],
        ['granted', undefined, 'c-1', 'rc-now'],
      )
    })

    it('is refused where it cannot be true', () => {
      const before = granted({ uses: [useOf('t-1', 300n)] })
      assert.match(findCouponObstacle(before, answer({ status: 'failed' })) ?? '', /has been used/)
      const dollars = used({ amount: { minor: 1n, currency: 'USD' } })
      const asked = {
        action: 'take-theirs',
        by: 'ann',
        because: 'so',
        theirs: dollars,
        dismissed: [],
      } as const
      assert.match(findObstacle(before, asked) ?? '', /CNY.*USD/)
      const contested = coupon({
        hold: { reason: 'provider-reference-taken', at: 1, case: 'case-1' as never },
      })
      assert.match(findCouponObstacle(contested, answer()) ?? '', /leads to another/)
      assert.equal(findCouponObstacle(granted(), answer({ status: 'failed' })), undefined)
    })
  })
})
