/**
 * Something that only a person can settle. So far there is one kind: a callback that was acknowledged and could not be
 * applied. Its job is kept as failed; the case says so to whoever does not look at queues.
 *
 * A case is opened under an id that is derived from its receipt's, so opening it twice is opening it once.
 */
import type { ErrorCode } from './errors.ts'
import type { CaseId, ReceiptId } from './ids.ts'

export const caseStates = ['open', 'resolved'] as const
export type CaseState = (typeof caseStates)[number]

/** Why a receipt was not applied: an AppError's code, and its public sentence. */
export interface Failure {
  account: string
  receipt: ReceiptId
  code: ErrorCode
  reason: string
}

interface CaseBase extends Failure {
  id: CaseId
  kind: 'callback-not-applied'
  openedAt: number
}

export interface OpenCase extends CaseBase {
  state: 'open'
}

export type ResolvedCase = CaseBase & { state: 'resolved'; resolvedAt: number } & Resolution

export type Case = OpenCase | ResolvedCase

/** `applied`: the callback was applied after all. `by-person`: somebody says that it is dealt with, and why. */
export type Resolution =
  | { resolution: 'applied' }
  | { resolution: 'by-person'; resolvedBy: string; resolvedBecause: string }

export function caseIdOf(receipt: ReceiptId): CaseId {
  return `case-${receipt.slice('rc-'.length)}` as CaseId
}

/**
 * The case after its receipt failed for good; undefined where that changes nothing. One that is open stays opened when it
 * was and says what it failed of last. One that was resolved is opened anew: what it was resolved by no longer holds.
 */
export function openCase(before: Case | undefined, failure: Failure, now: number): OpenCase | undefined {
  const { account, receipt, code, reason } = failure
  const still = before?.state === 'open' ? before : undefined
  if (still && still.code === code && still.reason === reason) return undefined
  return {
    id: caseIdOf(receipt),
    kind: 'callback-not-applied',
    account,
    receipt,
    code,
    reason,
    state: 'open',
    openedAt: still?.openedAt ?? now,
  }
}

export type CaseResolved =
  | { outcome: 'resolved'; after: ResolvedCase }
  /** By the same, in the same words: the request came twice. */
  | { outcome: 'resolved-before'; after: ResolvedCase }
  | { outcome: 'resolved-otherwise'; after: ResolvedCase }

export function resolveCase(before: Case, resolution: Resolution, now: number): CaseResolved {
  if (before.state === 'open')
    return { outcome: 'resolved', after: { ...before, state: 'resolved', resolvedAt: now, ...resolution } }
  return {
    outcome: isSameResolution(before, resolution) ? 'resolved-before' : 'resolved-otherwise',
    after: before,
  }
}

function isSameResolution(one: Resolution, other: Resolution): boolean {
  if (one.resolution === 'applied' || other.resolution === 'applied')
    return one.resolution === other.resolution
  return one.resolvedBy === other.resolvedBy && one.resolvedBecause === other.resolvedBecause
}

/** When it last became what it is: lists go by this. */
export function changedAtOf(one: Case): number {
  return one.state === 'open' ? one.openedAt : one.resolvedAt
}
