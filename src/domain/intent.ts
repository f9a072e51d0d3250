/** Whatever we expect money to do, or learn that it did, and what all of these have in common. */
import type { Batch } from './batch.ts'
import type { Collection } from './collection.ts'
import type { Coupon } from './coupon.ts'
import type { CaseId } from './ids.ts'
import type { Submission } from './submission.ts'
import type { Transfer } from './transfer.ts'

export type Intent = Transfer | Batch | Coupon | Collection
export type IntentKind = Intent['kind']

export const holdReasons = [
  'amount-differs',
  'currency-differs',
  'account-number-differs',
  'openid-differs',
  'provider-reference-differs',
  /** The provider's reference stands for another intent of ours already. */
  'provider-reference-taken',
  /** The same money under another reference of ours. */
  'reference-differs',
  'final-state-contradicted',
  /** More was consumed of a coupon than it was worth. */
  'consumed-too-much',
  /** The bank has another name for the account, or none, and nobody said to pay it all the same. */
  'beneficiary-name-differs',
  'beneficiary-name-missing',
  /** The provider did not take it, and not because of itself: something has to be mended first. */
  'refused-by-provider',
] as const
export type HoldReason = (typeof holdReasons)[number]

/** Set while a person has to decide; it stands beside any state. */
export interface Hold {
  reason: HoldReason
  at: number
  case: CaseId
}

/**
 * What is personal, sealed under the key of the person it is about. It is opened where it is shown and nowhere else:
 * decisions compare keyed digests. Without the key, as after an erasure, it stays closed for ever.
 */
export interface Personal {
  /** A keyed digest: whose key it is. */
  person: string
  sealed: string
}

export interface IntentBase {
  account: string
  /** Our own. */
  reference: string
  hold?: Hold
  /** Where we send it ourselves. */
  submission?: Submission
  /** It takes longer than its account allows. */
  overdue?: true
  /** The number of the last event about it. Each change of the record publishes at least one. */
  sequence: number
  personal: Personal
  /** When the provider says that what we know last was so. */
  asOf?: number
  /** The receipt that made the state what it is. */
  settledBy?: string
  /** Facts that a person has ruled on, as digests: when they come again they hold nothing. */
  dismissed?: string[]
  /** When they last did. What happened later is news, though it says the same. */
  ruledAt?: number
  /** Tells a repeated registration from another one under the same reference. Keyed, so that it gives nothing away. */
  contentDigest: string
  createdAt: number
  updatedAt: number
}
