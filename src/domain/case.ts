/**
 * Something that only a person can settle. Four kinds: a callback that was acknowledged and could not be applied (its
 * job is kept as failed), an intent that is held since two sources contradict each other or somebody has to say whether
 * it is paid, one of which its provider says nothing any more, and a batch whose figures are not its provider's. A case
 * says so to whoever does not look at queues.
 *
 * A case's id is derived from what it is about, so opening it twice is opening it once. Its changes are numbered and
 * published like those of an intent.
 */
import type { ErrorCode } from './errors.ts'
import { type CaseId, caseIdOfHold, caseIdOfReceipt, type IntentId, type ReceiptId } from './ids.ts'
import type { HoldReason } from './intent.ts'
import type { ResolutionAction } from './observation.ts'

export const caseStates = ['open', 'resolved'] as const
export type CaseState = (typeof caseStates)[number]

export const caseKinds = ['callback-not-applied', 'held', 'drifted', 'silent'] as const
export type CaseKind = (typeof caseKinds)[number]

/** Why a receipt was not applied: an AppError's code, and its public sentence. */
export interface Failure {
  account: string
  receipt: ReceiptId
  code: ErrorCode
  reason: string
}

interface CaseBase {
  id: CaseId
  account: string
  /** A sentence for who has to see to it. */
  reason: string
  openedAt: number
  sequence: number
}

type CaseAbout =
  | { kind: 'callback-not-applied'; code: ErrorCode; receipt: ReceiptId }
  | {
      kind: 'held'
      code: HoldReason
      intent: IntentId
      /** What made the intent what it was, where a receipt did. */
      known?: ReceiptId
      /** What contradicts it, and what came since, oldest first. */
      receipts: ReceiptId[]
    }
  /** Nobody says what became of it, and it is hardly asked about any more. */
  | { kind: 'silent'; code: 'no-answer'; intent: IntentId; receipts: ReceiptId[] }
  | { kind: 'drifted'; code: 'provider-figures' | 'own-books'; intent: IntentId; receipts: ReceiptId[] }

export type OpenCase = CaseBase & CaseAbout & { state: 'open' }
export type ResolvedCase = CaseBase & CaseAbout & { state: 'resolved'; resolvedAt: number } & Resolution
export type Case = OpenCase | ResolvedCase
export type HeldCase = OpenCase & { kind: 'held' }

/** `applied`: the callback was applied after all. `by-person`: somebody says that it is dealt with, how and why. */
export type Resolution = { resolution: 'applied' } | ByPerson

export interface ByPerson {
  resolution: 'by-person'
  resolvedBy: string
  resolvedBecause: string
  /** Of what was held. */
  action?: ResolutionAction
  /** Whose word was taken. */
  taken?: ReceiptId
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
    id: caseIdOfReceipt(receipt),
    kind: 'callback-not-applied',
    account,
    receipt,
    code,
    reason,
    state: 'open',
    openedAt: still?.openedAt ?? now,
    sequence: still?.sequence ?? (before?.sequence ?? 0) + 1,
  }
}

const holdSentences: Record<HoldReason, string> = {
  'amount-differs': 'Another amount was reported than is registered.',
  'currency-differs': 'Another currency was reported than is registered.',
  'account-number-differs': 'Another account was reported as paid than is registered.',
  'openid-differs': 'Another user was reported as paid than is registered.',
  'provider-reference-differs': 'It was reported under another reference of the provider than before.',
  'provider-reference-taken': 'The provider’s reference was reported before, for another reference of ours.',
  'reference-differs': 'The same money was reported before under another reference of ours.',
  'final-state-contradicted': 'What was reported contradicts what is known to be final.',
  'consumed-too-much': 'More was reported as consumed than the coupon is worth.',
  'beneficiary-name-differs':
    'The bank has another name for the account than is registered; it is not paid yet.',
  'beneficiary-name-missing': 'The bank confirms no name for the account; it is not paid yet.',
  'refused-by-provider': 'The provider did not take it; it is not paid.',
}

/** With both sides: the receipt that made the intent what it is, and the one that contradicts it. */
export function openHeldCase(
  {
    hold,
    account,
    id,
    settledBy,
  }: {
    hold: { reason: HoldReason; case: CaseId }
    account: string
    id: IntentId
    settledBy?: string | undefined
  },
  /** Missing where a registration contradicts what is known. */
  receipt: ReceiptId | undefined,
  now: number,
): HeldCase {
  return {
    id: hold.case,
    kind: 'held',
    account,
    code: hold.reason,
    reason: holdSentences[hold.reason],
    intent: id,
    ...(settledBy !== undefined && { known: settledBy as ReceiptId }),
    receipts: receipt === undefined ? [] : [receipt],
    state: 'open',
    openedAt: now,
    sequence: 1,
  }
}

/** `sequence`: of the event that says so. */
export function openDriftCase(
  { id, account }: { id: IntentId; account: string },
  drift: { code: 'provider-figures' | 'own-books'; reason: string; sequence: number; receipts: ReceiptId[] },
  now: number,
): OpenCase {
  const { code, reason, sequence, receipts } = drift
  return {
    id: caseIdOfHold(id, sequence),
    kind: 'drifted',
    account,
    code,
    reason,
    intent: id,
    receipts,
    state: 'open',
    openedAt: now,
    sequence: 1,
  }
}

/** `sequence`: of the last event about it. Opened again for the same, it is the same case. */
export function openSilentCase(
  { id, account, sequence }: { id: IntentId; account: string; sequence: number },
  now: number,
): OpenCase {
  return {
    id: caseIdOfHold(id, sequence),
    kind: 'silent',
    account,
    code: 'no-answer',
    reason: 'The provider has not said what became of it for longer than the account allows.',
    intent: id,
    receipts: [],
    state: 'open',
    openedAt: now,
    sequence: 1,
  }
}

/** What comes while a person has to decide is shown to them, be it a callback or the answer to a query. */
export function attachReceipt(before: HeldCase, receipt: ReceiptId): HeldCase | undefined {
  if (before.receipts.includes(receipt)) return undefined
  return { ...before, receipts: [...before.receipts, receipt] }
}

export type CaseResolved =
  | { outcome: 'resolved'; after: ResolvedCase }
  /** By the same, in the same words: the request came twice. */
  | { outcome: 'resolved-before'; after: ResolvedCase }
  | { outcome: 'resolved-otherwise'; after: ResolvedCase }

export function resolveCase(before: Case, resolution: Resolution, now: number): CaseResolved {
  if (before.state === 'open') {
    const after = { ...before, state: 'resolved' as const, resolvedAt: now, sequence: before.sequence + 1 }
    return { outcome: 'resolved', after: { ...after, ...resolution } }
  }
  return {
    outcome: isSameResolution(before, resolution) ? 'resolved-before' : 'resolved-otherwise',
    after: before,
  }
}

function isSameResolution(one: Resolution, other: Resolution): boolean {
  if (one.resolution === 'applied' || other.resolution === 'applied')
    return one.resolution === other.resolution
  return (
    one.resolvedBy === other.resolvedBy &&
    one.resolvedBecause === other.resolvedBecause &&
    one.action === other.action &&
    one.taken === other.taken
  )
}

/** When it last became what it is: lists go by this. */
export function changedAtOf(one: Case): number {
  return one.state === 'open' ? one.openedAt : one.resolvedAt
}
