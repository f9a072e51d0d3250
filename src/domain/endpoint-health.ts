/**
 * How an endpoint fares, and its circuit breaker: after some failures in a row nothing is sent to it for a while, then one
 * event to see; one success closes it again. One intent alone cannot open it, since what is wrong may be wrong with that
 * one; that no connection can be made says enough.
 */
import type { Attempt } from './delivery.ts'

export interface EndpointHealth {
  /** In a row. */
  failures: number
  /** Of the first of them. */
  failingSince?: number
  /** What they were about: two are enough to know that it is not one alone. */
  subjects: readonly string[]
  /** One of them came to no connection at all. */
  unreachable?: true
  /** Set while the breaker is open. When it is over, one may try. */
  openUntil?: number
  /** How often in a row it was opened. */
  opened: number
  /** Somebody tries; until then nobody else does. */
  probeUntil?: number
  /** Noted now and then, and not for each success. */
  lastSuccessAt?: number
  lastFailure?: Attempt
}

export type HealthNews =
  | { news: 'taken'; at: number }
  | { news: 'failed'; at: number; subject: string; attempt: Attempt; retryAfterMs?: number | undefined }

export type HealthChange = 'opened' | 'closed' | undefined

export const openAfterFailures = 10
const openMsFirst = 5_000
const openMsMax = 5 * 60_000
const retryAfterMsMax = 60 * 60_000
const jitter = 0.2
/** A success is noted so often where nothing else has changed. */
export const successNotedMs = 10_000

/** Errors after which nothing was sent. */
const unreachableErrors = new Set([
  'name-not-resolved',
  'connection-failed',
  'tls-failed',
  'address-refused',
  'not-https',
  'url-invalid',
])

export const healthy: EndpointHealth = { failures: 0, subjects: [], opened: 0 }

export type BreakerState = 'closed' | 'open' | 'half-open'

export function breakerAt({ openUntil, probeUntil }: EndpointHealth, at: number): BreakerState {
  if (openUntil === undefined) return 'closed'
  if (at < openUntil || (probeUntil !== undefined && at < probeUntil)) return 'open'
  return 'half-open'
}

/** Somebody asked for an attempt though the breaker is open: one event may go to see. Undefined where none is kept back. */
export function tryNow(before: EndpointHealth, at: number): EndpointHealth | undefined {
  const { openUntil } = before
  return openUntil !== undefined && at < openUntil ? { ...before, openUntil: at } : undefined
}

/** What the news changes; undefined where it is not worth a write. */
export function heed(
  before: EndpointHealth,
  news: HealthNews,
  random: () => number,
): { after: EndpointHealth; change: HealthChange } | undefined {
  return news.news === 'taken' ? heedSuccess(before, news.at) : heedFailure(before, news, random)
}

function heedSuccess(before: EndpointHealth, at: number) {
  const known = before.lastSuccessAt !== undefined && at - before.lastSuccessAt < successNotedMs
  if (known && before.failures === 0 && before.openUntil === undefined) return undefined
  const change: HealthChange = before.openUntil === undefined ? undefined : 'closed'
  const { lastFailure } = before
  return { after: { ...healthy, lastSuccessAt: at, ...(lastFailure && { lastFailure }) }, change }
}

function heedFailure(
  before: EndpointHealth,
  { at, subject, attempt, retryAfterMs }: Extract<HealthNews, { news: 'failed' }>,
  random: () => number,
): { after: EndpointHealth; change: HealthChange } {
  const subjects = before.subjects.includes(subject)
    ? before.subjects
    : [...before.subjects, subject].slice(0, 2)
  const { probeUntil: _, ...rest } = before
  const after: EndpointHealth = {
    ...rest,
    failures: before.failures + 1,
    failingSince: before.failingSince ?? at,
    subjects,
    lastFailure: attempt,
    ...(unreachableErrors.has(attempt.error ?? '') && { unreachable: true as const }),
  }
  const asked = askedToWait(attempt, retryAfterMs)
  if (asked !== undefined) return open(after, Math.max(at + asked, before.openUntil ?? 0), before)
  const tried = before.openUntil !== undefined && at >= before.openUntil
  if (!tried && (before.openUntil !== undefined || !failsThroughout(after))) return keep(after, before)
  const fullMs = Math.min(openMsFirst * 2 ** Math.min(before.opened, 20), openMsMax)
  return open({ ...after, opened: before.opened + 1 }, at + spread(fullMs, random), before)
}

/** What was sent before it was opened says nothing of who tries now. */
function keep(after: EndpointHealth, { probeUntil }: EndpointHealth) {
  return { after: probeUntil === undefined ? after : { ...after, probeUntil }, change: undefined }
}

function open(after: EndpointHealth, openUntil: number, before: EndpointHealth) {
  const change: HealthChange = before.openUntil === undefined ? 'opened' : undefined
  return { after: { ...after, openUntil: Math.round(openUntil) }, change }
}

/** It is not one intent alone that fails. */
function failsThroughout({ failures, subjects, unreachable }: EndpointHealth): boolean {
  return failures >= openAfterFailures && (subjects.length > 1 || unreachable === true)
}

function askedToWait({ status }: Attempt, retryAfterMs: number | undefined): number | undefined {
  if (retryAfterMs === undefined || retryAfterMs <= 0) return undefined
  return status === 429 || status === 503 ? Math.min(retryAfterMs, retryAfterMsMax) : undefined
}

/** It has taken nothing for so long that it is disabled. */
export function isGivenUp(health: EndpointHealth, at: number, disableAfterMs: number): boolean {
  if (health.failingSince === undefined || !failsThroughout(health)) return false
  return at - Math.max(health.failingSince, health.lastSuccessAt ?? 0) >= disableAfterMs
}

/** So that what failed together does not come back together. */
export function spread(ms: number, random: () => number): number {
  return Math.round(ms * (1 - jitter + 2 * jitter * random()))
}
