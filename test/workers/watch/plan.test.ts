import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Intent } from '../../../src/domain/intent.ts'
import { type SubmissionStep, submissionSteps } from '../../../src/domain/submission.ts'
import { finalTransferStates, transferStates } from '../../../src/domain/transfer.ts'
import type { Order, Question } from '../../../src/providers/client.ts'
import { afterQuestion, laneOf, plan, type Terms, type View } from '../../../src/workers/watch/plan.ts'
import { nextQuestion } from '../../../src/workers/watch/times.ts'
import { batch, coupon, now, totals, transfer } from '../../support/intents.ts'
import { day } from '../../support/store.ts'

const minute = 60_000
const hour = 60 * minute
const watch = { firstMs: 30_000, everyMs: minute, overdueMs: hour, giveUpMs: 7 * day }
const zenospay: Terms = {
  orders: new Set<Order['call']>(['reserve', 'pay']),
  questions: new Set<Question['call']>(['transfer']),
  reservationMs: 30 * minute,
  watch,
}
const wechatpay: Terms = {
  orders: new Set<Order['call']>(['pay-batch', 'grant']),
  questions: new Set<Question['call']>(['batch', 'batch-page', 'transfer', 'coupon']),
  watch,
}
const nobody: Terms = { orders: new Set(), questions: new Set(), watch }

const term = fc.constantFrom(zenospay, wechatpay, nobody)
const age = fc.integer({ min: 0, max: 20 * day })
const submission = fc.option(
  fc.record({
    step: fc.constantFrom(...submissionSteps),
    at: fc.integer({ min: now, max: now + 20 * day }),
    left: fc.integer({ min: -5 * minute, max: 5 * minute }),
  }),
  { nil: undefined },
)
const reason = fc.constantFrom('amount-differs', 'refused-by-provider', 'beneficiary-name-missing')

interface Case {
  view: View
  terms: Terms
  at: number
}

/** Intents of every kind in every state, also such as never are. */
const cases: fc.Arbitrary<Case> = fc
  .record({
    terms: term,
    age,
    submission,
    kind: fc.constantFrom('transfer', 'batch', 'coupon'),
    state: fc.constantFrom(...transferStates),
    batchState: fc.constantFrom('registered', 'submitted', 'accepted', 'processing', 'finished', 'closed'),
    couponState: fc.constantFrom('registered', 'submitted', 'granted', 'failed'),
    hold: fc.option(reason, { nil: undefined }),
    isMember: fc.boolean(),
    hasNumber: fc.boolean(),
    overdue: fc.boolean(),
    isNotKnown: fc.boolean(),
    touched: fc.boolean(),
    askedAgo: fc.option(fc.integer({ min: 0, max: 3 * minute }), { nil: undefined }),
  })
  .map((given) => {
    const at = now + given.age
    const own = given.submission
    const common = {
      ...(own && {
        submission: { step: own.step, at: Math.min(own.at, at), validUntil: at + own.left },
      }),
      ...(given.hold && { hold: { reason: given.hold, at: now, case: 'case' } as never }),
      ...(given.overdue && { overdue: true as const }),
      updatedAt: Math.min(now + given.age, at),
    }
    const intent: Intent =
      given.kind === 'transfer'
        ? transfer({
            ...common,
            state: given.state,
            providerReference: 'inquiry-1',
            ...(given.isMember && { batch: batch().id }),
          })
        : given.kind === 'batch'
          ? batch({ ...common, state: given.batchState as never })
          : coupon({
              ...common,
              state: given.couponState as never,
              ...(given.hasNumber && { couponNumber: 'c-1' }),
            })
    const view: View = {
      intent,
      totals: totals(
        given.touched ? { submitted: [1, 100n], processing: [1, 200n] } : { submitted: [2, 300n] },
      ),
      askedAt: given.askedAgo === undefined ? undefined : at - given.askedAgo,
      ...(given.isNotKnown && { isNotKnown: true as const }),
    }
    return { view, terms: given.terms, at }
  })

const holds = (check: (given: Case, next: ReturnType<typeof plan>['next']) => void) =>
  fc.assert(
    fc.property(cases, (given) => check(given, plan(given.view, given.terms, given.at).next)),
    { numRuns: 3_000 },
  )
const stepOf = ({ view }: Case): SubmissionStep | undefined => view.intent.submission?.step

describe('what is next about an intent', () => {
  it('pays what is reserved and nothing else, with two minutes left', () =>
    holds((given, next) => {
      if (next.do !== 'pay') return
      assert.equal(stepOf(given), 'reserved')
      assert.ok((given.view.intent.submission?.validUntil ?? 0) - given.at >= 2 * minute)
    }))

  it('begins with what waits, and only with that', () =>
    holds((given, next) => {
      if (next.do === 'reserve' || next.do === 'pay-batch' || next.do === 'grant' || next.do === 'fan-out')
        assert.equal(stepOf(given), 'waiting')
    }))

  it('sends a batch again only where the provider has just said that it does not know it, a minute after', () =>
    holds((given, next) => {
      if (next.do !== 'pay-batch-again') return
      assert.equal(given.view.isNotKnown, true)
      assert.equal(stepOf(given), 'sending')
      assert.ok(given.at - (given.view.intent.submission?.at ?? 0) >= given.terms.watch.everyMs)
      assert.equal(given.view.totals?.processing.count, 0)
    }))

  it('gives the same grant again only where nothing can be asked, a minute after', () =>
    holds((given, next) => {
      if (next.do !== 'grant-again') return
      assert.equal(stepOf(given), 'sending')
      assert.ok(given.view.intent.kind === 'coupon' && given.view.intent.couponNumber === undefined)
      assert.ok(given.at - (given.view.intent.submission?.at ?? 0) >= given.terms.watch.everyMs)
    }))

  it('sends nothing that is held or final, and changes nothing of it', () =>
    holds((given, next) => {
      const { intent } = given.view
      const isFinal = intent.kind === 'transfer' && finalTransferStates.has(intent.state)
      if (!intent.hold && !isFinal) return
      assert.notEqual(laneOf(next), 'send')
      assert.ok(next.do !== 'expire' && next.do !== 'fan-out')
      assert.deepEqual(plan(given.view, given.terms, given.at).marks, [])
    }))

  it('rests until a time that is still to come', () =>
    holds((given, next) => {
      if (next.do === 'rest') assert.ok(next.until > given.at)
      assert.ok(afterQuestion(given.view.intent, given.terms, given.at) > given.at)
    }))

  it('asks what the provider can be asked, not more often than the account allows', () =>
    holds((given, next) => {
      if (next.do !== 'ask') return
      assert.ok(given.terms.questions.has(next.question))
      const { intent } = given.view
      if (intent.kind === 'transfer' && given.terms === wechatpay)
        assert.ok(intent.batch, 'it has no address by itself')
      if (given.view.askedAt !== undefined) assert.ok(given.at - given.view.askedAt >= minute)
    }))

  it('calls nobody for an account that can call nobody', () =>
    holds((given, next) => {
      if (given.terms === nobody) assert.equal(laneOf(next), undefined)
    }))

  it('asks more and more rarely, up to an hour, and once a day when a person has been told', () => {
    fc.assert(
      fc.property(age, age, (one, other) => {
        const [younger, older] = [Math.min(one, other), Math.max(one, other)]
        const gap = (ms: number) => nextQuestion(now, now + ms, watch) - (now + ms)
        assert.ok(gap(younger) <= gap(older))
        assert.ok(gap(younger) >= minute)
        assert.ok(gap(older) <= (older < 7 * day ? hour : day))
      }),
    )
    assert.equal(nextQuestion(now, now + 8 * day, watch), now + 9 * day)
  })

  it('leaves a transfer to its batch, and looks at it by itself when that takes long', () => {
    const member = transfer({ state: 'registered', batch: batch().id })
    const at = now + 3 * hour
    assert.equal(plan({ intent: member }, wechatpay, at).next.do, 'rest')
    assert.deepEqual(plan({ intent: member }, wechatpay, at).marks, [])
    const sent = { ...member, state: 'submitted' as const, updatedAt: at }
    assert.equal(plan({ intent: sent }, wechatpay, at + 14 * minute).next.do, 'rest')
    assert.deepEqual(plan({ intent: sent }, wechatpay, at + 15 * minute).next, {
      do: 'ask',
      question: 'transfer',
    })
  })

  it('is overdue by the time since it was sent, or registered where it was not', () => {
    const marks = (intent: Intent, at: number) => plan({ intent }, zenospay, at).marks
    const registered = transfer()
    assert.deepEqual(marks(registered, now + hour - 1), [])
    assert.deepEqual(marks(registered, now + hour), ['overdue'])
    const sent = transfer({ state: 'submitted', submission: { step: 'acknowledged', at: now + day } })
    assert.deepEqual(marks(sent, now + day + hour - 1), [])
    assert.deepEqual(marks(sent, now + day + hour), ['overdue'])
    assert.deepEqual(marks({ ...sent, overdue: true }, now + 8 * day), ['silent'])
    const waiting = transfer({ state: 'registered', submission: { step: 'waiting', at: now } })
    assert.deepEqual(marks({ ...waiting, overdue: true }, now + 30 * day), [], 'that is ours')
  })
})
