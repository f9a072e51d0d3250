/**
 * What the API shows, as plain types: a program that imports them gets neither the server nor its schemas. A test proves
 * at compile time that they are what the schemas say.
 */

/** A plain decimal as text, exact: never a float. */
export interface Money {
  value: string
  currency: string
}

export type TransferState =
  | 'registered'
  | 'submitted'
  | 'processing'
  | 'succeeded'
  | 'failed'
  | 'returned'
  | 'cancelled'
  | 'expired'
export type BatchState = 'registered' | 'submitted' | 'accepted' | 'processing' | 'finished' | 'closed'
export type CouponState = 'registered' | 'submitted' | 'granted' | 'failed'
export type CollectionState = 'completed'
export type CaseState = 'open' | 'resolved'

/** Why money did not arrive, in the same words for every provider. */
export type FailureCode =
  | 'declined-by-provider'
  | 'beneficiary-not-found'
  | 'beneficiary-blocked'
  | 'beneficiary-mismatch'
  | 'beneficiary-not-eligible'
  | 'limit-exceeded'
  | 'insufficient-funds'
  | 'payer-not-allowed'
  | 'risk-refused'
  | 'expired'
  | 'cancelled'
  | 'unknown'

export interface Failure {
  code: FailureCode
  /** The provider's own word. */
  reason?: string | undefined
}

export type HoldReason =
  | 'amount-differs'
  | 'currency-differs'
  | 'account-number-differs'
  | 'openid-differs'
  | 'provider-reference-differs'
  | 'provider-reference-taken'
  | 'reference-differs'
  | 'final-state-contradicted'
  | 'consumed-too-much'
  | 'beneficiary-name-differs'
  | 'beneficiary-name-missing'
  | 'refused-by-provider'

/** What was personal, after the person was erased. */
export interface Erased {
  erased: true
}

interface Base {
  id: string
  account: string
  reference: string
  /** A person has to decide; it stands beside any state. */
  held: boolean
  hold?: { reason: HoldReason; at: string; case: string } | undefined
  /** Of its last event. */
  sequence: number
  createdAt: string
  updatedAt: string
}

export type SubmissionStep =
  | 'waiting'
  | 'reserving'
  | 'reserved'
  | 'sending'
  | 'acknowledged'
  | 'refused'
  | 'withdrawn'

interface Sending {
  /** How far it has come on its way to the provider; missing where Tallyhook does not send it. */
  submission?:
    | {
        step: SubmissionStep
        since: string
        force?: true | undefined
        validUntil?: string | undefined
        failure?: Failure | undefined
      }
    | undefined
  overdue?: true | undefined
}

export interface BankBeneficiary {
  bankCode: string
  accountNumber: string
  name: string
}

export interface WechatpayBeneficiary {
  openid: string
  name?: string | undefined
  idCard?: string | undefined
}

export interface Transfer extends Base, Sending {
  amount: Money
  beneficiary: BankBeneficiary | WechatpayBeneficiary | Erased
  state: TransferState
  batch?: string | undefined
  remark?: string | undefined
  providerReference?: string | undefined
  fee?: Money | undefined
  failure?: Failure | undefined
  settledAt?: string | undefined
  /** What moved in truth, where a person decided that it was another amount than registered. */
  settledAmount?: Money | undefined
  metadata?: Record<string, string> | undefined
}

export interface BatchTotal {
  count: number
  amount: Money
}

export interface BatchFigures {
  count?: number | undefined
  amount?: Money | undefined
  succeededCount?: number | undefined
  succeededAmount?: Money | undefined
  failedCount?: number | undefined
  failedAmount?: Money | undefined
}

export interface Batch extends Base, Sending {
  name: string
  remark: string
  state: BatchState
  count: number
  amount: Money
  /** By state of the transfers; a state that none is in is left out. */
  totals: Partial<Record<TransferState, BatchTotal>>
  /** The provider's own figures, beside ours. */
  figures?: BatchFigures | undefined
  drifted: boolean
  providerReference?: string | undefined
  closeReason?: string | undefined
  wechatpay?:
    | {
        authorizationType: string
        subMchid: string
        subAppid?: string | undefined
        spAppid?: string | undefined
        purpose?: string | undefined
        scene?: string | undefined
      }
    | undefined
}

export interface Coupon extends Base, Sending {
  stockId: string
  appid: string
  amount?: Money | undefined
  holder: { openid: string; name?: string | undefined; idCard?: string | undefined } | Erased
  state: CouponState
  /** The coupon's number at the provider. */
  providerReference?: string | undefined
  failure?: Failure | undefined
  /** All uses together; missing while there are none. */
  consumed?: Money | undefined
  uses: { transaction: string; amount: Money; at: string; receipt: string }[]
}

/** A pay-in. */
export interface Collection extends Base {
  /** The provider's number. */
  providerReference: string
  amount: Money
  fee?: Money | undefined
  net?: Money | undefined
  channel?: string | undefined
  rrn?: string | undefined
  customer: { name?: string | undefined } | Erased
  state: CollectionState
  completedAt: string
}

export type CaseKind = 'callback-not-applied' | 'held' | 'drifted' | 'silent'
export type ResolutionAction = 'take-theirs' | 'keep-ours' | 'cancel'

/** What only a person can settle. */
export interface Case {
  id: string
  account: string
  kind: CaseKind
  code: string
  reason: string
  receipt?: string | undefined
  intent?: string | undefined
  known?: string | undefined
  receipts?: string[] | undefined
  state: CaseState
  openedAt: string
  resolvedAt?: string | undefined
  resolution?: 'applied' | 'by-person' | undefined
  action?: ResolutionAction | undefined
  taken?: string | undefined
  resolvedBy?: string | undefined
  resolvedBecause?: string | undefined
}

/** A stretch of the log that was not sent. */
export interface Missed {
  from: string
  until: string
  since: string
  till: string
}

export interface Subscription {
  id: string
  url: string
  description?: string | undefined
  /** Patterns, as `tallyhook.transfer.*`; empty: every type. */
  types: string[]
  /** Empty: every account, and what is of none. */
  accounts: string[]
  enabled: boolean
  disabled?:
    | {
        because: 'by-person' | 'gone' | 'failing'
        at: string
        by?: string | undefined
        reason?: string | undefined
      }
    | undefined
  missed: Missed[]
  createdAt: string
  updatedAt: string
  createdBy: string
  sequence: number
}
