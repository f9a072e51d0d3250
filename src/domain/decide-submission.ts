/** The provider's answer to an order of ours. Whatever it says, the money is told of by callbacks and queries alone. */
import { type Decision, hold, step } from './decision.ts'
import type { Failure } from './failure.ts'
import type { HoldReason } from './intent.ts'
import type { SubmissionObservation } from './observation.ts'
import { moveTo, type Sendable } from './submission.ts'
import type { Transfer } from './transfer.ts'

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

function applied(
  name: 'acknowledged' | 'refused' | 'failed',
  before: Sendable,
  after: Sendable,
  now: number,
): Decision {
  return { verdict: 'applied', steps: [step<Sendable>(name, before, after, now)] }
}
