import assert from 'node:assert/strict'
import type { z } from 'zod'
import type {
  Batch,
  Because,
  Case,
  Collection,
  Coupon,
  CreatedSubscription,
  Delivery,
  EventData,
  EventDelivery,
  EventType,
  LogHead,
  Missed,
  NewCoupon,
  NewSubscription,
  NewTransfer,
  Replay,
  ReplayRequest,
  RotatedSubscription,
  Subscription,
  SubscriptionChange,
  TallyhookEvent,
  TestEvent,
  TestResult,
  Timeline,
  TimelineCase,
  TimelineDelivery,
  TimelineEvent,
  TimelineReceipt,
  Transfer,
} from '../../src/client/index.ts'
import type { BatchResource } from '../../src/events/batch-resource.ts'
import type { CaseResource } from '../../src/events/case-resource.ts'
import type { CloudEvent, EventType as PublishedType } from '../../src/events/catalogue.ts'
import type { CollectionResource } from '../../src/events/collection-resource.ts'
import type { CouponResource } from '../../src/events/coupon-resource.ts'
import type { FeedHead } from '../../src/events/head.ts'
import type { SubscriptionResource } from '../../src/events/subscription-resource.ts'
import type { TestEvent as TestedEvent } from '../../src/events/test-event.ts'
import type { TransferResource } from '../../src/events/transfer-resource.ts'
import type { couponRequestSchema } from '../../src/http/api/coupon-request.ts'
import type { DeliveryResource, EventDeliveryResource } from '../../src/http/api/delivery-present.ts'
import type { ReplayResource } from '../../src/http/api/replay-present.ts'
import type { ReplayRequest as AskedReplay } from '../../src/http/api/replay-request.ts'
import type {
  createdSubscriptionSchema,
  rotatedSubscriptionSchema,
  testedSchema,
} from '../../src/http/api/subscription-present.ts'
import type {
  changeSubscriptionSchema,
  createSubscriptionSchema,
} from '../../src/http/api/subscription-request.ts'
import type { TimelineResource } from '../../src/http/api/timeline-schemas.ts'
import type { transferRequestSchema } from '../../src/http/api/transfer-request.ts'

/** Either may stand for the other, with every field of every part. */
type Same<A, B> = [Whole<A>] extends [Whole<B>] ? ([Whole<B>] extends [Whole<A>] ? true : false) : false
/** A field that one has and the other has not, optional or not, makes them differ. */
type Whole<T> = T extends readonly (infer Item)[]
  ? { items: Whole<Item> }
  : T extends object
    ? { fields: keyof T; values: { [K in keyof T]-?: Whole<T[K]> } }
    : T

type TimelineItemOf<K> = Extract<
  TimelineResource['items'][number],
  { kind: K } | { kind: K | 'query' | 'submission' }
>

describe('the types of the client', () => {
  it('are those of the schemas: the compiler says so', () => {
    const same: {
      transfer: Same<Transfer, TransferResource>
      batch: Same<Batch, BatchResource>
      coupon: Same<Coupon, CouponResource>
      collection: Same<Collection, CollectionResource>
      case: Same<Case, CaseResource>
      subscription: Same<Subscription, SubscriptionResource>
      missed: Same<Missed, SubscriptionResource['missed'][number]>
      created: Same<CreatedSubscription, z.infer<typeof createdSubscriptionSchema>>
      rotated: Same<RotatedSubscription, z.infer<typeof rotatedSubscriptionSchema>>
      newSubscription: Same<NewSubscription, z.input<ReturnType<typeof createSubscriptionSchema>>>
      subscriptionChange: Same<SubscriptionChange, z.input<ReturnType<typeof changeSubscriptionSchema>>>
      newTransfer: Same<keyof NewTransfer, keyof z.input<typeof transferRequestSchema>>
      newCoupon: Same<keyof NewCoupon, keyof z.input<ReturnType<typeof couponRequestSchema>>>
      tested: Same<TestResult, z.infer<typeof testedSchema>>
      testEvent: Same<TestEvent, TestedEvent>
      delivery: Same<Delivery, DeliveryResource>
      eventDelivery: Same<EventDelivery, EventDeliveryResource>
      replay: Same<Replay, ReplayResource>
      replayRequest: Same<ReplayRequest & { dryRun?: boolean }, AskedReplay>
      head: Same<LogHead, FeedHead>
      timeline: Same<keyof Timeline, keyof TimelineResource>
      timelineEvent: Same<keyof TimelineEvent, keyof TimelineItemOf<'event'>>
      timelineReceipt: Same<keyof TimelineReceipt, keyof TimelineItemOf<'callback'>>
      timelineCase: Same<TimelineCase, TimelineItemOf<'case'>>
      timelineDelivery: Same<TimelineDelivery, TimelineItemOf<'delivery'>>
      eventType: Same<EventType, PublishedType>
      because: Same<Because, CloudEvent['data']['because']>
      change: Same<EventData<unknown>['change'], CloudEvent['data']['change']>
      envelope: Same<keyof TallyhookEvent, keyof CloudEvent>
      numbers: Same<
        Pick<TallyhookEvent, 'specversion' | 'sequence' | 'previousid' | 'partition' | 'datacontenttype'>,
        Pick<CloudEvent, 'specversion' | 'sequence' | 'previousid' | 'partition' | 'datacontenttype'>
      >
    } = {
      transfer: true,
      batch: true,
      coupon: true,
      collection: true,
      case: true,
      subscription: true,
      missed: true,
      created: true,
      rotated: true,
      newSubscription: true,
      subscriptionChange: true,
      newTransfer: true,
      newCoupon: true,
      tested: true,
      testEvent: true,
      delivery: true,
      eventDelivery: true,
      replay: true,
      replayRequest: true,
      head: true,
      timeline: true,
      timelineEvent: true,
      timelineReceipt: true,
      timelineCase: true,
      timelineDelivery: true,
      eventType: true,
      because: true,
      change: true,
      envelope: true,
      numbers: true,
    }
    assert.ok(Object.values(same).every(Boolean))
  })

  it('differ where a field is missing: the comparison is one', () => {
    const differ: [
      Same<{ a: string; b?: string }, { a: string }>,
      Same<{ a: 'x' }, { a: 'x' | 'y' }>,
      Same<{ a?: { b: number }[] }, { a?: { b: number; c?: number }[] }>,
    ] = [false, false, false]
    assert.ok(!differ.some(Boolean))
  })
})
