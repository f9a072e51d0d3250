/** What Tallyhook says: CloudEvents 1.0, told apart by `type`. A newer server may send types that are not listed here. */
import type { Batch, Case, Collection, Coupon, Subscription, Transfer } from './resources.ts'

export interface Facts {
  transfer:
    | 'registered'
    | 'requested'
    | 'submitted'
    | 'reserved'
    | 'sent'
    | 'unsent'
    | 'acknowledged'
    | 'overdue'
    | 'processing'
    | 'reported'
    | 'succeeded'
    | 'failed'
    | 'returned'
    | 'held'
    | 'released'
    | 'corrected'
    | 'cancelled'
    | 'expired'
  batch:
    | 'registered'
    | 'requested'
    | 'submitted'
    | 'sent'
    | 'unsent'
    | 'refused'
    | 'overdue'
    | 'held'
    | 'released'
    | 'accepted'
    | 'processing'
    | 'reported'
    | 'grown'
    | 'finished'
    | 'closed'
    | 'amended'
    | 'drifted'
  coupon:
    | 'registered'
    | 'requested'
    | 'submitted'
    | 'sent'
    | 'unsent'
    | 'overdue'
    | 'granted'
    | 'failed'
    | 'reported'
    | 'used'
    | 'held'
    | 'released'
    | 'corrected'
  collection: 'completed' | 'reported' | 'held' | 'released' | 'corrected'
  case: 'opened' | 'resolved'
  subscription: 'created' | 'changed' | 'enabled' | 'disabled' | 'deleted'
}

export interface Objects {
  transfer: Transfer
  batch: Batch
  coupon: Coupon
  collection: Collection
  case: Case
  subscription: Subscription
}

export type Noun = keyof Facts
export type EventType = { [N in Noun]: `tallyhook.${N}.${Facts[N]}.v1` }[Noun]

export interface FactState {
  state: string
  held: boolean
}

export interface Because {
  source:
    | 'registration'
    | 'callback'
    | 'query'
    | 'submission'
    | 'operator'
    | 'transfers'
    | 'audit'
    | 'watch'
    | 'deliveries'
  receipt?: string | undefined
  reason?: string | undefined
  by?: string | undefined
  warnings?: string[] | undefined
}

export interface EventData<Object> {
  /** The resource as it stands after the change. */
  object: Object
  /** Missing of a case and of a subscription. */
  change?: { from: FactState | null; to: FactState } | undefined
  because: Because
}

export interface Envelope<Type extends string, Data> {
  specversion: '1.0'
  id: string
  source: string
  type: Type
  /** The id of what it is about. */
  subject: string
  time: string
  datacontenttype: 'application/json'
  /** Counts the events of its subject, from 1 without a gap. */
  sequence: number
  /** The event before it, of the same subject. */
  previousid?: string | undefined
  /** Of the log. */
  partition: number
  data: Data
}

export type EventAbout<N extends Noun> = Envelope<`tallyhook.${N}.${Facts[N]}.v1`, EventData<Objects[N]>>
export type TransferEvent = EventAbout<'transfer'>
export type BatchEvent = EventAbout<'batch'>
export type CouponEvent = EventAbout<'coupon'>
export type CollectionEvent = EventAbout<'collection'>
export type CaseEvent = EventAbout<'case'>
export type SubscriptionEvent = EventAbout<'subscription'>

export interface EventsByNoun {
  transfer: TransferEvent
  batch: BatchEvent
  coupon: CouponEvent
  collection: CollectionEvent
  case: CaseEvent
  subscription: SubscriptionEvent
}
export type TallyhookEvent = EventsByNoun[Noun]

/** What `POST /v1/subscriptions/{id}/test` sends. It is not in the log, so it has neither a number nor a place there. */
export interface TestEvent {
  specversion: '1.0'
  id: string
  source: '/subscriptions'
  type: 'tallyhook.subscription.tested.v1'
  subject: string
  time: string
  datacontenttype: 'application/json'
  data: { object: Subscription; because: { source: 'operator'; by: string } }
}
