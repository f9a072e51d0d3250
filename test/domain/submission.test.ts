import assert from 'node:assert/strict'
import type { Batch } from '../../src/domain/batch.ts'
import { decide } from '../../src/domain/decide.ts'
import { decideSubmission } from '../../src/domain/decide-submission.ts'
import { cancelTransfer } from '../../src/domain/decide-transfer.ts'
import type { Decision, Step } from '../../src/domain/decision.ts'
import { caseIdOfHold } from '../../src/domain/ids.ts'
import { type HoldReason, holdReasons, type Intent } from '../../src/domain/intent.ts'
import type { SubmissionObservation } from '../../src/domain/observation.ts'
import {
  beginReserving,
  beginSending,
  expireSubmission,
  expiryOf,
  followBatch,
  markOverdue,
  mayBeSent,
  requestSubmission,
  type Sendable,
  type Submission,
  type SubmissionStep,
  sendWithBatch,
  submissionSteps,
  takeBack,
  waitingSince,
} from '../../src/domain/submission.ts'
import { finalTransferStates, type Transfer, transferStates } from '../../src/domain/transfer.ts'
import {
  batch,
  coupon,
  now,
  outcomeOf,
  rupiah,
  seenSubmission,
  totals,
  transfer,
} from '../support/intents.ts'

const halfAnHour = 30 * 60_000
const at = now - 60_000
const submitted = (step: SubmissionStep, more: Partial<Submission> = {}, fields: Partial<Transfer> = {}) =>
  transfer({ state: 'submitted', submission: { step, at, ...more }, ...fields })
const holding = (reason: HoldReason, intent: Intent = transfer()) => {
  return { hold: { reason, at, case: caseIdOfHold(intent.id, 2) } }
}
const nameOf = (step: Step | undefined) => step?.fact.name
const named = (nameDigest = 'john') => ({ kind: 'bank', nameDigest }) as const
const answer = (before: Transfer, fields: Partial<SubmissionObservation> = {}) =>
  decideSubmission(before, seenSubmission({ payee: named(), ...fields }), now) as Decision<Transfer>

describe('requestSubmission', () => {
  it('lets what was registered wait to be sent', () => {
    for (const intent of [transfer(), batch(), coupon()]) {
      const step = requestSubmission<Sendable>(intent, {}, now)
      assert.deepEqual([nameOf(step), step?.intent.state], ['requested', 'registered'])
      assert.deepEqual(step?.intent.submission, { step: 'waiting', at: now })
    }
    assert.deepEqual(requestSubmission(transfer(), { force: true }, now)?.intent.submission, {
      step: 'waiting',
      at: now,
      force: true,
    })
    assert.deepEqual(waitingSince(now, false), { step: 'waiting', at: now })
  })

  it('is too late in any other state, while it is held, and where it was asked for', () => {
    for (const state of transferStates)
      assert.equal(requestSubmission(transfer({ state }), {}, now) !== undefined, state === 'registered')
    assert.equal(requestSubmission(transfer(holding('amount-differs')), {}, now), undefined)
    for (const step of submissionSteps)
      assert.equal(requestSubmission(transfer({ submission: { step, at } }), {}, now), undefined)
  })
})

describe('the steps that are committed before a call', () => {
  it('go from waiting over what is set aside to the order, and say so once each', () => {
    const waiting = transfer({ submission: { step: 'waiting', at } })
    const reserving = beginReserving(waiting, now)
    assert.deepEqual([nameOf(reserving), reserving?.intent.state], ['submitted', 'submitted'])
    assert.deepEqual(reserving?.intent.submission, { step: 'reserving', at: now })
    const validUntil = now + halfAnHour
    const reserved = outcomeOf(transfer(), answer(reserving?.intent as Transfer, { validUntil }))
    assert.deepEqual(reserved.submission, { step: 'reserved', at: now, validUntil })
    const sending = beginSending(reserved, now + 1)
    assert.deepEqual([nameOf(sending), sending?.intent.state], ['sent', 'submitted'])
    assert.deepEqual(sending?.intent.submission, { step: 'sending', at: now + 1, validUntil })
    const known = outcomeOf(reserved, answer(sending?.intent as Transfer, { status: 'acknowledged' }))
    assert.equal(known.submission?.step, 'acknowledged')
  })

  it('go to the order at once where nothing is set aside', () => {
    const submission = waitingSince(at, false)
    for (const intent of [transfer({ submission }), batch({ submission }), coupon({ submission })]) {
      const step = beginSending<Sendable>(intent, now)
      assert.deepEqual([nameOf(step), step?.intent.state], ['submitted', 'submitted'])
    }
  })

  it('are taken from no other step, so that nobody sends twice', () => {
    for (const step of submissionSteps) {
      assert.equal(beginReserving(submitted(step), now) !== undefined, step === 'waiting', step)
      const isReady = step === 'waiting' || step === 'reserved'
      assert.equal(beginSending(submitted(step), now) !== undefined, isReady, step)
    }
    assert.equal(beginSending(transfer(), now), undefined, 'nobody wants it sent')
    assert.equal(beginReserving(transfer(), now), undefined)
  })

  it('are not taken while it is held, nor once anybody knows what became of it', () => {
    for (const step of ['waiting', 'reserved'] as const) {
      for (const reason of holdReasons)
        assert.equal(beginSending(submitted(step, {}, holding(reason)), now), undefined, reason)
      for (const state of transferStates) {
        const isOpen = state === 'registered' || state === 'submitted'
        assert.equal(beginSending(submitted(step, {}, { state }), now) !== undefined, isOpen, state)
        if (step === 'waiting')
          assert.equal(beginReserving(submitted(step, {}, { state }), now) !== undefined, isOpen, state)
      }
    }
    for (const state of ['granted', 'failed'] as const)
      assert.equal(beginSending(coupon({ state, submission: waitingSince(at, false) }), now), undefined)
    const wechatpay = { authorizationType: 'FUND_AUTHORIZATION_TYPE', subMchid: '1900001109' } as const
    for (const state of ['accepted', 'processing', 'finished', 'closed'] as const)
      assert.equal(
        beginSending(batch({ state, wechatpay, submission: waitingSince(at, false) }), now),
        undefined,
      )
    const grouping = batch({ state: 'processing', submission: waitingSince(at, false) })
    const begun = beginSending(grouping, now)?.intent
    assert.deepEqual([begun?.state, begun?.submission?.step], ['processing', 'sending'])
  })

  it('are not taken for what was started elsewhere', () => {
    const theirs = transfer({ providerReference: 'inquiry-1' })
    assert.equal(requestSubmission(theirs, {}, now), undefined)
    assert.equal(sendWithBatch(theirs, now), undefined)
    assert.ok(requestSubmission(transfer(), {}, now) && sendWithBatch(transfer(), now))
  })

  it('do not order what ran out', () => {
    assert.ok(beginSending(submitted('reserved', { validUntil: now + 1 }), now))
    assert.equal(beginSending(submitted('reserved', { validUntil: now }), now), undefined)
  })
})

describe('takeBack', () => {
  it('leads to the step before, of a call that was certainly not made', () => {
    const unreserved = takeBack(submitted('reserving'), now)
    assert.deepEqual(
      [nameOf(unreserved), unreserved?.intent.submission],
      ['unsent', { step: 'waiting', at: now }],
    )
    const validUntil = now + 1
    assert.deepEqual(takeBack(submitted('sending', { validUntil }), now)?.intent.submission, {
      step: 'reserved',
      at: now,
      validUntil,
    })
    assert.equal(takeBack(submitted('sending'), now)?.intent.submission?.step, 'waiting')
    const granted = coupon({ state: 'submitted', submission: { step: 'sending', at } })
    assert.equal(takeBack(granted, now)?.intent.submission?.step, 'waiting')
  })

  it('is of no other step, and of nothing that is held or known of otherwise', () => {
    for (const step of submissionSteps)
      assert.equal(takeBack(submitted(step), now) !== undefined, step === 'reserving' || step === 'sending')
    assert.equal(takeBack(submitted('sending', {}, holding('amount-differs')), now), undefined)
    for (const state of transferStates)
      assert.equal(
        takeBack(submitted('sending', {}, { state }), now) !== undefined,
        state === 'submitted',
        state,
      )
  })

  it('leaves it where it can be called off', () => {
    assert.equal(nameOf(cancelTransfer(submitted('waiting'), now)), 'cancelled')
    for (const step of submissionSteps)
      assert.equal(cancelTransfer(submitted(step), now) !== undefined, step === 'waiting', step)
    assert.equal(cancelTransfer(submitted('waiting', {}, holding('amount-differs')), now), undefined)
  })
})

describe('expireSubmission', () => {
  it('ends what was set aside and not ordered, when its time is over', () => {
    const reserved = submitted('reserved', { validUntil: now })
    assert.equal(expireSubmission(reserved, 1, now - 1), undefined)
    const step = expireSubmission(reserved, 1, now)
    assert.deepEqual([nameOf(step), step?.intent.state], ['expired', 'expired'])
    assert.equal(expireSubmission(submitted('reserving'), halfAnHour, at + halfAnHour - 1), undefined)
    assert.equal(nameOf(expireSubmission(submitted('reserving'), halfAnHour, at + halfAnHour)), 'expired')
    assert.equal(expiryOf({ step: 'reserved', at }, 5), at + 5)
  })

  it('never ends what may be paid, is held, or is final', () => {
    for (const step of submissionSteps) {
      const isOnlySetAside = step === 'reserving' || step === 'reserved'
      assert.equal(expireSubmission(submitted(step), 0, Infinity) !== undefined, isOnlySetAside, step)
      assert.equal(
        expireSubmission(submitted(step, {}, holding('beneficiary-name-missing')), 0, Infinity),
        undefined,
      )
    }
    for (const state of transferStates)
      assert.equal(
        expireSubmission(submitted('reserved', {}, { state }), 0, Infinity) !== undefined,
        state === 'submitted',
      )
  })
})

describe('decideSubmission, of what was set aside', () => {
  const reserving = submitted('reserving')

  it('notes number, fee and until when', () => {
    const said = { providerReference: 'inquiry-1', fee: rupiah(5n), validUntil: now + 9 }
    const decision = answer(reserving, said)
    assert.ok(decision.verdict === 'applied')
    const after = outcomeOf(reserving, decision)
    assert.deepEqual(
      [after.providerReference, after.fee, after.settledBy, after.submission, after.state],
      ['inquiry-1', rupiah(5n), 'rc-1', { step: 'reserved', at: now, validUntil: now + 9 }, 'submitted'],
    )
  })

  const doubts: [HoldReason, SubmissionObservation['payee']][] = [
    ['beneficiary-name-differs', named('jane')],
    ['beneficiary-name-missing', { kind: 'bank' }],
    ['beneficiary-name-missing', undefined],
  ]
  for (const [reason, payee] of doubts) {
    it(`is ${reason}: ${payee ? JSON.stringify(payee) : 'nothing said'}: held in the same step, unless it is forced`, () => {
      const { payee: _, ...silent } = seenSubmission()
      const seen = payee ? { ...silent, payee } : silent
      const decision = decideSubmission(reserving, seen, now)
      assert.ok(decision.verdict === 'held')
      assert.deepEqual(
        [decision.reason, decision.steps.map(({ fact }) => [fact.name, fact.sequence])],
        [
          reason,
          [
            ['reserved', 2],
            ['held', 3],
          ],
        ],
      )
      assert.equal(beginSending(outcomeOf<Intent>(reserving, decision) as Transfer, now), undefined)
      const forced = submitted('reserving', { force: true })
      const let_ = decideSubmission(forced, seen, now)
      assert.equal(let_.verdict, 'applied')
      assert.equal((outcomeOf<Intent>(forced, let_) as Transfer).submission?.force, true)
    })
  }

  const differences: [HoldReason, Partial<SubmissionObservation>][] = [
    ['amount-differs', { amount: rupiah(1n) }],
    ['currency-differs', { amount: { minor: 2500000n, currency: 'CNY' } }],
    ['account-number-differs', { payee: { ...named(), person: 'other' } }],
    ['provider-reference-taken', { takenBy: 'tr-2' }],
  ]
  for (const [reason, fields] of differences) {
    it(`is held where ${reason}, and is not to be paid even if it is forced`, () => {
      const before = submitted('reserving', { force: true })
      const decision = answer(before, { providerReference: 'inquiry-9', ...fields })
      assert.ok(decision.verdict === 'held')
      assert.equal(decision.reason, reason)
      const after = outcomeOf(before, decision)
      assert.deepEqual([after.submission?.step, after.providerReference], ['reserving', undefined])
    })
  }

  it('is stale at any other step, and when something else is known by then', () => {
    for (const step of submissionSteps)
      assert.equal(answer(submitted(step)).verdict, step === 'reserving' ? 'applied' : 'stale', step)
    for (const state of transferStates) {
      const isOpen = state === 'submitted'
      assert.equal(answer(submitted('reserving', {}, { state })).verdict, isOpen ? 'applied' : 'stale', state)
    }
    assert.equal(answer(submitted('reserving', {}, holding('amount-differs'))).verdict, 'awaits-person')
    const granting = coupon({ state: 'submitted', submission: { step: 'reserving', at } })
    assert.equal(decideSubmission(granting, seenSubmission({ of: 'coupon' }), now).verdict, 'stale')
  })
})

describe('decideSubmission, of an order', () => {
  it('moves no money when it is acknowledged, and says so once', () => {
    const decision = answer(submitted('sending'), { status: 'acknowledged' })
    assert.ok(decision.verdict === 'applied')
    assert.deepEqual(decision.steps[0]?.fact.change.to, { state: 'submitted', held: false })
    const after = outcomeOf(transfer(), decision)
    assert.equal(answer(after, { status: 'acknowledged' }).verdict, 'repeat')
  })

  it('takes what the provider has for sent, whatever step it seemed to be at', () => {
    for (const step of ['waiting', 'reserving', 'reserved', 'sending'] as const) {
      const after = outcomeOf(transfer(), answer(submitted(step), { status: 'acknowledged' }))
      assert.ok(mayBeSent(after))
      assert.equal(beginSending(after, now), undefined)
    }
  })

  it('says nothing that a callback has not said already', () => {
    for (const state of transferStates.filter((one) => one !== 'submitted'))
      for (const status of ['acknowledged', 'refused'] as const)
        assert.equal(
          answer(submitted('sending', {}, { state }), { status, remedy: 'failed' }).verdict,
          'stale',
          `${state} ${status}`,
        )
  })

  for (const step of ['reserving', 'sending'] as const) {
    it(`that was ${step}: fails where it is refused for good, and is held where it can be mended`, () => {
      const failure = { code: 'beneficiary-not-found', reason: 'NO_SUCH_ACCOUNT' } as const
      const failed = outcomeOf(
        transfer(),
        answer(submitted(step), { status: 'refused', remedy: 'failed', failure }),
      )
      assert.deepEqual([failed.state, failed.failure, failed.settledBy], ['failed', failure, 'rc-1'])
      const vague = answer(submitted(step), { status: 'refused', remedy: 'failed' })
      assert.deepEqual(outcomeOf(transfer(), vague).failure, { code: 'declined-by-provider' })
      for (const remedy of ['operator', undefined] as const) {
        const decision = answer(submitted(step), { status: 'refused', ...(remedy && { remedy }) })
        assert.ok(decision.verdict === 'held')
        assert.equal(decision.reason, 'refused-by-provider')
        assert.equal(outcomeOf(transfer(), decision).state, 'submitted')
      }
    })
  }

  it('is not refused where it was not given, or was acknowledged', () => {
    for (const step of ['waiting', 'reserved', 'acknowledged', 'refused', 'withdrawn'] as const)
      assert.equal(answer(submitted(step), { status: 'refused', remedy: 'failed' }).verdict, 'stale', step)
  })

  it('of a batch is refused with its reason and stays submitted; of a coupon it fails', () => {
    const failure = { code: 'payer-not-allowed', reason: 'NO_AUTH' } as const
    const said = { status: 'refused', remedy: 'failed', failure } as const
    const sent = batch({ state: 'submitted', submission: { step: 'sending', at } })
    const decision = decideSubmission(sent, seenSubmission({ of: 'batch', ...said }), now)
    assert.ok(decision.verdict === 'applied')
    const after = outcomeOf<Intent>(sent, decision) as Batch
    assert.deepEqual([nameOf(decision.steps[0]), after.state], ['refused', 'submitted'])
    assert.deepEqual(after.submission, { step: 'refused', at: now, failure })
    const granting = coupon({ state: 'submitted', submission: { step: 'sending', at } })
    const refused = decideSubmission(granting, seenSubmission({ of: 'coupon', ...said }), now)
    assert.equal(outcomeOf<Intent>(granting, refused).state, 'failed')
  })

  it('goes through decide() with everything else', () => {
    const decision = decide(submitted('sending'), seenSubmission({ status: 'acknowledged' }), now)
    assert.equal(decision.verdict, 'applied')
    assert.throws(() => decide(transfer(), seenSubmission({ of: 'batch' }), now), /internal-error|observed/)
    const sent = batch({ state: 'submitted', submission: { step: 'sending', at } })
    const seen = seenSubmission({ of: 'batch', status: 'refused', remedy: 'operator' })
    assert.equal(decide(sent, seen, now, totals({})).verdict, 'held')
  })
})

describe('a transfer and its batch', () => {
  it('go together, and a transfer that is sent by itself does not', () => {
    const step = sendWithBatch(transfer(), now)
    assert.deepEqual([nameOf(step), step?.intent.submission], ['submitted', undefined])
    for (const state of transferStates)
      assert.equal(sendWithBatch(transfer({ state }), now) !== undefined, state === 'registered', state)
    assert.equal(sendWithBatch(transfer(holding('amount-differs')), now), undefined)
    assert.equal(sendWithBatch(transfer({ submission: waitingSince(at, false) }), now), undefined)
  })

  it('fail together with the reason of the batch, or are cancelled where it was withdrawn', () => {
    const failure = { code: 'insufficient-funds', reason: 'NOT_ENOUGH' } as const
    const refused = { submission: { step: 'refused', at, failure } } as const
    const withdrawn = { submission: { step: 'withdrawn', at } } as const
    for (const state of transferStates) {
      const isOpen = state === 'registered' || state === 'submitted'
      const failed = followBatch(transfer({ state }), refused, now)
      assert.deepEqual(
        [nameOf(failed), failed?.intent.failure],
        isOpen ? ['failed', failure] : [undefined, undefined],
      )
      assert.equal(nameOf(followBatch(transfer({ state }), withdrawn, now)), isOpen ? 'cancelled' : undefined)
    }
    const vague = followBatch(transfer(), { submission: { step: 'refused', at } }, now)
    assert.deepEqual(vague?.intent.failure, { code: 'declined-by-provider' })
  })

  it('do not part over anything else that became of the batch', () => {
    for (const step of submissionSteps.filter((one) => one !== 'refused' && one !== 'withdrawn'))
      assert.equal(followBatch(transfer(), { submission: { step, at } }, now), undefined, step)
    assert.equal(followBatch(transfer(), {}, now), undefined)
    const refused = { submission: { step: 'refused', at } } as const
    assert.equal(followBatch(transfer(holding('amount-differs')), refused, now), undefined)
    assert.equal(followBatch(submitted('sending'), refused, now), undefined, 'it was sent by itself')
  })
})

describe('markOverdue', () => {
  it('says once that something takes too long, and moves nothing', () => {
    const step = markOverdue(submitted('sending'), now)
    assert.deepEqual([nameOf(step), step?.intent.state, step?.intent.overdue], ['overdue', 'submitted', true])
    assert.equal(markOverdue({ ...submitted('sending'), overdue: true }, now), undefined)
  })

  it('does not say so of what is final, nor while a person has to decide', () => {
    for (const state of transferStates)
      assert.equal(markOverdue(transfer({ state }), now) === undefined, finalTransferStates.has(state), state)
    assert.equal(markOverdue(transfer(holding('amount-differs')), now), undefined)
    assert.equal(markOverdue(coupon({ state: 'granted' }), now), undefined)
    assert.equal(markOverdue(batch({ state: 'closed' }), now), undefined)
    assert.ok(markOverdue(batch({ state: 'processing' }), now))
    assert.ok(markOverdue(coupon(), now))
  })
})
