/** What the calls about subscriptions, deliveries and replays take and answer. */
import type { Paging } from './requests.ts'
import type { Subscription } from './resources.ts'

export interface NewSubscription {
  url: string
  /** Full types, or beginnings with `*` behind them; none: every type. */
  types?: string[]
  /** None: every account, and what is of none. */
  accounts?: string[]
  description?: string
  disabled?: boolean
}

export interface SubscriptionChange {
  url?: string
  types?: string[]
  accounts?: string[]
  /** `null` takes it away. */
  description?: string | null
  enabled?: boolean
  /** Beside `enabled: true`: whether what it missed is sent now. By default `skip`. */
  missed?: 'skip' | 'send'
  reason?: string
}

export interface SubscriptionHealth {
  /** open: nothing is sent until `openUntil`, so that the endpoint can come to itself. */
  state: 'ok' | 'failing' | 'open'
  /** In a row. */
  failures: number
  failingSince?: string | undefined
  openUntil?: string | undefined
  lastSuccessAt?: string | undefined
  lastFailure?: { at: string; status?: number | undefined; error?: string | undefined } | undefined
}

export interface ShownSubscription extends Subscription {
  /** Missing where nothing was sent yet. */
  health?: SubscriptionHealth | undefined
}

/** The secret is shown by this answer alone. */
export interface CreatedSubscription extends ShownSubscription {
  secret: string
}

export interface RotatedSubscription extends CreatedSubscription {
  /** Until then the secrets before it sign too; missing where there is no overlap. */
  overlapUntil?: string | undefined
}

export interface TestResult {
  delivered: boolean
  status?: number | undefined
  error?: string | undefined
  latencyMs: number
  excerpt?: string | undefined
}

export type DeliveryStatus = 'delivered' | 'failing' | 'waiting' | 'skipped'

export interface DeliveriesRequest extends Paging {
  status?: DeliveryStatus
  event?: string
  subject?: string
}

export interface DeliveryRequestMade {
  at?: string | undefined
  latencyMs?: number | undefined
  response?: { status: number; excerpt?: string | undefined } | undefined
  /** A stable code, where it failed. */
  error?: string | undefined
}

export interface Delivery extends DeliveryRequestMade {
  event: string
  type: string
  subject: string
  /** failed: it is or was tried again. failing: it was tried and is not delivered yet. waiting: another comes before it. */
  status: DeliveryStatus | 'failed'
  /** Which attempt it was; 0 where none was made. */
  attempt: number
  /** Missing where it was not sent by a replay. */
  replay?: string | undefined
  nextAttemptAt?: string | undefined
}

export interface DeliveryAttempt extends DeliveryRequestMade {
  number: number
  outcome: 'delivered' | 'failed' | 'skipped'
  replay?: string | undefined
}

export interface EventDelivery {
  event: string
  type: string
  subject: string
  status: DeliveryStatus
  nextAttemptAt?: string | undefined
  /** All that are known, oldest first. */
  attempts: DeliveryAttempt[]
}

export interface Resent {
  /** retry: it waited to be tried again already, and that is done now. */
  as: 'replay' | 'retry'
  replay?: Replay | undefined
}

/** One of `after`, `since` and `missed` says where it begins. */
export interface ReplayRequest {
  /** A cursor: begins behind it. */
  after?: string
  /** A time. */
  since?: string
  /** A place in the subscription's `missed`, from 0. */
  missed?: 'all' | number
  until?: string
  till?: string
  /** Narrower than what the subscription takes. */
  types?: string[]
}

export interface ReplayCount {
  count: number
  /** There are more; counting them was left off. */
  atLeast?: true | undefined
  from: string
  until: string
}

export interface Replay {
  id: string
  subscription: string
  state: 'running' | 'done' | 'cancelled' | 'disabled' | 'deleted'
  from: string
  until: string
  types?: string[] | undefined
  event?: string | undefined
  /** How many were counted when it was asked for. */
  count: number
  atLeast?: true | undefined
  delivered: number
  /** That were given up. */
  skipped: number
  /** Intents and cases whose events are tried again. */
  waiting: number
  createdAt: string
  createdBy: string
  endedAt?: string | undefined
}
