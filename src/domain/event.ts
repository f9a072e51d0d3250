import type { BatchTotals } from './batch.ts'
import type { Case } from './case.ts'
import type { Fact, Warning } from './decision.ts'
import type { ReceiptId } from './ids.ts'
import type { Intent } from './intent.ts'
import type { ObservationSource } from './observation.ts'
import type { Subscription, SubscriptionFactName } from './subscription.ts'

/** Of what becomes true of a batch: what its transfers have come to, or a look into our own books. */
export type BatchSource = 'transfers' | 'audit'
/** Of what follows from time alone, and of what we are about to do ourselves. */
export type OwnSource = 'watch' | 'deliveries'

/** What made it so. */
export interface Because {
  source: 'registration' | ObservationSource | BatchSource | OwnSource
  receipt?: ReceiptId
  /** Of a hold, or what an operator wrote. */
  reason?: string
  /** The operator. */
  by?: string
  warnings?: Warning[]
}

/** A fact as the log keeps it: with the whole intent as it stood after the change. */
export interface IntentEvent<I extends Intent = Intent> {
  fact: Fact
  intent: I
  /** Of a batch, as they stood. */
  totals?: BatchTotals
  because: Because
  at: number
}

export interface CaseEvent {
  fact: { name: 'opened' | 'resolved'; sequence: number }
  case: Case
  because: Because
  at: number
}

/** Of a subscription itself; without its secrets. */
export interface SubscriptionEvent {
  fact: { name: SubscriptionFactName; sequence: number }
  subscription: Omit<Subscription, 'secrets'>
  because: Because
  at: number
}

export type LoggedEvent = IntentEvent | CaseEvent | SubscriptionEvent
