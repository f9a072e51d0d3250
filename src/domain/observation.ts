import type { ReceiptId } from './ids.ts'
import type { Money } from './money.ts'
import type { Failure } from './transfer.ts'

/** What a source can say of a transfer, once the provider's own words are normalised. */
export const observedStatuses = ['processing', 'succeeded', 'failed', 'returned'] as const
export type ObservedStatus = (typeof observedStatuses)[number]

/**
 * What one source says of one transfer. Callback, query, submission answer and operator all become observations and
 * go through the same `decide()`.
 */
export interface Observation {
  source: 'callback' | 'query' | 'submission' | 'operator'
  receiptId: ReceiptId
  account: string
  /** Our own reference, as the provider repeats it. */
  reference: string
  status: ObservedStatus
  providerReference?: string
  amount?: Money
  accountNumber?: string
  /** Of the WeChat Pay user who was paid. */
  openid?: string
  fee?: Money
  failure?: Failure
  /** When the provider says that it happened. */
  occurredAt?: number
}
