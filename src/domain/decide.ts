/**
 * The only place where an intent changes. Pure: no I/O and no clock, so every rule is a table or a line of a test. The
 * result is committed by one script that compares versions, so a decision made on a stale intent is thrown away and made
 * again.
 *
 * What holds: a state moves as the tables allow and not otherwise; an ambiguity is held for a person and never guessed; the
 * same fact a second time changes nothing; each change takes the next sequence number, so a gap among an intent's
 * events shows. docs/state-machine.md shows the tables; a test keeps the two equal.
 */
import type { BatchTotals } from './batch.ts'
import { type BatchDecision, decideBatch } from './decide-batch.ts'
import { decideCollection } from './decide-collection.ts'
import { decideCoupon } from './decide-coupon.ts'
import { decideSubmission } from './decide-submission.ts'
import { decideTransfer } from './decide-transfer.ts'
import type { Decision } from './decision.ts'
import { AppError } from './errors.ts'
import type { Intent } from './intent.ts'
import type { Observation } from './observation.ts'

/** `totals` of a batch: what its transfers come to. */
export function decide(
  intent: Intent,
  seen: Observation,
  now: number,
  totals?: BatchTotals,
): Decision | BatchDecision {
  if (seen.kind === 'submission' && intent.kind === seen.of) return decideSubmission(intent, seen, now)
  if (intent.kind === 'transfer' && seen.kind === 'transfer') return decideTransfer(intent, seen, now)
  if (intent.kind === 'batch' && seen.kind === 'batch' && totals)
    return decideBatch(intent, seen, totals, now)
  if (intent.kind === 'coupon' && (seen.kind === 'coupon-grant' || seen.kind === 'coupon-use'))
    return decideCoupon(intent, seen, now)
  if (intent.kind === 'collection' && seen.kind === 'collection') return decideCollection(intent, seen, now)
  throw new AppError('internal-error', { detail: `A ${seen.kind} was observed of a ${intent.kind}.` })
}
