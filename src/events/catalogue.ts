/**
 * What we say to others: every type of event, with the schema of what it carries. A type is past tense and versioned;
 * a change that a reader could stumble over is a new version beside the old one.
 */
import { z } from 'zod'
import type { FactName } from '../domain/decision.ts'
import type { IntentKind } from '../domain/intent.ts'
import { subscriptionFacts } from '../domain/subscription.ts'
import { batchSchema } from './batch-resource.ts'
import { caseSchema } from './case-resource.ts'
import { collectionSchema } from './collection-resource.ts'
import { couponSchema } from './coupon-resource.ts'
import { subscriptionSchema } from './subscription-resource.ts'
import { transferSchema } from './transfer-resource.ts'

/** By what an event is about, the facts there are. */
export const factsByNoun = {
  transfer: [
    'registered',
    'requested',
    'submitted',
    'reserved',
    'sent',
    'unsent',
    'acknowledged',
    'overdue',
    'processing',
    'reported',
    'succeeded',
    'failed',
    'returned',
    'held',
    'released',
    'corrected',
    'cancelled',
    'expired',
  ],
  batch: [
    'registered',
    'requested',
    'submitted',
    'sent',
    'unsent',
    'refused',
    'overdue',
    'held',
    'released',
    'accepted',
    'processing',
    'reported',
    'grown',
    'finished',
    'closed',
    'amended',
    'drifted',
  ],
  coupon: [
    'registered',
    'requested',
    'submitted',
    'sent',
    'unsent',
    'overdue',
    'granted',
    'failed',
    'reported',
    'used',
    'held',
    'released',
    'corrected',
  ],
  collection: ['completed', 'reported', 'held', 'released', 'corrected'],
  case: ['opened', 'resolved'],
  subscription: subscriptionFacts,
} as const satisfies Record<IntentKind, readonly FactName[]> &
  Record<'case' | 'subscription', readonly string[]>

export type Noun = keyof typeof factsByNoun
export type EventType = { [N in Noun]: `tallyhook.${N}.${(typeof factsByNoun)[N][number]}.v1` }[Noun]

export function eventTypeOf(noun: Noun, fact: string): EventType {
  return `tallyhook.${noun}.${fact}.v1` as EventType
}

export const eventTypes: readonly EventType[] = Object.entries(factsByNoun).flatMap(([noun, facts]) =>
  facts.map((fact) => eventTypeOf(noun as Noun, fact)),
)

const factStateSchema = z.object({ state: z.string(), held: z.boolean() })

export const becauseSchema = z.object({
  source: z.enum([
    'registration',
    'callback',
    'query',
    'submission',
    'operator',
    'transfers',
    'audit',
    'watch',
    'deliveries',
  ]),
  receipt: z.string().optional(),
  reason: z.string().optional(),
  by: z.string().optional().meta({ description: 'Whose token it was.' }),
  warnings: z.array(z.string()).optional(),
})

export const eventDataSchema = z.object({
  object: z
    .union([transferSchema, batchSchema, couponSchema, collectionSchema, caseSchema, subscriptionSchema])
    .meta({ description: 'The resource as it stands after the change.' }),
  change: z.object({ from: factStateSchema.nullable(), to: factStateSchema }).optional(),
  because: becauseSchema,
})

/** CloudEvents 1.0 in JSON, with `sequence` (per subject, from 1, without gaps), `previousid` and `partition` as extensions. */
export const cloudEventSchema = z.object({
  specversion: z.literal('1.0'),
  id: z.string(),
  source: z
    .string()
    .meta({ description: '`/accounts/` and the account; `/subscriptions` of a subscription’s own.' }),
  type: z.enum(eventTypes as [EventType, ...EventType[]]),
  subject: z.string().meta({ description: 'The id of what it is about.' }),
  time: z.string().meta({ format: 'date-time' }),
  datacontenttype: z.literal('application/json'),
  sequence: z.number().int().meta({ description: 'Of its subject: from 1, without gaps.' }),
  previousid: z.string().optional().meta({ description: 'The event of its subject before it.' }),
  partition: z.number().int().meta({ description: 'Of the log: what `GET /v1/events/head` counts.' }),
  data: eventDataSchema,
})
export type CloudEvent = z.infer<typeof cloudEventSchema>

/** The types that one pattern of a caller means: a full type, or one that ends in `*`, as `tallyhook.transfer.*`. */
export function matchTypes(pattern: string): EventType[] {
  if (!pattern.endsWith('*')) return eventTypes.filter((type) => type === pattern)
  return eventTypes.filter((type) => type.startsWith(pattern.slice(0, -1)))
}
