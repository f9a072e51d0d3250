import assert from 'node:assert/strict'
import type { Batch } from '../../src/domain/batch.ts'
import { decide } from '../../src/domain/decide.ts'
import { caseIdOfHold } from '../../src/domain/ids.ts'
import type { HoldReason, Intent } from '../../src/domain/intent.ts'
import type { Observation, OperatorResolution } from '../../src/domain/observation.ts'
import { findObstacle, resolveHold } from '../../src/domain/resolve.ts'
import {
  beginReserving,
  beginSending,
  reservationMarginMs,
  type Submission,
  type SubmissionStep,
  submissionSteps,
} from '../../src/domain/submission.ts'
import { type Transfer, transferStates } from '../../src/domain/transfer.ts'
import {
  batch,
  coupon,
  now,
  outcomeOf,
  rupiah,
  seenBatch,
  seenSubmission,
  seenTransfer,
  totals,
  transfer,
} from '../support/intents.ts'

const at = now - 60_000
const validUntil = now + 20 * 60_000
const submitted = (step: SubmissionStep, more: Partial<Submission> = {}) =>
  transfer({ state: 'submitted', submission: { step, at, ...more } })
const refusal = (of: 'transfer' | 'batch' | 'coupon' = 'transfer') =>
  seenSubmission({
    of,
    status: 'refused',
    remedy: 'operator',
    failure: { code: 'insufficient-funds', reason: 'NOT_ENOUGH' },
    fact: 'refused',
  })
const otherName = seenSubmission({ validUntil, fact: 'name', payee: { kind: 'bank', nameDigest: 'jane' } })

function hold<I extends Intent>(before: I, seen: Observation, reason: HoldReason): I {
  const decision = decide(before, seen, now, totals({}))
  assert.equal(decision.verdict === 'held' && decision.reason, reason)
  return outcomeOf<Intent>(before, decision) as I
}

function resolve<I extends Intent>(held: I, resolution: Omit<OperatorResolution, 'dismissed'>, later = now) {
  const whole = { ...resolution, dismissed: ['refused', 'name'] }
  const obstacle = findObstacle(held, whole)
  if (obstacle !== undefined) return { obstacle, names: [], after: held }
  const steps = resolveHold(held, whole, later)
  steps.forEach(({ fact }, i) => {
    assert.equal(fact.sequence, held.sequence + 1 + i)
  })
  return { obstacle, names: steps.map(({ fact }) => fact.name), after: steps.at(-1)?.intent as I }
}

describe('a person’s word on a beneficiary’s name', () => {
  const held = () => hold(submitted('reserving'), otherName, 'beneficiary-name-differs')

  it('keep-ours: it is paid all the same, and nobody asks again', () => {
    const { names, after } = resolve(held(), { action: 'keep-ours' })
    assert.deepEqual([names, after.state, after.hold], [['released'], 'submitted', undefined])
    assert.deepEqual(after.submission, { step: 'reserved', at: now, validUntil, force: true })
    assert.ok(beginSending(after, now))
  })

  it('keep-ours, when what was set aside has run out: it is set aside anew, under the same number', () => {
    for (const left of [0, reservationMarginMs - 1]) {
      const later = validUntil - left
      const { after } = resolve(held(), { action: 'keep-ours' }, later)
      assert.deepEqual(after.submission, { step: 'waiting', at: later, force: true })
      const again = beginReserving(after, later)?.intent as Transfer
      const decision = decide(again, { ...otherName, validUntil: later + 1 }, later)
      assert.equal(decision.verdict, 'applied', 'nobody is asked twice about the name')
    }
    const { after } = resolve(held(), { action: 'keep-ours' }, validUntil - reservationMarginMs)
    assert.equal(after.submission?.step, 'reserved')
  })

  it('cancel: it is cancelled, and what was set aside runs out by itself', () => {
    const { names, after } = resolve(held(), { action: 'cancel' })
    assert.deepEqual([names, after.state], [['released', 'cancelled'], 'cancelled'])
    assert.equal(beginSending(after, now), undefined)
  })

  it('take-theirs: there is nothing to take', () => {
    assert.match(
      resolve(held(), { action: 'take-theirs', theirs: otherName }).obstacle ?? '',
      /nothing to take/,
    )
  })
})

describe('a person’s word on a refusal', () => {
  it('keep-ours: the very same is sent again, and the very same refusal holds it again', () => {
    for (const [step, next] of [
      ['reserving', 'waiting'],
      ['sending', 'waiting'],
    ] as const) {
      const { names, after } = resolve(hold(submitted(step), refusal(), 'refused-by-provider'), {
        action: 'keep-ours',
      })
      assert.deepEqual([names, after.submission?.step], [['released'], next])
      const again = (step === 'reserving' ? beginReserving : beginSending)(after, now + 1)?.intent as Transfer
      assert.equal(decide(again, refusal(), now + 2).verdict, 'held', 'though it was ruled on')
    }
    const reserved = hold(submitted('sending', { validUntil }), refusal(), 'refused-by-provider')
    assert.equal(resolve(reserved, { action: 'keep-ours' }).after.submission?.step, 'reserved')
    const late = resolve(reserved, { action: 'keep-ours' }, validUntil).after
    assert.deepEqual(late.submission, { step: 'waiting', at: validUntil })
  })

  it('take-theirs: it failed, for the reason that they gave', () => {
    const theirs = refusal()
    const held = hold(submitted('sending'), theirs, 'refused-by-provider')
    const { names, after } = resolve(held, { action: 'take-theirs', theirs })
    assert.deepEqual([names, after.state], [['released', 'failed'], 'failed'])
    assert.deepEqual(after.failure, theirs.failure)
    assert.match(resolve(held, { action: 'take-theirs' }).obstacle ?? '', /no refusal/)
  })

  it('cancel: nothing of it was paid, so it can be', () => {
    const held = hold(submitted('sending'), refusal(), 'refused-by-provider')
    assert.equal(resolve(held, { action: 'cancel' }).after.state, 'cancelled')
  })

  it('of a coupon: fails it, whichever way', () => {
    const sent = coupon({ state: 'submitted', submission: { step: 'sending', at } })
    const theirs = refusal('coupon')
    const held = hold(sent, theirs, 'refused-by-provider')
    assert.deepEqual(resolve(held, { action: 'cancel' }).after.failure, { code: 'cancelled' })
    assert.deepEqual(resolve(held, { action: 'take-theirs', theirs }).after.failure, theirs.failure)
    const { after } = resolve(held, { action: 'keep-ours' })
    assert.deepEqual([after.state, after.submission?.step], ['submitted', 'waiting'])
  })

  it('of what was held before its first call: it is turned down all the same', () => {
    const hold = { reason: 'refused-by-provider', at, case: caseIdOfHold(coupon().id, 2) } as const
    const waiting = { hold, submission: { step: 'waiting', at } } as const
    assert.equal(resolve(coupon(waiting), { action: 'cancel' }).after.state, 'failed')
    assert.equal(resolve(transfer(waiting), { action: 'cancel' }).after.state, 'cancelled')
    assert.equal(resolve(batch(waiting), { action: 'cancel' }).after.submission?.step, 'withdrawn')
    assert.deepEqual(resolve(coupon(waiting), { action: 'keep-ours' }).after.submission, {
      step: 'waiting',
      at: now,
    })
  })

  describe('of a batch', () => {
    const theirs = refusal('batch')
    const sent = batch({ state: 'submitted', submission: { step: 'sending', at } })
    const held = () => hold(sent, theirs, 'refused-by-provider')

    it('withdraws it, refuses it, or sends it again', () => {
      const withdrawn = resolve(held(), { action: 'cancel' })
      assert.deepEqual(
        [withdrawn.names, withdrawn.after.submission?.step],
        [['released', 'refused'], 'withdrawn'],
      )
      const refused = resolve(held(), { action: 'take-theirs', theirs }).after
      assert.deepEqual(refused.submission, { step: 'refused', at: now, failure: theirs.failure })
      assert.equal(resolve(held(), { action: 'keep-ours' }).after.submission?.step, 'waiting')
    })

    it('cannot turn it down once the provider has accepted it after all', () => {
      const seen = seenBatch({ status: 'accepted' })
      const accepted = outcomeOf<Intent>(
        held(),
        decide(held(), seen, now, totals({ submitted: [2, 300n] })),
      ) as Batch
      assert.deepEqual([accepted.state, accepted.submission?.step], ['accepted', 'acknowledged'])
      for (const action of ['cancel', 'take-theirs'] as const)
        assert.match(resolve(accepted, { action, theirs }).obstacle ?? '', /accepted after all/)
      const { names, after } = resolve(accepted, { action: 'keep-ours' })
      assert.deepEqual([names, after.submission?.step], [['released'], 'acknowledged'])
    })
  })
})

describe('a person’s word on sending, when the provider has said more since', () => {
  const holds: [string, Transfer, Observation][] = [
    ['a name', submitted('reserving'), otherName],
    ['a refusal', submitted('sending', { validUntil }), refusal()],
  ]
  for (const [what, before, seen] of holds) {
    const held = outcomeOf<Intent>(before, decide(before, seen, now)) as Transfer
    const reason = held.hold?.reason

    it(`${what}: keep-ours asks and does not send: it may have been paid`, () => {
      const { after } = resolve(held, { action: 'keep-ours', since: true })
      assert.deepEqual([after.submission?.step, after.state], ['sending', 'submitted'])
      assert.equal(beginSending(after, now) ?? beginReserving(after, now), undefined)
      assert.equal(outcomeOf(after, decide(after, seenTransfer(), now)).state, 'succeeded')
    })

    it(`${what}: it is neither called off nor failed`, () => {
      assert.ok(reason)
      assert.match(resolve(held, { action: 'cancel', since: true }).obstacle ?? '', /may have been paid/)
      assert.ok(resolve(held, { action: 'take-theirs', theirs: seen, since: true }).obstacle)
    })

    it(`${what}: what was said of the money can be taken`, () => {
      const { names, after } = resolve(held, { action: 'take-theirs', theirs: seenTransfer() })
      assert.deepEqual([names, after.state], [['released', 'succeeded'], 'succeeded'])
    })
  }
})

describe('a person’s word on a contradiction', () => {
  const other = seenTransfer({ amount: rupiah(1n) })

  it('cannot call off what may be paid, in whatever state it is', () => {
    for (const state of transferStates)
      for (const step of submissionSteps) {
        const held = hold(transfer({ state, submission: { step, at } }), other, 'amount-differs')
        const { obstacle } = resolve(held, { action: 'cancel' })
        const maybe = step === 'sending' || step === 'acknowledged'
        assert.equal(obstacle !== undefined, maybe, `${state} ${step}: ${obstacle}`)
      }
  })

  it('cannot call off what went with its batch and is not final', () => {
    const member = { batch: batch().id }
    for (const state of transferStates) {
      const held = hold(transfer({ state, ...member }), other, 'amount-differs')
      const isUnderWay = state === 'submitted' || state === 'processing'
      assert.equal(resolve(held, { action: 'cancel' }).obstacle !== undefined, isUnderWay, state)
    }
  })

  it('keep-ours leaves the step as it is: it is not sent again', () => {
    for (const step of submissionSteps) {
      const held = hold(submitted(step), other, 'amount-differs')
      assert.deepEqual(resolve(held, { action: 'keep-ours' }).after.submission, { step, at })
    }
  })

  it('of what was set aside otherwise than ordered: it is never paid', () => {
    const seen = seenSubmission({ amount: rupiah(1n), fact: 'other amount' })
    const held = hold(submitted('reserving'), seen, 'amount-differs')
    assert.match(resolve(held, { action: 'take-theirs', theirs: seen }).obstacle ?? '', /nothing to take/)
    const { after } = resolve(held, { action: 'keep-ours' })
    assert.equal(beginSending(after, now) ?? beginReserving(after, now), undefined)
    assert.equal(resolve(held, { action: 'cancel' }).after.state, 'cancelled')
  })
})
