import type { TransferId } from './ids.ts'
import type { Money } from './money.ts'

export const transferStates = [
  'registered',
  'submitted',
  'processing',
  'succeeded',
  'failed',
  'returned',
  'cancelled',
  'expired',
] as const
export type TransferState = (typeof transferStates)[number]

/** Personal data, all of it: sealed wherever it rests and absent from every log line. */
export type Beneficiary =
  | { kind: 'bank'; bankCode: string; accountNumber: string; name: string }
  | { kind: 'wechatpay'; openid: string; name?: string; idCard?: string }

export interface Failure {
  code: string
  reason?: string
}

export const holdReasons = [
  'amount-differs',
  'currency-differs',
  'account-number-differs',
  'openid-differs',
  'provider-reference-differs',
  'final-state-contradicted',
] as const
export type HoldReason = (typeof holdReasons)[number]

/** An intent: money that we expect to move to one beneficiary. */
export interface Transfer {
  id: TransferId
  account: string
  reference: string
  amount: Money
  beneficiary: Beneficiary
  state: TransferState
  /** Set while a person has to decide; it stands beside any state. */
  hold?: { reason: HoldReason; at: number }
  /** The number of the last event about this transfer. Each change of the record publishes at least one. */
  sequence: number
  providerReference?: string
  fee?: Money
  failure?: Failure
  settledAt?: number
  metadata?: Record<string, string>
  /** Tells a repeated registration from another one under the same reference. Keyed, so that it gives nothing away. */
  contentDigest: string
  createdAt: number
  updatedAt: number
}
