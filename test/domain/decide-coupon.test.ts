import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Coupon, couponStates } from '../../src/domain/coupon.ts'
import { consumedOf, couponMoves, decideCoupon } from '../../src/domain/decide-coupon.ts'
import type { Decision } from '../../src/domain/decision.ts'
import { coupon, now, outcomeOf, rupiah, seenGrant, seenUse } from '../support/intents.ts'

const granted = coupon({ state: 'granted', couponNumber: 'c-1' })
const reasonOf = (decision: Decision<Coupon>) => decision.verdict === 'held' && decision.reason
const use = (before: Coupon, fields: Parameters<typeof seenUse>[0] = {}) =>
  decideCoupon(before, seenUse(fields), now)

describe('decideCoupon', () => {
  const verdicts = { move: 'applied', repeat: 'repeat', contradiction: 'held' }
  for (const state of couponStates) {
    for (const [what, seen] of Object.entries({
      granted: seenGrant(),
      failed: seenGrant({ status: 'failed' }),
      used: seenUse(),
    })) {
      const move = couponMoves[state][what as 'granted']
      it(`${state}, and ${what} is reported: ${move}`, () => {
        const decision = decideCoupon(coupon({ state }), seen, now)
        assert.equal(decision.verdict, verdicts[move])
        if (move === 'contradiction') assert.equal(reasonOf(decision), 'final-state-contradicted')
      })
    }
  }

  it('counts each consumption once, by its transaction', () => {
    const once = outcomeOf(granted, use(granted))
    assert.equal(use(once).verdict, 'repeat')
    const twice = outcomeOf(once, use(once, { transaction: 'trx-2', amount: rupiah(60n) }))
    assert.equal(consumedOf(twice), 100n)
    assert.deepEqual(
      twice.uses.map(({ transaction }) => transaction),
      ['trx-1', 'trx-2'],
    )
  })

  it('is granted by its use, if nothing else has said so', () => {
    const decision = use(coupon())
    assert.ok(decision.verdict === 'applied')
    assert.deepEqual(
      decision.steps.map(({ fact }) => [fact.name, fact.sequence]),
      [
        ['granted', 2],
        ['used', 3],
      ],
    )
  })

  const held: [string, Coupon, Parameters<typeof seenUse>[0]][] = [
    ['consumed-too-much', granted, { amount: rupiah(101n) }],
    ['amount-differs', outcomeOf(granted, use(granted)), { amount: rupiah(41n) }],
    ['currency-differs', granted, { amount: { minor: 40n, currency: 'CNY' } }],
    ['provider-reference-differs', granted, { couponNumber: 'c-2' }],
    ['provider-reference-differs', granted, { stockId: 'another' }],
  ]
  for (const [reason, before, fields] of held) {
    it(`holds where ${reason.replaceAll('-', ' ')}: ${Object.keys(fields ?? {}).join()}`, () => {
      const decision = use(before, fields)
      assert.equal(reasonOf(decision), reason)
      const after = outcomeOf(before, decision)
      assert.deepEqual(after.uses, before.uses)
      assert.equal(use(after).verdict, 'awaits-person')
    })
  }

  it('of a stock with a fixed value takes any amount, in one currency', () => {
    const { amount: _, ...free } = granted
    const once = outcomeOf<Coupon>(free, use(free, { amount: rupiah(1_000n) }))
    assert.equal(consumedOf(once), 1_000n)
    const other = use(once, { transaction: 'trx-2', amount: { minor: 1n, currency: 'CNY' } })
    assert.equal(reasonOf(other), 'currency-differs')
  })

  it('for any history: never consumes more than its worth, and numbers without gaps', () => {
    const uses = fc.array(fc.tuple(fc.nat({ max: 5 }), fc.bigInt(1n, 60n)), { maxLength: 10 })
    fc.assert(
      fc.property(uses, (history) => {
        let current: Coupon = coupon()
        for (const [number, minor] of history) {
          const decision = use(current, { transaction: `trx-${number}`, amount: rupiah(minor) })
          const steps = 'steps' in decision ? decision.steps : []
          assert.deepEqual(
            steps.map(({ fact }) => fact.sequence),
            steps.map((_, i) => current.sequence + 1 + i),
          )
          current = outcomeOf(current, decision)
          assert.ok(consumedOf(current) <= 100n)
          assert.equal(new Set(current.uses.map(({ transaction }) => transaction)).size, current.uses.length)
        }
      }),
    )
  })
})
