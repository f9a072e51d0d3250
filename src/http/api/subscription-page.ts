/** Subscriptions, oldest first, page by page. They are few, so a page is cut from the whole list. */
import { z } from 'zod'
import type { Subscription } from '../../domain/subscription.ts'
import { wholeNumber } from './validate.ts'

const timeDigits = 14
const placePattern = /^\d{14}\.su-[0-9a-z]{26}$/

export const subscriptionPageSchema = z.strictObject({
  after: z.string().regex(placePattern, 'It is not `next` of an earlier answer.').optional(),
  limit: wholeNumber(1, 1000).optional(),
})

/** `subscriptions` in the order of their creation. What was deleted meanwhile leaves no gap. */
export function pageOfSubscriptions(
  subscriptions: readonly Subscription[],
  after: string | undefined,
  limit: number,
): { items: Subscription[]; next: string | null } {
  const rest = subscriptions.filter((one) => after === undefined || placeOf(one) > after)
  const items = rest.slice(0, limit)
  const last = items.at(-1)
  return { items, next: last && rest.length > limit ? placeOf(last) : null }
}

function placeOf({ id, createdAt }: Subscription): string {
  return `${String(createdAt).padStart(timeDigits, '0')}.${id}`
}
