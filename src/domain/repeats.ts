/**
 * Tells a callback that came again from one that says something new, by what an intent has heard before:
 *   identical  the same bytes
 *   re-sent    the same fact in other bytes: a new envelope, other timestamps, a name or number written otherwise
 *   mutated    the same identity, and another amount, currency, account or reference: never just a repeat
 */
import type { ReceiptId } from './ids.ts'
import type { Observation } from './observation.ts'

export const repeatClasses = ['identical', 're-sent', 'mutated'] as const
export type RepeatClass = (typeof repeatClasses)[number]

/** What an intent remembers of one receipt about it. */
export interface Heard {
  receipt: ReceiptId
  at: number
  /** Digests: of the body, of the fact, and of what identifies the fact. */
  body: string
  fact: string
  identity: string
  /** The answer to a question of ours: news whatever it says, and never a repeat. */
  asked?: true
}

export function classifyRepeat(
  heard: readonly Heard[],
  now: Heard,
  windowMs: number,
): RepeatClass | undefined {
  const earlier = heard.filter(
    (one) => one.receipt !== now.receipt && !one.asked && one.at >= now.at - windowMs,
  )
  if (now.asked) return undefined
  if (earlier.some(({ body }) => body === now.body)) return 'identical'
  if (earlier.some(({ fact }) => fact === now.fact)) return 're-sent'
  if (earlier.some(({ identity }) => identity === now.identity)) return 'mutated'
  return undefined
}

/**
 * The fact and its identity as texts, to be digested. Times, names and what explains a failure are not in them: providers
 * write those anew.
 * Amounts are in minor units and account numbers are digests of what is left without spaces and hyphens, so the form of a
 * number makes no difference.
 */
export function describeFact(observation: Observation): { identity: string; fact: string } {
  const { identity, rest } = describeParts(observation)
  return { identity: join(identity), fact: join([...identity, ...rest]) }
}

type Part = string | bigint | number | undefined

function describeParts(seen: Observation): { identity: Part[]; rest: Part[] } {
  switch (seen.kind) {
    case 'transfer':
      return {
        identity: [seen.kind, seen.status, seen.providerReference ?? seen.reference],
        rest: [seen.reference, seen.batch, seen.amount?.minor, seen.amount?.currency, seen.payee?.person],
      }
    case 'submission':
      return {
        identity: [seen.kind, seen.of, seen.status, seen.reference],
        rest: [
          seen.batch,
          seen.providerReference,
          seen.amount?.minor,
          seen.payee?.person,
          seen.failure?.code,
        ],
      }
    case 'batch': {
      const { figures = {} } = seen
      return {
        identity: [seen.kind, seen.status, seen.reference],
        rest: [
          seen.providerReference,
          seen.closeReason,
          figures.count,
          figures.amount?.minor,
          figures.succeededCount,
          figures.succeededAmount?.minor,
          figures.failedCount,
          figures.failedAmount?.minor,
        ],
      }
    }
    case 'coupon-grant':
      return { identity: [seen.kind, seen.status, seen.reference], rest: [seen.couponNumber] }
    case 'coupon-use':
      return {
        identity: [seen.kind, seen.couponNumber, seen.transaction],
        rest: [seen.stockId, seen.amount.minor, seen.amount.currency],
      }
    case 'collection':
      return {
        identity: [seen.kind, seen.transaction],
        rest: [seen.reference, seen.amount.minor, seen.amount.currency, seen.fee?.minor, seen.net?.minor],
      }
  }
}

/** Each behind its length, so that no two lists of parts give one text. */
function join(parts: readonly Part[]): string {
  return parts.map((part) => (part === undefined ? '-' : `${String(part).length}:${String(part)}`)).join(' ')
}
