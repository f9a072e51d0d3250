/** What a person decides of a hold that is about sending: whether it goes on, ends, or was paid after all. */
import type { Batch } from './batch.ts'
import type { Coupon } from './coupon.ts'
import { type Step, step } from './decision.ts'
import type { Failure } from './failure.ts'
import type { HoldReason, Intent } from './intent.ts'
import type { OperatorResolution } from './observation.ts'
import {
  hasEnded,
  mayBeSent,
  moveTo,
  reservationMarginMs,
  type Sendable,
  startAgain,
  stepBack,
  submissionHolds,
} from './submission.ts'
import type { Transfer } from './transfer.ts'

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
