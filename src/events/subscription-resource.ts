import { z } from 'zod'
import { disabledReasons, type Subscription } from '../domain/subscription.ts'
import { formatTime } from '../domain/time.ts'
import { encodeCursor } from './cursor.ts'
import { timeSchema } from './shared-resource.ts'

/** A stretch of the log that was not sent while it was disabled. */
export const missedSchema = z.object({
  /** Cursors, as `GET /v1/events` and a replay take them. */
  from: z.string(),
  until: z.string(),
  since: timeSchema,
  till: timeSchema,
})

export const subscriptionSchema = z.object({
  id: z.string(),
  url: z.string(),
  description: z.string().optional(),
  types: z.array(z.string()),
  accounts: z.array(z.string()),
  enabled: z.boolean(),
  disabled: z
    .object({
      because: z.enum(disabledReasons),
      at: timeSchema,
      by: z.string().optional(),
      reason: z.string().optional(),
    })
    .optional(),
  missed: z.array(missedSchema),
  createdAt: timeSchema,
  updatedAt: timeSchema,
  createdBy: z.string(),
  sequence: z.number().int(),
})
export type SubscriptionResource = z.infer<typeof subscriptionSchema>

export function presentSubscription(one: Omit<Subscription, 'secrets'>): SubscriptionResource {
  const { id, url, description, types, accounts, disabled, missed, createdBy, sequence } = one
  return {
    id,
    url,
    description,
    types: [...types],
    accounts: [...accounts],
    enabled: disabled === undefined,
    disabled: disabled && { ...disabled, at: formatTime(disabled.at) },
    missed: missed.map(({ from, until, since, till }) => ({
      from: encodeCursor([...from]),
      until: encodeCursor([...until]),
      since: formatTime(since),
      till: formatTime(till),
    })),
    createdAt: formatTime(one.createdAt),
    updatedAt: formatTime(one.updatedAt),
    createdBy,
    sequence,
  }
}
