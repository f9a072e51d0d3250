/**
 * What we say to others: every type of event, with the schema of what it carries. A type is past tense and versioned;
 * a change that a reader could stumble over is a new version beside the old one.
 */
import { z } from 'zod'
import type { FactName } from '../domain/decide.ts'
import { transferStates } from '../domain/transfer.ts'
import { transferSchema } from './resource.ts'

export const eventTypes = {
  registered: 'tallyhook.transfer.registered.v1',
  processing: 'tallyhook.transfer.processing.v1',
  succeeded: 'tallyhook.transfer.succeeded.v1',
  failed: 'tallyhook.transfer.failed.v1',
  returned: 'tallyhook.transfer.returned.v1',
  held: 'tallyhook.transfer.held.v1',
} as const satisfies Record<FactName, string>
export type EventType = (typeof eventTypes)[FactName]

const factStateSchema = z.object({ state: z.enum(transferStates), held: z.boolean() })

export const eventDataSchema = z.object({
  /** The resource as it stands after the change. */
  object: transferSchema,
  change: z.object({ from: factStateSchema.nullable(), to: factStateSchema }),
  because: z.object({
    source: z.enum(['registration', 'callback', 'query', 'submission', 'operator']),
    receipt: z.string().optional(),
    reason: z.string().optional(),
  }),
})

/** CloudEvents 1.0 in JSON, with `sequence` (per subject, from 1, without gaps) and `previousid` as extensions. */
export const cloudEventSchema = z.object({
  specversion: z.literal('1.0'),
  id: z.string(),
  source: z.string(),
  type: z.enum(Object.values(eventTypes) as [EventType, ...EventType[]]),
  subject: z.string(),
  time: z.string(),
  datacontenttype: z.literal('application/json'),
  sequence: z.number().int(),
  previousid: z.string().optional(),
  data: eventDataSchema,
})
export type CloudEvent = z.infer<typeof cloudEventSchema>

/** The types that one pattern of a caller means: a full type, or one that ends in `*`, as `tallyhook.transfer.*`. */
export function matchTypes(pattern: string): EventType[] {
  const all = Object.values(eventTypes)
  if (!pattern.endsWith('*')) return all.filter((type) => type === pattern)
  return all.filter((type) => type.startsWith(pattern.slice(0, -1)))
}
