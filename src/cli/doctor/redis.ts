/** The Redis behind the configuration: whether it keeps what is acknowledged, is the one of this configuration, and has room. */
import { describeFixed } from '../../compose/base.ts'
import type { Config } from '../../config/config.ts'
import { asAppError } from '../../domain/errors.ts'
import { reportOnRedis } from '../../queue/redis-guard.ts'
import type { RedisClient } from '../../redis/client.ts'
import type { Keys } from '../../store/keys.ts'
import { refuseDifference } from '../../store/meta.ts'
import { type Finding, fault, ok, warning } from './finding.ts'

export interface RedisLook {
  redis: RedisClient
  keys: Keys
  config: Config
  clock: () => number
}

const about = 'redis'
/** Far below any window of a provider. */
const skewMsMax = 2_000

export async function lookAtRedis({ redis, keys, config, clock }: RedisLook): Promise<Finding[]> {
  return [
    await lookAtSafety(redis, config),
    await lookAtUse(redis, keys, config),
    await lookAtClock(redis, clock),
  ]
}

async function lookAtSafety(redis: RedisClient, { durability }: Config): Promise<Finding> {
  const { state, allowed } = await reportOnRedis(redis, durability)
  if (state.state === 'ok' && allowed === undefined)
    return ok(about, 'It writes what is acknowledged, evicts nothing and has room.')
  if (state.state === 'ok')
    return warning(
      about,
      allowed ?? '',
      'Change these settings of Redis; durability.onWeaker only allows it as it is.',
    )
  return fault(about, state.reason, mends[state.state])
}

const mends = {
  away: 'See to it that it answers, and that REDIS_URL names the master.',
  weak: 'Change these settings of Redis, or bring the replicas back; docs/redis.md says why.',
  full: 'Give Redis more maxmemory, or see what fills it: failed jobs, parked callbacks, retention.',
}

async function lookAtUse(redis: RedisClient, keys: Keys, config: Config): Promise<Finding> {
  try {
    await refuseDifference(redis, keys, describeFixed(config))
    const isNew = (await redis.exists(keys.meta)) === 0
    return ok(about, isNew ? 'Nothing is in it yet.' : 'What is in it was written under this configuration.')
  } catch (error) {
    return fault(
      about,
      asAppError(error).detail,
      'Use the configuration that this Redis was first used with.',
    )
  }
}

async function lookAtClock(redis: RedisClient, clock: () => number): Promise<Finding> {
  const before = clock()
  const [seconds = 0, micros = 0] = (await redis.time()).map(Number)
  const middle = (before + clock()) / 2
  const skewMs = Math.round(seconds * 1000 + micros / 1000 - middle)
  if (Math.abs(skewMs) <= skewMsMax) return ok(about, 'Its clock is ours.')
  return warning(about, `Its clock is ${describeSkew(skewMs)} ours.`, 'Keep both machines’ clocks by NTP.')
}

export function describeSkew(ms: number): string {
  return `${(Math.abs(ms) / 1000).toFixed(1)} s ${ms > 0 ? 'ahead of' : 'behind'}`
}
