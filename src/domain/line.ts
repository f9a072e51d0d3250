/**
 * What could not be delivered steps aside into a line: one of each run and subject. Its events wait there in their
 * order, later ones queue up behind them, and those of all other subjects pass by.
 */
import type { Attempt } from './delivery.ts'
import type { CaseId, EventId, IntentId, SubscriptionId } from './ids.ts'

/** Whose order is kept: an intent, or a case or a subscription itself. */
export type Subject = IntentId | CaseId | SubscriptionId

/** Which event of the log; what it says is read there when it is sent. */
export interface LineEvent {
  position: string
  id: EventId
  type: string
}

export interface Line {
  /** Never empty. The first is what is tried next. */
  events: readonly LineEvent[]
  /** Of the first of them, how often it was tried; and when first. */
  attempts: number
  firstAt?: number
  /** How the last attempt ended. */
  last?: Attempt
  /** When it is looked at next. */
  nextAt: number
  /** A request for the first may still be on its way: until `nextAt` the line is left to who sent it. */
  underWay?: true
}
