import type { Fact } from './decide.ts'
import type { ReceiptId } from './ids.ts'
import type { Transfer } from './transfer.ts'

/** What made it so. */
export interface Because {
  source: 'registration' | 'callback' | 'query' | 'submission' | 'operator'
  receipt?: ReceiptId
  reason?: string
}

/** A fact as the log keeps it: with the whole transfer as it stood after the change. */
export interface TransferEvent {
  fact: Fact
  transfer: Transfer
  because: Because
  at: number
}
