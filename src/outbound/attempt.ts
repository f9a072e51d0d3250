/** One attempt of a call at one host: within the limits, in time, and certain of whether anything left. */
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../domain/errors.ts'
import type { CallRequest, Exchange, RateLimit } from '../providers/client.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { CallBudget, CallNote, Permit } from './budget.ts'
import {
  type Attempt,
  holdAfter,
  isTooLate,
  kindOfStatus,
  outcomeOfStatus,
  readRetryAfter,
} from './call-rules.ts'
import type { OutboundFetch } from './fetch.ts'

export interface AttemptDeps {
  account: string
  limits: readonly RateLimit[]
  timeoutMs: number
  budget: CallBudget
  clock: () => number
  logger: Logger
}

/** A limit that is not free within this is not waited for. */
const waitMsMax = 200
/** Beside what the request takes: our own waits and writes. */
const aroundMsMax = 5_000
const redisRetryMs = 1_000

export type TryAt = (
  host: string,
  fetch: OutboundFetch,
  request: CallRequest,
  patience: Patience,
) => Promise<Attempt>

export interface Patience {
  signal: AbortSignal
  /** It was the caller who ended it, and not our own time. */
  givenUp(): boolean
}

export function createAttempt({ account, limits, timeoutMs, budget, clock, logger }: AttemptDeps): TryAt {
  return async (host, fetch, request, patience) => {
    // Before a turn is taken that would be lost.
    if (isTooLate(request, clock())) return tooLate()
    const { bucket, repeatable } = request
    const permit = await takeTurn({ bucket, mayProbe: repeatable })
    if ('exchange' in permit) return permit
    const startedAt = clock() + permit.waitMs
    const { attempt, note } = await sendAt(host, fetch, request, { ...patience, waitMs: permit.waitMs })
    const durationMs = Math.max(clock() - startedAt, 0)
    await keepNote({ ...note, account, bucket, durationMs, probe: permit.probe })
    return attempt
  }

  async function takeTurn(asked: {
    bucket: string
    mayProbe: boolean
  }): Promise<Attempt | Extract<Permit, { outcome: 'granted' }>> {
    const mine = limits.filter(({ bucket }) => bucket === asked.bucket || bucket === anyBucket)
    const probeMs = timeoutMs + aroundMsMax
    try {
      const permit = await budget.take({ ...asked, account, limits: mine, waitMsMax, probeMs })
      if (permit.outcome === 'granted') return permit
      return stopped(refusals[permit.outcome], permit.retryInMs)
    } catch (error) {
      // Without those who count, the limits of the other processes cannot be kept.
      logger.warn('calls.not-counted', { account, error })
      return stopped('Redis does not answer, and without it nothing is called.', redisRetryMs)
    }
  }

  async function sendAt(
    host: string,
    fetch: OutboundFetch,
    request: CallRequest,
    { signal, givenUp, waitMs }: Patience & { waitMs: number },
  ): Promise<{ attempt: Attempt; note: Pick<CallNote, 'outcome' | 'health' | 'holdMs'> }> {
    let sent = false
    let late = false
    const onSend = () => {
      late = isTooLate(request, clock())
      if (late) throw new Error('It is too late to send it.')
      sent = true
    }
    if (!(await waited(waitMs, signal))) return explain(signal.reason, { sent, givenUp: true })
    const { method, body } = request
    // A fault of the client's own, as a key that does not sign, is thrown and says nothing of the provider.
    const headers = request.headers()
    try {
      const init = { method, headers, signal, onSend, ...(body !== undefined && { body }) }
      const answer = await fetch(host + request.path, init)
      return readAnswer(answer, Buffer.from(await answer.arrayBuffer()), clock())
    } catch (error) {
      if (late) return { attempt: tooLate(), note: { outcome: 'unsent', health: 'none' } }
      return explain(error, { sent, givenUp: givenUp() })
    }
  }

  /** The call was made, whether it can be counted or not. */
  async function keepNote(note: CallNote): Promise<void> {
    const { bucket, outcome, durationMs } = note
    logger.debug('call.ended', { account, call: bucket, outcome, durationMs })
    try {
      const moved = await budget.note(note)
      if (moved === 'opened') logger.warn('calls.stopped', { account })
      if (moved === 'closed') logger.info('calls.resumed', { account })
    } catch (error) {
      logger.warn('calls.not-counted', { account, error })
    }
  }
}

/** False: the signal ended it. */
export async function waited(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false
  try {
    if (ms > 0) await sleep(ms, undefined, { signal })
    return true
  } catch {
    return false
  }
}

/** A limit on whatever is called. */
export const anyBucket = '*'

const refusals = {
  limited: 'The rate limit leaves no room for it now.',
  open: 'The provider kept failing, and is left alone for a while.',
}

function stopped(because: string, retryInMs?: number): Attempt {
  const exchange: Exchange = {
    outcome: 'unsent',
    because,
    ...(retryInMs !== undefined && { retryInMs }),
  }
  return { exchange, kind: 'stopped' }
}

function tooLate(): Attempt {
  return stopped('It is too late to send it.')
}

function readAnswer(answer: Response, body: Buffer, now: number) {
  const { status, headers } = answer
  const retryAfterMs = readRetryAfter(headers.get('retry-after'), now)
  const exchange: Exchange = {
    outcome: 'answered',
    status,
    header: (name) => headers.get(name) ?? undefined,
    body,
  }
  const attempt: Attempt = { exchange, kind: kindOfStatus(status), retryAfterMs }
  const note = {
    outcome: outcomeOfStatus(status),
    health: status >= 500 ? ('bad' as const) : ('good' as const),
    holdMs: status === 429 ? holdAfter(retryAfterMs) : undefined,
  }
  return { attempt, note }
}

function explain(error: unknown, { sent, givenUp }: { sent: boolean; givenUp: boolean }) {
  const because = describe(error)
  if (sent) {
    const exchange: Exchange = { outcome: 'unknown', because }
    // Whoever gave up says nothing about the provider.
    const health = givenUp ? ('none' as const) : ('bad' as const)
    return { attempt: { exchange, kind: 'unknown' as const }, note: { outcome: 'unknown' as const, health } }
  }
  if (givenUp)
    return {
      attempt: stopped('The caller gave up before it was sent.'),
      note: { outcome: 'unsent' as const, health: 'none' as const },
    }
  const exchange: Exchange = { outcome: 'unsent', because }
  return {
    attempt: { exchange, kind: 'not-sent' as const },
    note: { outcome: 'unsent' as const, health: 'bad' as const },
  }
}

/** The host and the network's own code; never a path or a body. */
function describe(error: unknown): string {
  const detail = error instanceof AppError ? error.detail : 'The request could not be made.'
  const cause = error instanceof Error ? error.cause : undefined
  const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : ''
  return `${detail}${code}`
}
