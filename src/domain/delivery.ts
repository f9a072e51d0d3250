/** What became of sending one event to one subscription. */
import type { CaseId, EventId, IntentId, RunId, SubscriptionId } from './ids.ts'

/** One request that was made, and how it ended. */
export interface Attempt {
  at: number
  tookMs: number
  /** Of the answer, where there was one. */
  status?: number
  /** A stable code, where it failed. */
  error?: string
  /** The beginning of the answer, where it failed. */
  excerpt?: string
}

export const deliveryOutcomes = ['delivered', 'failed', 'skipped'] as const
/** failed: it is tried again. skipped: it was given up, or passed over when a subscription was enabled without it. */
export type DeliveryOutcome = (typeof deliveryOutcomes)[number]

export interface DeliveryNote {
  event: EventId
  /** `tallyhook.transfer.succeeded.v1` */
  type: string
  subject: IntentId | CaseId | SubscriptionId
  /** Of the event in the log of its partition. */
  position: string
  run: RunId
  /** Which attempt it was, from 1; 0 where none was made. */
  number: number
  outcome: DeliveryOutcome
  attempt?: Attempt
}
