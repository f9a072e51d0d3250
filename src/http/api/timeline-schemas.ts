/** A timeline as the API shows it. */
import { z } from 'zod'
import { factNames } from '../../domain/decision.ts'
import { deliveryOutcomes } from '../../domain/delivery.ts'
import { holdReasons } from '../../domain/intent.ts'
import { receiptOutcomes } from '../../domain/receipt.ts'
import { caseSchema } from '../../events/case-resource.ts'
import { becauseSchema, cloudEventSchema, eventDataSchema } from '../../events/catalogue.ts'
import { sideSchema } from './side-schemas.ts'

const at = z.string().meta({ format: 'date-time' })

const shownEventSchema = z.object({
  at,
  kind: z.literal('event'),
  id: z.string(),
  type: cloudEventSchema.shape.type,
  name: z.enum(factNames),
  sequence: z.number().int(),
  change: eventDataSchema.shape.change.unwrap(),
  because: becauseSchema,
  hold: z.enum(holdReasons).optional().meta({ description: 'Of `held`: why.' }),
})

const shownReceiptSchema = z.object({
  at,
  kind: z.enum(['callback', 'query', 'submission']),
  receipt: z.string(),
  receivedAt: z.string().meta({ format: 'date-time' }),
  outcome: z.enum(receiptOutcomes),
  decidedOn: z.number().int().meta({ description: 'The sequence that it was decided on.' }),
  unverified: z.literal(true).optional(),
  asked: z
    .object({ call: z.string(), status: z.number().int(), again: z.literal(true).optional() })
    .optional()
    .meta({ description: 'Of an answer: the call that it answers.' }),
  said: sideSchema.optional().meta({ description: 'What it said; for tokens with `ops:read`.' }),
})

const shownCaseSchema = z.object({ at, kind: z.literal('case'), case: caseSchema })

const shownDeliverySchema = z.object({
  at,
  kind: z.literal('delivery'),
  subscription: z.string(),
  event: z.string(),
  outcome: z.enum(deliveryOutcomes),
  attempt: z.number().int().meta({ description: 'Which it was; 0 where none was made.' }),
  status: z.number().int().optional().meta({ description: 'Of the answer.' }),
  error: z.string().optional().meta({ description: 'A stable code, where it failed.' }),
})

export const timelineSchema = z.object({
  id: z.string(),
  state: z.string(),
  held: z.boolean(),
  items: z
    .array(z.union([shownEventSchema, shownReceiptSchema, shownCaseSchema, shownDeliverySchema]))
    .meta({ description: 'Oldest first.' }),
  missing: z
    .object({ events: z.number().int(), receipts: z.number().int() })
    .meta({ description: 'How many are older, or cannot be found any more.' }),
})
export type TimelineResource = z.infer<typeof timelineSchema>
