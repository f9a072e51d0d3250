/**
 * What one source says, once the provider's own words are normalised. Callback, query, submission answer and operator
 * all become observations and go through the same `decide()`.
 */
import type { BatchFigures } from './batch.ts'
import type { CollectionSecrets } from './collection.ts'
import type { Failure } from './failure.ts'
import type { ReceiptId } from './ids.ts'
import type { Money } from './money.ts'
import type { Beneficiary } from './transfer.ts'

export type ObservationSource = 'callback' | 'query' | 'submission' | 'operator'

interface ObservationBase {
  source: ObservationSource
  receiptId: ReceiptId
  account: string
  /** When the provider says that it was so. */
  occurredAt?: number
  /** The digest of what it says, by which the same is known again. */
  fact?: string
}

/** What a source can say of a transfer. */
export const observedStatuses = ['processing', 'succeeded', 'failed', 'returned'] as const
export type ObservedStatus = (typeof observedStatuses)[number]

/** Whom the source says was paid, in the open. Only translation and what seals it see it so. */
export interface SeenPayee {
  kind: Beneficiary['kind']
  /** The account number or openid. */
  number?: string
  name?: string
}

/** The same as keyed digests, which is all that a decision needs. */
export interface ObservedPayee {
  kind: Beneficiary['kind']
  person?: string
  nameDigest?: string
}

export interface TransferObservation<Payee = ObservedPayee> extends ObservationBase {
  kind: 'transfer'
  /** Our own reference, as the provider repeats it. */
  reference: string
  /** Our reference of its batch, where the transfer's own is unique only in that. */
  batch?: string
  status: ObservedStatus
  providerReference?: string
  /** The provider's reference stands for another intent of ours, so one of the two is wrong. */
  takenBy?: string
  amount?: Money
  payee?: Payee
  fee?: Money
  failure?: Failure
}

export const observedBatchStatuses = ['accepted', 'processing', 'finished', 'closed'] as const
export type ObservedBatchStatus = (typeof observedBatchStatuses)[number]

export interface BatchObservation extends ObservationBase {
  kind: 'batch'
  reference: string
  status: ObservedBatchStatus
  providerReference?: string
  figures?: BatchFigures
  closeReason?: string
}

/** The answer to a grant, or to a query about one. */
export interface CouponGrantObservation extends ObservationBase {
  kind: 'coupon-grant'
  reference: string
  status: 'granted' | 'failed'
  couponNumber?: string
  /** The number leads to another coupon of ours. */
  takenBy?: string
  failure?: Failure
}

/** Names no reference of ours: the coupon's number leads to it. */
export interface CouponUseObservation extends ObservationBase {
  kind: 'coupon-use'
  couponNumber: string
  stockId: string
  transaction: string
  amount: Money
  /** When it was consumed. */
  occurredAt: number
}

export interface CollectionObservation<Secrets = undefined> extends ObservationBase {
  kind: 'collection'
  transaction: string
  reference: string
  amount: Money
  fee?: Money
  net?: Money
  channel?: string
  rrn?: string
  secrets: Secrets
}

/** The provider's answer to an order of ours; what it says of the money comes from elsewhere. */
export interface SubmissionObservation<Payee = ObservedPayee> extends ObservationBase {
  kind: 'submission'
  of: 'transfer' | 'batch' | 'coupon'
  reference: string
  batch?: string
  status: 'reserved' | 'acknowledged' | 'refused'
  /** Of what was set aside. */
  providerReference?: string
  /** That number stands for another intent of ours, which would be paid in the place of this one. */
  takenBy?: string
  amount?: Money
  payee?: Payee
  fee?: Money
  validUntil?: number
  /** Of a refusal: whether it is for good, or a person has to mend something first. */
  remedy?: 'failed' | 'operator'
  /** The same had been sent before, and what became of that is not known: the refusal may be of the repeat alone. */
  again?: true
  failure?: Failure
}

export type Observation =
  | SubmissionObservation
  | TransferObservation
  | BatchObservation
  | CouponGrantObservation
  | CouponUseObservation
  | CollectionObservation

/** As a provider's translation gives it: personal data in the open, and not yet tied to a receipt. */
export type Sighting =
  | Omit<SubmissionObservation<SeenPayee>, 'receiptId' | 'takenBy'>
  | Omit<TransferObservation<SeenPayee>, 'receiptId' | 'takenBy'>
  | Omit<BatchObservation, 'receiptId'>
  | Omit<CouponGrantObservation, 'receiptId' | 'takenBy'>
  | Omit<CouponUseObservation, 'receiptId'>
  | Omit<CollectionObservation<CollectionSecrets>, 'receiptId'>

/** How a person settles a held intent. */
export const resolutionActions = ['take-theirs', 'keep-ours', 'cancel'] as const
export type ResolutionAction = (typeof resolutionActions)[number]

/** A named operator's word on a hold (`resolve.ts`). Who they are and why stands in the event. */
export interface OperatorResolution {
  action: ResolutionAction
  /** What the contradicting source said. Only `take-theirs` needs it: what was erased can still be kept out. */
  theirs?: Observation
  /** The provider has said more of it since it was held, and nobody has decided on that yet. */
  since?: boolean
  /** The facts that the person has looked at and that are settled by this: when they come again they are repeats. */
  dismissed: readonly string[]
}
