/** What follows from an attempt: whether there is another, when, and what is believed in the end. Decisions alone. */
import type { CallRequest, Exchange } from '../providers/client.ts'
import type { CallNote } from './budget.ts'

export interface Attempt {
  exchange: Exchange
  /**
   * settled: an answer, for better or worse. stopped: our own choice, or the caller's.
   * not-sent: the network would not take it.
   */
  kind: 'settled' | 'stopped' | 'not-sent' | 'unknown' | 'broke' | 'too-many'
  retryAfterMs?: number | undefined
}

export const attemptsMax = 3
const pauseMs = 200
/** Who asks for more patience than this is asked again later, by whoever made the call. */
const retryAfterMsMax = 2_000
/** Of a 429 that says nothing of when. */
export const usualHoldMs = 1_000
const holdMsMax = 60_000

/** How long until the next attempt; undefined where there is none. `first`: how many were made. */
export function pauseAfter(
  attempt: Attempt,
  made: number,
  { repeatable, hosts }: { repeatable: boolean; hosts: number },
  random: () => number,
): number | undefined {
  const { kind, retryAfterMs = usualHoldMs } = attempt
  if (kind === 'settled' || kind === 'stopped' || made >= attemptsMax) return undefined
  // Nothing left, so that another host may be tried with whatever it is, once each.
  if (kind === 'not-sent' && made < hosts) return 0
  if (!repeatable) return undefined
  const jitter = pauseMs * 2 ** (made - 1) * (0.5 + random() / 2)
  if (kind !== 'too-many') return Math.round(jitter)
  return retryAfterMs > retryAfterMsMax ? undefined : Math.round(retryAfterMs + jitter)
}

const gravity: Record<Attempt['kind'], number> = {
  stopped: 0,
  'not-sent': 0,
  'too-many': 1,
  broke: 2,
  unknown: 3,
  settled: 4,
}

/**
 * What all attempts come to. A real answer is one about all of them, since they bore the same number. Without one, the gravest
 * counts: what may have arrived once is not unsent because its repeat was.
 */
export function gravest(one: Attempt | undefined, other: Attempt): Attempt {
  return one && gravity[one.kind] >= gravity[other.kind] ? one : other
}

export function kindOfStatus(status: number): Attempt['kind'] {
  if (status === 429) return 'too-many'
  return status >= 500 ? 'broke' : 'settled'
}

export function outcomeOfStatus(status: number): CallNote['outcome'] {
  if (status === 429) return '429'
  if (status >= 500) return '5xx'
  if (status >= 400) return '4xx'
  return status >= 300 ? '3xx' : '2xx'
}

export function holdAfter(retryAfterMs: number | undefined): number {
  return Math.min(retryAfterMs ?? usualHoldMs, holdMsMax)
}

/** Seconds, or a date. */
export function readRetryAfter(text: string | null, now: number): number | undefined {
  if (text === null) return undefined
  if (/^\d{1,6}$/.test(text.trim())) return Number(text) * 1000
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : Math.max(at - now, 0)
}

/** A process that slept must not wake up and pay. */
export function isTooLate({ notAfter }: Pick<CallRequest, 'notAfter'>, now: number): boolean {
  return notAfter !== undefined && now > notAfter
}
