/** A subscription as the API shows it: the resource of its events, with how its endpoint fares. Never its secrets. */
import { z } from 'zod'
import type { Subscription } from '../../domain/subscription.ts'
import { formatTime } from '../../domain/time.ts'
import { timeSchema } from '../../events/shared-resource.ts'
import { presentSubscription, subscriptionSchema } from '../../events/subscription-resource.ts'

/** As it is kept; times in milliseconds. */
export interface EndpointHealth {
  failures: number
  failingSince?: number | undefined
  openUntil?: number | undefined
  lastSuccessAt?: number | undefined
  lastFailure?: { at: number; status?: number | undefined; error?: string | undefined } | undefined
}

/** `open`: nothing is sent until then, so that it can come to itself. */
export const healthSchema = z.object({
  state: z.enum(['ok', 'failing', 'open']),
  /** In a row. */
  failures: z.number().int(),
  failingSince: timeSchema.optional(),
  openUntil: timeSchema.optional(),
  lastSuccessAt: timeSchema.optional(),
  lastFailure: z
    .object({ at: timeSchema, status: z.number().int().optional(), error: z.string().optional() })
    .optional(),
})

/** `health` is missing where nothing was sent yet. */
export const shownSubscriptionSchema = subscriptionSchema.extend({ health: healthSchema.optional() })
export const createdSubscriptionSchema = shownSubscriptionSchema.extend({ secret: z.string() })
/** `overlapUntil`: until then the secrets before it sign too; missing where there is no overlap. */
export const rotatedSubscriptionSchema = createdSubscriptionSchema.extend({
  overlapUntil: timeSchema.optional(),
})
export const subscriptionListSchema = z.object({
  items: z.array(shownSubscriptionSchema),
  next: z.string().nullable(),
})
export const testedSchema = z.object({
  delivered: z.boolean(),
  status: z.number().int().optional(),
  error: z.string().optional(),
  latencyMs: z.number().int(),
  excerpt: z.string().optional(),
})

export type ShownSubscription = z.infer<typeof shownSubscriptionSchema>

export function showSubscription(
  subscription: Subscription,
  health: EndpointHealth | undefined,
  now: number,
): ShownSubscription {
  const { secrets: _, ...rest } = subscription
  return { ...presentSubscription(rest), ...(health && { health: showHealth(health, now) }) }
}

function showHealth(health: EndpointHealth, now: number): z.infer<typeof healthSchema> {
  const { failures, failingSince, openUntil, lastSuccessAt, lastFailure } = health
  const isOpen = openUntil !== undefined && openUntil > now
  return {
    state: isOpen ? 'open' : failingSince === undefined ? 'ok' : 'failing',
    failures,
    failingSince: formatMaybe(failingSince),
    openUntil: isOpen ? formatTime(openUntil) : undefined,
    lastSuccessAt: formatMaybe(lastSuccessAt),
    lastFailure: lastFailure && {
      at: formatTime(lastFailure.at),
      status: lastFailure.status,
      error: lastFailure.error,
    },
  }
}

function formatMaybe(at: number | undefined): string | undefined {
  return at === undefined ? undefined : formatTime(at)
}
