/** When something is to be done again. */
import type { Intent } from '../../domain/intent.ts'

/** How patient an account is. */
export interface WatchTimes {
  /** After it was sent, or registered, and before the first question. */
  firstMs: number
  /** Between two questions at least. */
  everyMs: number
  overdueMs: number
  giveUpMs: number
}

export const minuteMs = 60_000
export const hourMs = 60 * minuteMs
export const dayMs = 24 * hourMs

/** Its batch tells of a transfer; by itself it is asked about when that takes so many times as long as between two questions. */
export const memberTimes = 15

/**
 * Since when something is waited for. What we send ourselves is waited for since it was sent; where it was taken back, as
 * nothing had left, since it was registered, or it would never be late. A transfer that goes with its batch says by its last
 * change when that was.
 */
export function sinceOf(intent: Intent): number {
  const { submission, state, createdAt, updatedAt } = intent
  if (submission) return submission.step === 'waiting' && state !== 'registered' ? createdAt : submission.at
  return intent.kind === 'transfer' && intent.batch && state !== 'registered' ? updatedAt : createdAt
}

/** Rarer with age, up to an hour; once a day where a person has been told. */
export function nextQuestion(since: number, now: number, { everyMs, giveUpMs }: WatchTimes): number {
  const age = now - since
  if (age >= giveUpMs) return now + Math.max(dayMs, everyMs)
  return now + Math.max(everyMs, Math.min(Math.round(age / 4), hourMs))
}

/** What could not be sent, and nobody says when it can. */
export function nextAttempt(intent: Pick<Intent, 'createdAt'>, now: number): number {
  const age = now - Math.min(intent.createdAt, now)
  return now + Math.min(Math.max(Math.round(age / 4), 5_000), minuteMs)
}

/** For so long a bank may send back what had arrived. */
export const returnsMs = 14 * dayMs

/** After it was finished, or since that something came back: rarer and rarer, daily at last. Undefined where it is enough. */
export function nextLookBack(since: number, now: number, { everyMs }: WatchTimes): number | undefined {
  const age = now - since
  return age >= returnsMs ? undefined : now + Math.max(everyMs, Math.min(age, dayMs))
}

/** The next of its deadlines that is still to come. */
export function nextDeadline(since: number, now: number, { overdueMs, giveUpMs }: WatchTimes): number {
  const next = [since + overdueMs, since + giveUpMs].filter((at) => at > now)
  return Math.min(now + dayMs, ...next)
}
