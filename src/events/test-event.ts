/**
 * What `POST /v1/subscriptions/{id}/test` sends: an event as any other, but for what only the log gives. It is not in the
 * log, so it has no `sequence` and no `previousid`, and is of no partition: who counts what it gets must not count this.
 */
import { z } from 'zod'
import type { SubscriptionId } from '../domain/ids.ts'
import type { Subscription } from '../domain/subscription.ts'
import { formatTime } from '../domain/time.ts'
import { presentSubscription, subscriptionSchema } from './subscription-resource.ts'

export const testEventType = 'tallyhook.subscription.tested.v1'

export const testEventSchema = z.object({
  specversion: z.literal('1.0'),
  id: z.string(),
  source: z.literal('/subscriptions'),
  type: z.literal(testEventType),
  subject: z.string(),
  time: z.string(),
  datacontenttype: z.literal('application/json'),
  data: z.object({
    object: subscriptionSchema,
    because: z.object({ source: z.literal('operator'), by: z.string() }),
  }),
})
export type TestEvent = z.infer<typeof testEventSchema>

export interface TestRequest {
  /** Tells one test from the next. */
  id: string
  by: string
  at: number
}

export function makeTestEvent(
  subscription: Omit<Subscription, 'secrets'>,
  { id, by, at }: TestRequest,
): { id: string; json: string } {
  const event: TestEvent = {
    specversion: '1.0',
    id: testEventIdOf(subscription.id, id),
    source: '/subscriptions',
    type: testEventType,
    subject: subscription.id,
    time: formatTime(at),
    datacontenttype: 'application/json',
    data: { object: presentSubscription(subscription), because: { source: 'operator', by } },
  }
  return { id: event.id, json: JSON.stringify(event) }
}

function testEventIdOf(subscription: SubscriptionId, id: string): string {
  return `ev-${subscription}-test-${id}`
}
