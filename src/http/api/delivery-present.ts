/** What was tried for a subscription, and what is sent again, as the API shows them. */
import { z } from 'zod'
import { type Attempt, deliveryOutcomes } from '../../domain/delivery.ts'
import type { RunId } from '../../domain/ids.ts'
import { formatTime } from '../../domain/time.ts'
import { timeSchema } from '../../events/shared-resource.ts'
import type { NotedDelivery } from '../../store/codec/deliveries.ts'
import { deliveryStatuses, type FoundDelivery } from '../../store/find-delivery.ts'
import type { WaitingDelivery } from '../../store/waiting-deliveries.ts'

const requestFields = {
  /** When the request was made; of what was passed over without one, when that was noted. */
  at: timeSchema.optional(),
  latencyMs: z.number().int().optional(),
  response: z
    .object({
      status: z.number().int(),
      excerpt: z.string().optional().meta({ description: 'The beginning of an answer that was no success.' }),
    })
    .optional(),
  error: z.string().optional().meta({ description: 'A stable code, where it failed.' }),
}

const replayField = z
  .string()
  .optional()
  .meta({ description: 'Missing where it was not sent by a replay, or by one that is known no more.' })

export const deliverySchema = z.object({
  event: z.string(),
  type: z.string(),
  subject: z.string(),
  status: z.enum(['delivered', 'failed', 'skipped', 'failing', 'waiting']).meta({
    description:
      'Of an attempt: delivered, failed (it is or was tried again) or skipped (it was given up). Of what is not delivered yet: failing (it was tried) or waiting (another event of its subject comes before it).',
  }),
  attempt: z.number().int().meta({ description: 'Which it was; 0 where none was made.' }),
  replay: replayField,
  ...requestFields,
  nextAttemptAt: timeSchema.optional(),
})
export type DeliveryResource = z.infer<typeof deliverySchema>

export const eventDeliverySchema = z.object({
  event: z.string(),
  type: z.string(),
  subject: z.string(),
  status: z.enum(deliveryStatuses),
  nextAttemptAt: timeSchema.optional(),
  attempts: z
    .array(
      z.object({
        number: z.number().int(),
        outcome: z.enum(deliveryOutcomes),
        replay: replayField,
        ...requestFields,
      }),
    )
    .meta({ description: 'All that are known, oldest first.' }),
})
export type EventDeliveryResource = z.infer<typeof eventDeliverySchema>

export type KnownReplays = ReadonlySet<RunId>

/** `replays`: those that one can look at. */
export function presentNote(note: NotedDelivery, replays: KnownReplays): DeliveryResource {
  const { event, type, subject, outcome, number, run, attempt, at } = note
  return {
    event,
    type,
    subject,
    status: outcome,
    attempt: number,
    replay: replayOf(run, replays),
    ...presentAttempt(attempt, at),
  }
}

/** `heldUntil`: nothing is sent to the endpoint before. */
export function presentWaiting(one: WaitingDelivery, replays: KnownReplays, heldUntil = 0): DeliveryResource {
  const { event, subject, status, line, run } = one
  const failing = status === 'failing'
  return {
    event: event.id,
    type: event.type,
    subject,
    status,
    attempt: failing ? line.attempts : 0,
    replay: replayOf(run, replays),
    ...(failing && line.last && presentAttempt(line.last, line.last.at)),
    nextAttemptAt: formatTime(Math.max(line.nextAt, heldUntil)),
  }
}

export function presentFound(
  found: FoundDelivery,
  replays: KnownReplays,
  heldUntil = 0,
): EventDeliveryResource {
  const { event, type, subject, status, waiting, attempts } = found
  return {
    event,
    type,
    subject,
    status,
    nextAttemptAt: waiting && formatTime(Math.max(waiting.line.nextAt, heldUntil)),
    attempts: attempts.map(({ number, outcome, run, attempt, at }) => ({
      number,
      outcome,
      replay: replayOf(run, replays),
      ...presentAttempt(attempt, at),
    })),
  }
}

/** The run that follows the log is none, nor is one that did; and the id of one that is forgotten leads nowhere. */
function replayOf(run: RunId, replays: KnownReplays): string | undefined {
  return replays.has(run) ? run : undefined
}

function presentAttempt(attempt: Attempt | undefined, at: number) {
  if (!attempt) return { at: formatTime(at) }
  const { tookMs, status, error, excerpt } = attempt
  return {
    at: formatTime(attempt.at),
    latencyMs: Math.round(tookMs),
    response: status === undefined ? undefined : { status, excerpt },
    error,
  }
}
