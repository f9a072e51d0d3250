/** When what failed is tried again: soon at first, then twice a day, until it is given up. */
import { spread } from '../../domain/endpoint-health.ts'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute

/** After the first failure, the second, …; the last stands for all that follow. */
const delaysMs = [
  5 * second,
  30 * second,
  2 * minute,
  10 * minute,
  30 * minute,
  hour,
  2 * hour,
  4 * hour,
  8 * hour,
  12 * hour,
]

export interface RetryTerms {
  /** Since the first failure. */
  retryMs: number
  random: () => number
}

export interface Failure {
  at: number
  firstAt: number
  /** This one with it. */
  attempts: number
  retryAfterMs?: number | undefined
}

/** Undefined: it is given up. What would come after the end is tried once more at the end. */
export function nextTryAt(
  { at, firstAt, attempts, retryAfterMs = 0 }: Failure,
  { retryMs, random }: RetryTerms,
): number | undefined {
  const end = firstAt + retryMs
  if (at >= end) return undefined
  const delayMs = delaysMs[Math.min(attempts, delaysMs.length) - 1] ?? 12 * hour
  return Math.min(at + Math.max(spread(delayMs, random), retryAfterMs), Math.max(end, at + second))
}
