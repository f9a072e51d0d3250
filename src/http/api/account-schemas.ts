/** Accounts as an operator sees them. */
import { z } from 'zod'
import { repeatClasses } from '../../domain/repeats.ts'
import { delayClasses } from '../../store/delay-counts.ts'
import { breakerStates } from '../../telemetry/metrics.ts'

export const pauseSchema = z.object({
  paused: z.boolean(),
  byConfiguration: z.boolean(),
  byOperator: z.object({ by: z.string(), reason: z.string(), at: z.string() }).nullable(),
})

export const pausedAccountSchema = z.object({ account: z.string(), submissions: pauseSchema })

export const accountSchema = z.object({
  account: z.string(),
  provider: z.string(),
  currency: z.string(),
  submissions: pauseSchema,
  lastCallbackAt: z.string().nullable(),
  pending: z.object({ count: z.number().int(), overdue: z.number().int(), overdueShare: z.number() }),
  /** Null where its provider cannot be called. */
  breaker: z
    .object({ state: z.enum(breakerStates), failures: z.number().int(), retryAt: z.string().nullable() })
    .nullable(),
})
export type AccountResource = z.infer<typeof accountSchema>

const limitSchema = z.object({
  bucket: z.string(),
  count: z.number(),
  perMs: z.number(),
  /** How many calls may be made at this moment without a wait. */
  free: z.number(),
  nextFreeInMs: z.number(),
})

const balanceSchema = z.object({
  available: z.string(),
  reserved: z.string().optional(),
  outstanding: z.string().optional(),
  currency: z.string(),
  askedAt: z.string(),
})

export const accountHealthSchema = accountSchema.extend({
  limits: z.array(limitSchema),
  /** How long it took until a callback settled something, counted by class: each up to its time. */
  timeToCallback: z.record(z.enum(delayClasses), z.number().int()),
  balance: balanceSchema.nullable(),
  balanceMissing: z.enum(['not-offered', 'no-answer']).nullable(),
})
export type AccountHealthResource = z.infer<typeof accountHealthSchema>

export const keySchema = z.object({
  keyId: z.string(),
  configured: z.boolean(),
  count: z.number().int(),
  /** Null: it has verified nothing since the counting began. */
  lastUsedAt: z.string().nullable(),
})

export const accountKeysSchema = z.object({
  account: z.string(),
  keys: z.array(keySchema),
  refusals: z.array(z.object({ reason: z.string(), count: z.number().int(), lastAt: z.string() })),
})

export const accountRepeatsSchema = z.object({
  account: z.string(),
  repeats: z.record(z.enum(repeatClasses), z.number().int()),
})
