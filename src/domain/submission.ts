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
import { type Decision, hold, type Step, step } from './decision.ts'
import type { Failure } from './failure.ts'
import type { HoldReason, Intent } from './intent.ts'
import type { OperatorResolution, SubmissionObservation } from './observation.ts'
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

function stepBack(submission: Submission, now: number): Submission {
  const isReserved = submission.step === 'sending' && submission.validUntil !== undefined
  return isReserved ? { ...submission, step: 'reserved', at: now } : startAgain(submission, now)
}

function startAgain({ validUntil: _, ...rest }: Submission, now: number): Submission {
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

/** The provider's answer to a call of ours. Whatever it says, the money is told of by callbacks and queries alone. */
export function decideSubmission(intent: Sendable, seen: SubmissionObservation, now: number): Decision {
  if (intent.hold) return { verdict: 'awaits-person' }
  switch (seen.status) {
    case 'reserved':
      return decideReserved(intent, seen, now)
    case 'acknowledged':
      return decideAcknowledged(intent, now)
    case 'refused':
      return decideRefused(intent, seen, now)
  }
}

/** Also where we took it back: what the provider has is not sent again. */
function decideAcknowledged(intent: Sendable, now: number): Decision {
  if (intent.submission?.step === 'acknowledged') return { verdict: 'repeat' }
  // Of a batch and a coupon the same answer tells more, and is another observation.
  if (intent.kind !== 'transfer' || intent.state !== 'submitted' || !intent.submission)
    return { verdict: 'stale' }
  const after = { ...intent, submission: moveTo(intent, 'acknowledged', now) }
  return applied('acknowledged', intent, after, now)
}

function decideReserved(intent: Sendable, seen: SubmissionObservation, now: number): Decision {
  if (intent.kind !== 'transfer' || intent.state !== 'submitted') return { verdict: 'stale' }
  if (intent.submission?.step !== 'reserving') return { verdict: 'stale' }
  // It is not what was ordered, so it is never paid: as long as it is `reserving` nothing can be.
  const difference = findDifference(intent, seen)
  if (difference) return hold<Transfer>(intent, seen, difference, now)
  const { providerReference, fee, validUntil } = seen
  const submission = { ...moveTo(intent, 'reserved', now), ...(validUntil !== undefined && { validUntil }) }
  const after: Transfer = {
    ...intent,
    submission,
    ...(providerReference !== undefined && { providerReference }),
    ...(fee && { fee }),
    settledBy: seen.receiptId,
  }
  const reserved = step<Transfer>('reserved', intent, after, now)
  const doubt = submission.force ? undefined : doubtName(intent, seen)
  if (!doubt) return { verdict: 'applied', steps: [reserved] }
  const held = hold<Transfer>(reserved.intent, seen, doubt, now)
  return held.verdict === 'held'
    ? { ...held, steps: [reserved, ...held.steps] }
    : { verdict: 'applied', steps: [reserved] }
}

function findDifference(
  { amount, payee, personal }: Transfer,
  seen: SubmissionObservation,
): HoldReason | undefined {
  if (seen.takenBy !== undefined) return 'provider-reference-taken'
  if (seen.amount && seen.amount.currency !== amount.currency) return 'currency-differs'
  if (seen.amount && seen.amount.minor !== amount.minor) return 'amount-differs'
  if (seen.payee?.person === undefined || seen.payee.kind !== payee.kind) return undefined
  return seen.payee.person === personal.person ? undefined : 'account-number-differs'
}

function doubtName({ payee }: Transfer, seen: SubmissionObservation): HoldReason | undefined {
  const found = seen.payee?.nameDigest
  if (found === undefined) return 'beneficiary-name-missing'
  return found === payee.nameDigest ? undefined : 'beneficiary-name-differs'
}

function decideRefused(intent: Sendable, seen: SubmissionObservation, now: number): Decision {
  const from = intent.submission?.step
  if (intent.state !== 'submitted' || (from !== 'reserving' && from !== 'sending'))
    return { verdict: 'stale' }
  // A person may have ruled on the very same words: this is the answer to what was sent again since.
  // And of a repeat it does not say what became of the first: failed for that, it could be paid a second time.
  if (seen.remedy !== 'failed' || seen.again) return hold<Sendable>(intent, {}, 'refused-by-provider', now)
  return applied(intent.kind === 'batch' ? 'refused' : 'failed', intent, refused(intent, seen, now), now)
}

function refused(intent: Sendable, { failure, receiptId }: SubmissionObservation, now: number): Sendable {
  const why: Failure = failure ?? { code: 'declined-by-provider' }
  if (intent.kind === 'batch') {
    const submission = { ...moveTo(intent, 'refused', now), failure: why }
    return { ...intent, submission, settledBy: receiptId }
  }
  return { ...intent, state: 'failed', failure: why, settledBy: receiptId } as Sendable
}

function moveTo({ submission }: Sendable, to: SubmissionStep, now: number): Submission {
  return { ...submission, step: to, at: now }
}

function applied(
  name: 'acknowledged' | 'refused' | 'failed',
  before: Sendable,
  after: Sendable,
  now: number,
): Decision {
  return { verdict: 'applied', steps: [step<Sendable>(name, before, after, now)] }
}

/**
 * The intent as its release leaves it, where a person decided of a hold that is about sending. `keep-ours`: it goes on, to
 * the beneficiary as we know it; what was refused is sent again, and what was set aside and ran out meanwhile is set aside
 * anew. Where the provider has said more since, it may have been paid after all: it is asked about, and not sent.
 */
export function releaseSubmission(
  before: Intent,
  reason: HoldReason,
  { action, since = false }: Pick<OperatorResolution, 'action' | 'since'>,
  now: number,
): Intent {
  if (before.kind === 'collection' || !before.submission || action !== 'keep-ours') return before
  if (!submissionHolds.has(reason) || isOver(before)) return before
  if (since) return { ...before, submission: { ...before.submission, step: 'sending', at: now } }
  const isRefused = reason === 'refused-by-provider'
  const next = isRefused ? stepBack(before.submission, now) : { ...before.submission, force: true as const }
  const { step: at, validUntil = Infinity } = next
  const ranOut = at === 'reserved' && validUntil - now < reservationMarginMs
  return { ...before, submission: ranOut ? startAgain(next, now) : next }
}

/** What follows beside the release; undefined where nothing does. */
export function settleSubmissionByPerson(
  before: Intent,
  { action, theirs }: OperatorResolution,
  now: number,
): Step | undefined {
  if (before.kind === 'collection' || action === 'keep-ours' || isOver(before)) return undefined
  if (action === 'cancel') return cancelSubmission(before, now)
  const said = theirs?.kind === 'submission' ? theirs.failure : undefined
  const failure: Failure = said ?? { code: 'declined-by-provider' }
  if (before.kind !== 'batch')
    return step<Transfer | Coupon>('failed', before, { ...before, state: 'failed', failure }, now)
  const submission = { ...moveTo(before, 'refused', now), failure }
  return step<Batch>('refused', before, { ...before, submission }, now)
}

function cancelSubmission(before: Sendable, now: number): Step {
  switch (before.kind) {
    case 'transfer':
      return step<Transfer>('cancelled', before, { ...before, state: 'cancelled' }, now)
    case 'coupon':
      return step<Coupon>(
        'failed',
        before,
        { ...before, state: 'failed', failure: { code: 'cancelled' } },
        now,
      )
    case 'batch': {
      const after: Batch = { ...before, submission: moveTo(before, 'withdrawn', now) }
      return step<Batch>('refused', before, after, now)
    }
  }
}

/** Why an action cannot be of such a hold; a sentence for whoever asked. */
export function findSubmissionObstacle(
  intent: Intent,
  reason: HoldReason,
  { action, theirs, since }: OperatorResolution,
): string | undefined {
  if (action === 'keep-ours') return undefined
  if (intent.kind === 'batch' && isOver(intent)) return 'It was accepted after all: keep ours.'
  if (action === 'cancel') return since ? saidMore : undefined
  if (reason !== 'refused-by-provider')
    return 'There is nothing to take: keep ours to pay it all the same, or cancel it.'
  if (theirs?.kind !== 'submission') return 'There is no refusal to take.'
  return since ? saidMore : undefined
}

const saidMore =
  'The provider has said more of it since, so it may have been paid: keep ours, and it is asked about and not sent again.'

/**
 * A person cannot call off what may be paid at this very moment: whoever takes that for unpaid pays it a second time. Of a
 * refusal it is known that it is not.
 */
export function findCancelObstacle(transfer: Transfer): string | undefined {
  const isWithBatch = transfer.batch !== undefined && !transfer.submission
  const isUnderWay = transfer.state === 'submitted' || transfer.state === 'processing'
  const maybe = mayBeSent(transfer) || (isWithBatch && isUnderWay)
  return maybe ? 'The order to pay it may have been given, so only its provider can call it off.' : undefined
}

/** What is said of sending it comes too late: a batch that was accepted is its provider's. */
function isOver(intent: Sendable): boolean {
  if (intent.kind !== 'batch') return hasEnded(intent)
  return intent.state !== 'registered' && intent.state !== 'submitted'
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
