/**
 * Where events are pushed to. A subscription follows the log by runs: the live one from where it was begun, and replays
 * over a stretch of it. How far each has come is kept beside the log, partition by partition.
 */
import type { RunId, SubscriptionId } from './ids.ts'

/** A position in the log of every partition, in their order. */
export type Positions = readonly string[]

export const disabledReasons = ['by-person', 'gone', 'failing'] as const
/** gone: the endpoint answered 410. failing: it took nothing for longer than it is waited for. */
export type DisabledReason = (typeof disabledReasons)[number]

export const subscriptionFacts = ['created', 'changed', 'enabled', 'disabled', 'deleted'] as const
export type SubscriptionFactName = (typeof subscriptionFacts)[number]

/** A stretch of the log that was not sent. */
export interface Missed {
  from: Positions
  until: Positions
  /** From when to when it was disabled. */
  since: number
  till: number
}

export interface SigningSecret {
  /** As it rests: sealed. */
  sealed: string
  createdAt: number
  /** Of one that was rotated: until when it signs too. */
  until?: number
}

export interface Subscription {
  id: SubscriptionId
  url: string
  description?: string
  /** Patterns, as `tallyhook.transfer.*`; empty: every type. */
  types: readonly string[]
  /** Empty: every account, and what is of none. */
  accounts: readonly string[]
  /** Set while nothing is sent. */
  disabled?: { because: DisabledReason; at: number; by?: string; reason?: string }
  /** The first signs now; the others sign too until their time is over. */
  secrets: readonly SigningSecret[]
  /** The run that follows the log, and where it began. */
  live: { run: RunId; from: Positions }
  /** Newest last; the oldest are let go of. */
  missed: readonly Missed[]
  createdAt: number
  updatedAt: number
  createdBy: string
  /** Of its last event, and its version. */
  sequence: number
}

/** Sends a stretch of the log again. */
export interface Replay {
  id: RunId
  subscription: SubscriptionId
  from: Positions
  until: Positions
  /** Of what lies between, these stretches alone. */
  within?: readonly { from: Positions; until: Positions }[]
  /** Narrower than the subscription; missing: what it takes. */
  types?: readonly string[]
  /** Of one event alone. */
  event?: string
  /** How many were counted when it was asked for. */
  count: number
  /** There were more, and counting them was left off. */
  atLeast?: true
  by: string
  at: number
  /** Set when it has come to its end, or was stopped; with how far it had come, where that is known. */
  ended?: {
    at: number
    because: 'done' | 'cancelled' | 'disabled' | 'deleted'
    delivered?: number
    skipped?: number
  }
}
