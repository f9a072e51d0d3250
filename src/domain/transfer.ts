import type { Failure } from './failure.ts'
import type { BatchId, TransferId } from './ids.ts'
import type { IntentBase } from './intent.ts'
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

/** In these nothing more is awaited, though a success may still come back as a return. */
export const finalTransferStates: ReadonlySet<TransferState> = new Set([
  'succeeded',
  'failed',
  'returned',
  'cancelled',
  'expired',
])

/** Personal data, all of it: sealed wherever it rests and absent from every log line. */
export type Beneficiary =
  | { kind: 'bank'; bankCode: string; accountNumber: string; name: string }
  | { kind: 'wechatpay'; openid: string; name?: string; idCard?: string }

/** What is sealed of a transfer. */
export interface TransferSecrets {
  beneficiary: Beneficiary
  /** What the beneficiary is told beside the money. */
  remark?: string
  metadata?: Record<string, string>
}

/** An intent: money that we expect to move to one beneficiary. */
export interface Transfer extends IntentBase {
  kind: 'transfer'
  id: TransferId
  amount: Money
  state: TransferState
  /** `personal.person` is the keyed digest of the account number or openid. */
  payee: {
    kind: Beneficiary['kind']
    nameDigest?: string
    /** Another number that a person accepted as paid. */
    accepted?: string
  }
  batch?: BatchId
  providerReference?: string
  fee?: Money
  failure?: Failure
  settledAt?: number
  /** What moved in truth, where a person decided that it was another amount than registered. */
  settledAmount?: Money
}

/** What counts in sums. */
export function amountOf({ settledAmount, amount }: Pick<Transfer, 'amount' | 'settledAmount'>): Money {
  return settledAmount ?? amount
}
