/** Why an intent is where it is: all that was said of it and what was concluded. */
import type { Because, EventType, FactState } from './events.ts'
import type { Case, HoldReason } from './resources.ts'

/** Oldest first. */
export interface Timeline {
  id: string
  state: string
  held: boolean
  items: TimelineItem[]
  /** How many are older, or cannot be found any more. */
  missing: { events: number; receipts: number }
}

export type TimelineItem = TimelineEvent | TimelineReceipt | TimelineCase | TimelineDelivery

export interface TimelineEvent {
  at: string
  kind: 'event'
  id: string
  type: EventType
  name: string
  sequence: number
  change: { from: FactState | null; to: FactState }
  because: Because
  /** Of `held`: why. */
  hold?: HoldReason | undefined
}

/** A callback, or the answer to a call. */
export interface TimelineReceipt {
  at: string
  kind: 'callback' | 'query' | 'submission'
  receipt: string
  receivedAt: string
  outcome: 'applied' | 'held' | 'repeat' | 'stale' | 'awaits-person' | 'unverified'
  /** The sequence that it was decided on. */
  decidedOn: number
  unverified?: true | undefined
  asked?: { call: string; status: number; again?: true | undefined } | undefined
  /** What it said, with numbers masked; for tokens with `ops:read`. */
  said?: object | undefined
}

export interface TimelineCase {
  at: string
  kind: 'case'
  case: Case
}

/** One attempt to hand an event of it to a subscription. */
export interface TimelineDelivery {
  at: string
  kind: 'delivery'
  subscription: string
  event: string
  outcome: 'delivered' | 'failed' | 'skipped'
  attempt: number
  status?: number | undefined
  error?: string | undefined
}
