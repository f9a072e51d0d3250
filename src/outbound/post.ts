/**
 * How events are pushed to places that others chose: many requests over connections that are kept. The same rules hold as for
 * all that we send (`fetch.ts`): the public internet over https unless the configuration says more, addresses checked when
 * they are connected to, redirects not followed, no proxy of the environment, time and size bounded as a whole. A push is
 * repeated at once in one case: over a connection that was kept, and that the other side closed before any answer came. It
 * nearly always did so without having read anything; where it had, the event comes twice, as any delivery may.
 */
import { AppError } from '../domain/errors.ts'
import { readRetryAfter } from './call-rules.ts'
import { createConnections } from './connections.ts'
import { createConnector, type Resolve, resolveBySystem } from './connector.ts'
import { toExcerpt } from './excerpt.ts'
import { createAddressCheck } from './networks.ts'
import { onAbort } from './on-abort.ts'
import { startPush } from './push.ts'
import type { PushAnswer } from './push-exchange.ts'
import { shareLookups } from './share-lookups.ts'
import { isProtocolAllowed, readTarget } from './target.ts'
import { type WhyUnanswered, whyUnanswered } from './why-unanswered.ts'

export interface PostOptions {
  /** Networks, as CIDR, that may be reached besides the public internet. */
  allow: readonly string[]
  /** Whether plain http may be used. */
  http: boolean
  /** From the call to the end of the answer, the look-up of the name and the wait for a connection included. */
  timeoutMs: number
  clock: () => number
  /** Beyond this the rest of an answer is not read. */
  bodyBytesMax?: number
  resolve?: Resolve
  /** Bounds of what is kept. */
  connections?: { perOriginMax?: number; idleMax?: number; idleMsMax?: number; ageMsMax?: number }
}

export interface PostRequest {
  url: string
  headers: Record<string, string>
  body: string
}

export type Posted =
  /** `excerpt`: of the body, where it was not a success. */
  | { outcome: 'answered'; status: number; retryAfterMs?: number; excerpt?: string }
  | { outcome: 'unanswered'; error: WhyUnanswered }
  /** The signal ended it, or all was closed; it may have arrived. */
  | { outcome: 'given-up' }

export interface Poster {
  post(request: PostRequest, signal: AbortSignal): Promise<Posted>
  /** Closes what is kept, and gives up whatever still goes on or comes later. */
  close(): void
}

const usualBodyBytesMax = 16 * 1024

interface Target {
  origin: string
  path: string
}

const targetsMax = 1_000

const givenUp = new Error('It was given up.')

export function createPoster(options: PostOptions): Poster {
  const { allow, http, timeoutMs, clock, resolve = resolveBySystem } = options
  const { bodyBytesMax = usualBodyBytesMax } = options
  const connect = createConnector({
    mayReach: createAddressCheck(allow),
    resolve: shareLookups(resolve),
    connectMsMax: timeoutMs,
  })
  const connections = createConnections({ connect, clock, ...options.connections })

  const targets = new Map<string, Target | WhyUnanswered>()
  /** The same URLs come again and again. */
  function targetOf(url: string): Target | WhyUnanswered {
    const known = targets.get(url)
    if (known) return known
    if (targets.size >= targetsMax) targets.clear()
    const target = readUrl(url, http)
    targets.set(url, target)
    return target
  }

  const closing = new AbortController()

  return {
    close() {
      // In this order: what is given up makes room, and nobody who waits may take it.
      connections.close()
      closing.abort()
    },

    post({ url, headers, body }, signal) {
      const target = targetOf(url)
      if (typeof target === 'string') return Promise.resolve({ outcome: 'unanswered', error: target })
      if (signal.aborted || closing.signal.aborted) return Promise.resolve({ outcome: 'given-up' })
      const request = {
        path: target.path,
        headers: { ...headers, 'accept-encoding': 'identity' },
        body,
      }
      return new Promise((settle) => {
        const leaves = [signal, closing.signal].map((one) => onAbort(one, () => end(givenUp)))
        const end = startPush(connections, target.origin, request, {
          bodyBytesMax,
          timeoutMs,
          onAnswer(answer) {
            for (const leave of leaves) leave()
            settle(describe(answer, clock()))
          },
        })
      })
    },
  }
}

function readUrl(address: string, http: boolean): Target | WhyUnanswered {
  try {
    const url = readTarget(address)
    if (!isProtocolAllowed(url, http)) return 'not-https'
    return { origin: url.origin, path: url.pathname + url.search }
  } catch (error) {
    if (error instanceof AppError) return 'url-invalid'
    throw error
  }
}

function describe(answer: PushAnswer, now: number): Posted {
  if (answer.outcome === 'unanswered') {
    if (answer.error === givenUp) return { outcome: 'given-up' }
    return { outcome: 'unanswered', error: whyUnanswered(answer.error, answer.sent) }
  }
  const { status, headers, start } = answer
  if (status < 300) return { outcome: 'answered', status }
  const { 'retry-after': retryAfter, 'content-encoding': encoding } = headers
  const retryAfterMs = readRetryAfter([retryAfter ?? []].flat()[0] ?? null, now)
  // Nothing but plain text was asked for; what is packed is not unpacked.
  const excerpt = encoding === undefined || encoding === 'identity' ? toExcerpt(start) : undefined
  return {
    outcome: 'answered',
    status,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(excerpt !== undefined && { excerpt }),
  }
}
