/**
 * Sends one event to one endpoint, once: signed as Standard Webhooks have it, by every secret that is live, so that a
 * subscriber may verify with either during a rotation. What came of it is an outcome and never a throw. Where it may go,
 * for how long and how much of the answer is read is the business of whoever posts (`outbound/post.ts`).
 */
import type { Sign } from './sign.ts'

/** The codes are stable: they stand in `/deliveries`, in events and in the log. */
export const deliveryErrors = [
  'timeout',
  'name-not-resolved',
  'connection-failed',
  /** It was connected, and ended before there was an answer. */
  'connection-lost',
  'tls-failed',
  /** The name, or the address, is not on the public internet, and `outbound.allow` does not have it. */
  'address-refused',
  /** Plain http without `outbound.http`. */
  'not-https',
  'url-invalid',
  'redirected',
  /** An answer, and neither 2xx nor a redirect. */
  'status',
  /** What came is not HTTP. */
  'answer-invalid',
] as const
export type DeliveryError = (typeof deliveryErrors)[number]

export interface Endpoint {
  url: string
  /** Opened, as `whsec_…`; the first is the current one. */
  secrets: readonly string[]
}

export interface Attempt {
  at: number
  /** Until the outcome was known. */
  tookMs: number
  status?: number
  error?: DeliveryError
  /** Of the body of an answer that was not a success: at most 256 characters. */
  excerpt?: string
}

export type Sent =
  | { outcome: 'taken'; attempt: Attempt }
  /** `gone`: it answered 410. `retryAfterMs`: what it asked for, however long that is. */
  | { outcome: 'failed'; attempt: Attempt; retryAfterMs?: number; gone?: true }
  /** The signal ended it; it may have arrived. */
  | { outcome: 'given-up' }

export type Send = (
  endpoint: Endpoint,
  event: { id: string; json: string },
  signal: AbortSignal,
) => Promise<Sent>

/** What is needed of whoever posts. */
export type Post = (
  request: { url: string; headers: Record<string, string>; body: string },
  signal: AbortSignal,
) => Promise<Posted>

export type Posted =
  | { outcome: 'answered'; status: number; retryAfterMs?: number; excerpt?: string }
  | { outcome: 'unanswered'; error: Exclude<DeliveryError, 'status' | 'redirected'> }
  | { outcome: 'given-up' }

export interface SendDeps {
  post: Post
  sign: Sign
  clock: () => number
  /** Of Tallyhook. */
  version: string
}

export function createSend({ post, sign, clock, version }: SendDeps): Send {
  const userAgent = `Tallyhook/${version}`

  return async ({ url, secrets }, { id, json }, signal) => {
    const at = clock()
    const headers = {
      'content-type': 'application/cloudevents+json; charset=utf-8',
      'user-agent': userAgent,
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at / 1000)),
      'webhook-signature': sign(secrets, { id, at, body: json }),
    }
    const posted = await post({ url, headers, body: json }, signal)
    if (posted.outcome === 'given-up') return posted
    return judge(posted, { at, tookMs: Math.max(clock() - at, 0) })
  }
}

function judge(posted: Exclude<Posted, { outcome: 'given-up' }>, when: { at: number; tookMs: number }): Sent {
  if (posted.outcome === 'unanswered') {
    return { outcome: 'failed', attempt: { ...when, error: posted.error } }
  }
  const { status, retryAfterMs, excerpt } = posted
  if (status >= 200 && status < 300) return { outcome: 'taken', attempt: { ...when, status } }
  const attempt: Attempt = {
    ...when,
    status,
    error: isRedirect(status) ? 'redirected' : 'status',
    ...(excerpt && { excerpt }),
  }
  return {
    outcome: 'failed',
    attempt,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(status === 410 && { gone: true as const }),
  }
}

function isRedirect(status: number): boolean {
  return status >= 300 && status < 400 && status !== 304
}
