import type { ReceiptId } from './ids.ts'

/** What is known of a callback without opening its body. */
export interface ReceiptHead {
  id: ReceiptId
  account: string
  receivedAt: number
  /** Which of the account's keys verified it. */
  keyId: string
  /** SHA-256 of the raw body, hex. */
  digest: string
  /** The headers that the verification read, and no others. */
  headers: Record<string, string>
  /** Nothing proved it genuine: it changes nothing by itself and prompts a status query. */
  unverified?: true
  /** Set for the answer to a call of ours. */
  asked?: Asked
}

/** What an answer answers: it need not say so itself. */
export interface Asked {
  source: 'query' | 'submission'
  /** As the provider's client names it. */
  call: string
  /** Of HTTP. */
  status: number
  /** Our own reference of what was asked about, and of its batch. */
  reference: string
  batch?: string
  /** The same had been sent before, and nobody knows whether that had arrived. */
  again?: true
}

/**
 * Our durable record of one callback. `body` is the sealed raw bytes: what the signature was made over, kept so that
 * it can be checked again, opened only by who has the seal key.
 */
export interface Receipt extends ReceiptHead {
  body: string
}

/** In the place of a body that was erased before it could be applied. */
export const erasedBody = 'erased'

/** The same in memory, before it is sealed with its group or after it was opened with it. */
export interface OpenReceipt extends ReceiptHead {
  opened: Buffer
}

/** What became of a receipt. Recorded with it, in the same step as the change it caused. */
export const receiptOutcomes = ['applied', 'held', 'repeat', 'stale', 'awaits-person', 'unverified'] as const
export type ReceiptOutcome = (typeof receiptOutcomes)[number]
