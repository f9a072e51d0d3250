/** How the clients of all accounts call out, and what is known of it. */
import type { Config } from '../config/config.ts'
import { type Calls, createCalls } from '../outbound/calls.ts'
import { createOutboundFetch } from '../outbound/fetch.ts'
import type { RedisClient } from '../redis/client.ts'
import { type CallLimits, createCallLimits } from '../store/call-limits.ts'
import type { Keys } from '../store/keys.ts'
import { loadScripts } from '../store/scripts.ts'
import type { Logger } from '../telemetry/logger.ts'
import { findLoopbackOrigin } from './providers.ts'

export interface CallParts extends Calls {
  limits: CallLimits
}

interface CallPartsDeps {
  config: Config
  /** Of its own, and one that fails fast: nobody else's writes stand between a call and its turn. */
  redis: RedisClient
  keys: Keys
  clock: () => number
  logger: Logger
}

export function createCallParts({ config, redis, keys, clock, logger }: CallPartsDeps): CallParts {
  const limits = createCallLimits({ redis, scripts: loadScripts(redis), keys })
  const perSecond = new Map(config.accounts.map(({ id, calls }) => [id, calls.perSecond]))
  const calls = createCalls({
    budget: limits,
    fetchFor: (origin, options) =>
      createOutboundFetch({
        ...config.outbound,
        ...options,
        loopbackOrigin: findLoopbackOrigin(origin),
      }),
    perSecondOf: (account) => perSecond.get(account),
    clock,
    random: Math.random,
    logger,
  })
  return { ...calls, limits }
}
