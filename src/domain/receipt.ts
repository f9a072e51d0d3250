import type { ReceiptId } from './ids.ts'

/**
 * Our durable record of one callback. `body` is the sealed raw bytes: what the signature was made over, kept so that
 * it can be checked again, opened only by who has the seal key.
 */
export interface Receipt {
  id: ReceiptId
  account: string
  receivedAt: number
  /** Which of the account's keys verified it. */
  keyId: string
  /** SHA-256 of the raw body, hex. */
  digest: string
  /** The headers that the verification read, and no others. */
  headers: Record<string, string>
  body: string
  /** Nothing proved it genuine: it changes nothing by itself and prompts a status query. */
  unverified?: true
}

/** What became of a receipt. Recorded with it, in the same step as the change it caused. */
export type ReceiptOutcome = 'applied' | 'held' | 'repeat' | 'stale' | 'awaits-person' | 'unverified'
