/**
 * What `POST /v1/subscriptions/{id}/test` sends. It is in no log, so that it has neither a sequence nor a partition: nobody who
 * counts events counts it. Otherwise it is an event like any other, and is signed and sent as one.
 */
import { z } from 'zod'
import type { SubscriptionId } from '../domain/ids.ts'
import type { Subscription } from '../domain/subscription.ts'
import { formatTime } from '../domain/time.ts'
import { presentSubscription, subscriptionSchema } from './subscription-resource.ts'

export const testedEventType = 'tallyhook.subscription.tested.v1'

export const testedEventSchema = z.object({
  specversion: z.literal('1.0'),
  id: z.string(),
  source: z.literal('/subscriptions'),
  type: z.literal(testedEventType),
  subject: z.string(),
  time: z.string(),
  datacontenttype: z.literal('application/json'),
  data: z.object({
    object: subscriptionSchema,
    because: z.object({ source: z.literal('operator'), by: z.string() }),
  }),
})
export type TestedEvent = z.infer<typeof testedEventSchema>

export interface Tested {
  subscription: Omit<Subscription, 'secrets'>
  by: string
  at: number
  /** Of this one test: two of them are two events. */
  test: string
}

/** As it is sent: `Send` takes it. */
export function createTestedEvent({ subscription, by, at, test }: Tested): { id: string; json: string } {
  const event: TestedEvent = {
    specversion: '1.0',
    id: testedEventId(subscription.id, test),
    source: '/subscriptions',
    type: testedEventType,
    subject: subscription.id,
    time: formatTime(at),
    datacontenttype: 'application/json',
    data: { object: presentSubscription(subscription), because: { source: 'operator', by } },
  }
  return { id: event.id, json: JSON.stringify(event) }
}

function testedEventId(subscription: SubscriptionId, test: string): string {
  return `ev-${subscription}-test-${test}`
}
