/**
 * The limits of each account's calls and its breaker, for all processes together. A tenth of a limit may be used at once and
 * the rest is spaced, so that no stretch of its length ever holds more than its count.
 *
 * Calls are counted in the same steps: a process that has no listener is seen in them like any other.
 */
import { randomUUID } from 'node:crypto'
import type { RedisClient } from '../redis/client.ts'
import { type CallCounts, classOfDuration, readCallCounts } from './call-counts.ts'
import type { Keys } from './keys.ts'
import type { Scripts } from './scripts.ts'

export interface CallLimit {
  bucket: string
  count: number
  perMs: number
}

export interface CallLimitsDeps {
  redis: RedisClient
  scripts: Pick<Scripts, 'takeCall' | 'noteCall'>
  keys: Pick<Keys, 'calls' | 'callCounts'>
  breaker?: BreakerSettings
}

export interface BreakerSettings {
  /** In a row. */
  failuresMax: number
  openMs: number
  openMsMax: number
  /** For how long the trying is left to those who do no harm by it. */
  graceMs: number
}

const usualBreaker: BreakerSettings = { failuresMax: 5, openMs: 5_000, openMsMax: 120_000, graceMs: 10_000 }

/** However long a provider asks us to hold back. */
const holdMsMax = 60_000

export interface TurnPlan {
  account: string
  bucket: string
  limits: readonly CallLimit[]
  mayProbe: boolean
  waitMsMax: number
  probeMs: number
}

export type Turn =
  | { outcome: 'granted'; waitMs: number; probe?: string | undefined }
  | { outcome: 'limited' | 'open'; retryInMs: number }

export interface CallResultNote {
  account: string
  bucket: string
  outcome: string
  health: 'good' | 'bad' | 'none'
  durationMs: number
  probe?: string | undefined
  holdMs?: number | undefined
}

export interface Breaker {
  state: 'closed' | 'open' | 'half-open'
  /** In a row. */
  failures: number
  /** Not closed: from when on one call may try. */
  retryAt?: number
}

export interface LimitState extends CallLimit {
  /** How many calls may be made at this moment without a wait. */
  free: number
  nextFreeInMs: number
}

export interface CallState {
  breaker: Breaker
  limits: LimitState[]
}

export interface CallLimits {
  take(plan: TurnPlan): Promise<Turn>
  note(note: CallResultNote): Promise<'opened' | 'closed' | 'same'>
  stateOf(account: string, limits: readonly CallLimit[]): Promise<CallState>
  countsOf(account: string): Promise<CallCounts>
}

export function createCallLimits({
  redis,
  scripts,
  keys,
  breaker = usualBreaker,
}: CallLimitsDeps): CallLimits {
  const keysOf = (account: string): [string, string] => [keys.calls(account), keys.callCounts(account)]
  return {
    async take({ account, bucket, limits, mayProbe, waitMsMax, probeMs }) {
      const probe = randomUUID()
      const [outcome, ms] = await scripts.takeCall(keysOf(account), [
        bucket,
        mayProbe ? '1' : '0',
        String(waitMsMax * 1000),
        String(probeMs),
        probe,
        String(breaker.graceMs),
        String(breaker.openMsMax),
        String(holdMsMax),
        ...limits.flatMap(limitArgs),
      ])
      if (outcome === 'limited' || outcome === 'open') return { outcome, retryInMs: ms }
      return { outcome: 'granted', waitMs: ms, ...(outcome === 'probe' && { probe }) }
    },

    async note({ account, bucket, outcome, health, durationMs, probe = '', holdMs = 0 }) {
      const moved = await scripts.noteCall(keysOf(account), [
        bucket,
        outcome,
        health,
        probe,
        String(Math.round(durationMs)),
        classOfDuration(durationMs),
        String(breaker.failuresMax),
        String(breaker.openMs),
        String(breaker.openMsMax),
        String(Math.round(Math.min(holdMs, holdMsMax))),
        String(holdMsMax),
      ])
      return moved === 'opened' || moved === 'closed' ? moved : 'same'
    },

    async stateOf(account, limits) {
      const [fields, [seconds, micros]] = await Promise.all([
        redis.hgetall(keys.calls(account)),
        redis.time(),
      ])
      const nowUs = Number(seconds) * 1_000_000 + Number(micros)
      return {
        breaker: readBreaker(fields, nowUs / 1000),
        limits: limits.map((limit) => ({ ...limit, ...readLimit(fields, limit, nowUs) })),
      }
    },

    countsOf: async (account) => readCallCounts(await redis.hgetall(keys.callCounts(account))),
  }
}

/** So many at once, then one each so often: together never more than the count in its time. */
export function spacingOf({ count, perMs }: CallLimit): {
  burst: number
  intervalUs: number
  aheadUs: number
} {
  const burst = 1 + Math.floor(count / 10)
  const intervalUs = Math.ceil((perMs * 1000) / (count - burst + 1))
  return { burst, intervalUs, aheadUs: (burst - 1) * intervalUs }
}

const fieldOf = ({ bucket, count, perMs }: CallLimit) => `at ${bucket} ${count}/${perMs}`

function limitArgs(limit: CallLimit): string[] {
  const { intervalUs, aheadUs } = spacingOf(limit)
  return [fieldOf(limit), String(intervalUs), String(aheadUs)]
}

function readLimit(fields: Record<string, string>, limit: CallLimit, nowUs: number) {
  const { burst, intervalUs, aheadUs } = spacingOf(limit)
  const heldUs = Number(fields[`held ${limit.bucket}`] ?? 0) * 1000
  const at = Number(fields[fieldOf(limit)] ?? 0)
  const waitUs = Math.max(at - aheadUs, heldUs) - nowUs
  if (waitUs > 0) return { free: 0, nextFreeInMs: Math.ceil(waitUs / 1000) }
  const usedUs = Math.max(at - nowUs, 0)
  return { free: Math.min(burst, Math.floor((aheadUs - usedUs) / intervalUs) + 1), nextFreeInMs: 0 }
}

function readBreaker(fields: Record<string, string>, nowMs: number): Breaker {
  const failures = Number(fields.failures ?? 0)
  if (fields.retryAt === undefined) return { state: 'closed', failures }
  const retryAt = Number(fields.retryAt)
  return { state: nowMs < retryAt ? 'open' : 'half-open', failures, retryAt }
}
