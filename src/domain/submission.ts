/**
 * How an intent of ours gets to its provider. A step is committed before the call that it stands for, so whoever finds
 * it taken knows that the call may have been made, and asks before anything is sent again.
 *
 *   waiting       nothing was sent; it is to be
 *   reserving     the provider may have been asked to set the money aside, which moves none
 *   reserved      it was set aside, until `validUntil`
 *   sending       the order to pay may have been given
 *   acknowledged  the provider says that it has the order, which says nothing about the money
 *   refused       of a batch: it was refused for good, and its transfers follow
 *   withdrawn     of a batch: a person took it back before it was accepted, and its transfers follow
 *
 * Only a provider where the money is set aside first has the second and third.
 */
import type { Batch } from './batch.ts'
import type { Coupon } from './coupon.ts'
import { type Step, step } from './decision.ts'
import type { Failure } from './failure.ts'
import type { HoldReason, Intent } from './intent.ts'
import { finalTransferStates, type Transfer } from './transfer.ts'

export const submissionSteps = [
  'waiting',
  'reserving',
  'reserved',
  'sending',
  'acknowledged',
  'refused',
  'withdrawn',
] as const
export type SubmissionStep = (typeof submissionSteps)[number]

export interface Submission {
  step: SubmissionStep
  /** Since when. */
  at: number
  /** It is sent though nobody confirms the beneficiary's name. */
  force?: true
  /** How long what was set aside stays so. */
  validUntil?: number
  /** Why a batch was refused. */
  failure?: Failure
}

/** What we send: pay-ins are only heard of. */
export type Sendable = Transfer | Batch | Coupon

/** Holds that are about sending: nothing was paid, and a person says whether it goes on. */
export const submissionHolds: ReadonlySet<HoldReason> = new Set([
  'beneficiary-name-differs',
  'beneficiary-name-missing',
  'refused-by-provider',
])

/** In these nobody knows whether the provider has it. */
export function mayBeSent({ submission }: Pick<Intent, 'submission'>): boolean {
  return submission?.step === 'sending' || submission?.step === 'acknowledged'
}

/** What was set aside is not ordered to be paid in the last of its time: the order could arrive when it has run out. */
export const reservationMarginMs = 120_000

/** Undefined where it is too late for that, or was asked for before. */
export function requestSubmission<I extends Sendable>(
  intent: I,
  { force = false }: { force?: boolean },
  now: number,
): Step<I> | undefined {
  if (intent.state !== 'registered' || intent.submission || intent.hold) return undefined
  if (isStartedElsewhere(intent)) return undefined
  return step<I>('requested', intent, { ...intent, submission: waitingSince(now, force) }, now)
}

/** Whoever has the provider's number has it from there: sent once more it would be paid twice. */
export function isStartedElsewhere(intent: Sendable): boolean {
  return intent.kind !== 'coupon' && intent.providerReference !== undefined
}

/** As a new intent has it that is to be sent at once. */
export function waitingSince(now: number, force: boolean): Submission {
  return { step: 'waiting', at: now, ...(force && { force }) }
}

/** To be committed before the money is set aside. */
export function beginReserving(before: Transfer, now: number): Step<Transfer> | undefined {
  return before.submission?.step === 'waiting' ? begin(before, 'reserving', now) : undefined
}

/** To be committed before the order is given. */
export function beginSending<I extends Sendable>(before: I, now: number): Step<I> | undefined {
  const { step: from, validUntil = Infinity } = before.submission ?? {}
  const isReady = from === 'waiting' || (from === 'reserved' && now < validUntil)
  return isReady ? begin(before, 'sending', now) : undefined
}

function begin<I extends Sendable>(before: I, to: 'reserving' | 'sending', now: number): Step<I> | undefined {
  const { submission, state } = before
  const isOpen = state === 'registered' || state === 'submitted'
  // Of a mere grouping some transfers may have arrived before the last of them was asked for.
  const isUnderWay = before.kind === 'batch' && !before.wechatpay && state === 'processing'
  if (!submission || before.hold || !(isOpen || isUnderWay)) return undefined
  const after = {
    ...before,
    state: isUnderWay ? state : 'submitted',
    submission: { ...submission, step: to, at: now },
  }
  return step<I>(state === 'registered' ? 'submitted' : 'sent', before, after as I, now)
}

/** It is certain that the call which was begun was not made: the step is as it was before. */
export function takeBack<I extends Sendable>(before: I, now: number): Step<I> | undefined {
  const { submission, state } = before
  // Where somebody knows more of it than that, it was sent all the same.
  if (before.hold || state !== 'submitted') return undefined
  if (submission?.step !== 'reserving' && submission?.step !== 'sending') return undefined
  return step<I>('unsent', before, { ...before, submission: stepBack(submission, now) }, now)
}

/** As it was before the call that was begun. */
export function stepBack(submission: Submission, now: number): Submission {
  const isReserved = submission.step === 'sending' && submission.validUntil !== undefined
  return isReserved ? { ...submission, step: 'reserved', at: now } : startAgain(submission, now)
}

export function startAgain({ validUntil: _, ...rest }: Submission, now: number): Submission {
  return { ...rest, step: 'waiting', at: now }
}

/**
 * What was set aside, or may have been, and was never ordered to be paid is given back by itself. `reservationMs`: for how
 * long it may be kept where the provider's answer, which says until when, never came.
 */
export function expireSubmission(
  before: Transfer,
  reservationMs: number,
  now: number,
): Step<Transfer> | undefined {
  const { submission, state } = before
  if (!submission || before.hold || state !== 'submitted') return undefined
  const until = expiryOf(submission, reservationMs)
  if (until === undefined || now < until) return undefined
  return step<Transfer>('expired', before, { ...before, state: 'expired' }, now)
}

/** When what was not ordered to be paid runs out; undefined where nothing can. */
export function expiryOf({ step, at, validUntil }: Submission, reservationMs: number): number | undefined {
  if (step === 'reserving') return at + reservationMs
  return step === 'reserved' ? (validUntil ?? at + reservationMs) : undefined
}

/**
 * A transfer goes with its batch; from here on it cannot be cancelled by itself. One that is sent by itself does not: it
 * would be paid twice.
 */
export function sendWithBatch(before: Transfer, now: number): Step<Transfer> | undefined {
  if (before.state !== 'registered' || before.hold || before.submission) return undefined
  if (isStartedElsewhere(before)) return undefined
  return step<Transfer>('submitted', before, { ...before, state: 'submitted' }, now)
}

/** And it follows where the batch was refused or taken back: nothing of it was paid. */
export function followBatch(
  before: Transfer,
  { submission }: Pick<Batch, 'submission'>,
  now: number,
): Step<Transfer> | undefined {
  if (before.hold || before.submission) return undefined
  if (before.state !== 'registered' && before.state !== 'submitted') return undefined
  if (submission?.step === 'withdrawn')
    return step('cancelled', before, { ...before, state: 'cancelled' }, now)
  if (submission?.step !== 'refused') return undefined
  const failure = submission.failure ?? { code: 'declined-by-provider' as const }
  return step('failed', before, { ...before, state: 'failed', failure }, now)
}

/** It takes longer than the account allows; a person hears of it, and nothing else follows. */
export function markOverdue<I extends Sendable>(before: I, now: number): Step<I> | undefined {
  if (before.overdue || before.hold || hasEnded(before)) return undefined
  return step<I>('overdue', before, { ...before, overdue: true }, now)
}

export function moveTo({ submission }: Sendable, to: SubmissionStep, now: number): Submission {
  return { ...submission, step: to, at: now }
}

/** Its state is final, whatever a person may still have to say of it. */
export function hasEnded(intent: Intent): boolean {
  switch (intent.kind) {
    case 'transfer':
      return finalTransferStates.has(intent.state)
    case 'batch':
      return intent.state === 'finished' || intent.state === 'closed'
    case 'coupon':
      return intent.state === 'granted' || intent.state === 'failed'
    case 'collection':
      return true
  }
}
