/** What an operator sees of the accounts and does to them, for the API and for a monitor. */
import type { Router } from 'express'
import type { Config } from '../config/config.ts'
import { createAccountHealthRoutes, type KnownAccount } from '../http/api/account-health.ts'
import { createPauseRoutes, createPausing } from '../http/api/pauses.ts'
import type { Principal } from '../http/principal.ts'
import type { RedisClient } from '../redis/client.ts'
import { createReadBalance } from '../store/balances.ts'
import { durationBounds } from '../store/call-counts.ts'
import { createDelayCounts } from '../store/delay-counts.ts'
import { createReadDeliveryFigures } from '../store/delivery-figures.ts'
import { createEndpoints } from '../store/endpoints.ts'
import type { KeyUsage } from '../store/key-usage.ts'
import { createPauses, type Pauses } from '../store/pauses.ts'
import { createPendingCounts } from '../store/pending-counts.ts'
import { createRuns } from '../store/runs.ts'
import { createSubscriptions } from '../store/subscriptions.ts'
import type { Logger } from '../telemetry/logger.ts'
import { type AccountFigures, createMetrics, type Metrics } from '../telemetry/metrics.ts'
import { within } from '../telemetry/within.ts'
import { type Base, type ComposeDeps, clock } from './base.ts'
import { createMonitored } from './metrics.ts'

/** A page that shows it waits no longer. */
const balanceMsMax = 4_000

export function createBasePauses(base: Pick<Base, 'keys' | 'settingsOf'>, redis: RedisClient): Pauses {
  const { keys, settingsOf } = base
  return createPauses({ redis, keys, pausedByConfiguration: (account) => settingsOf(account).paused })
}

export type AccountParts = ReturnType<typeof createAccountParts>

/** For the API and the console alike. */
export function createAccountParts(
  { config, logger }: Pick<ComposeDeps, 'config' | 'logger'>,
  base: Base,
  { redis, usage }: { redis: RedisClient; usage: Pick<KeyUsage, 'keysOf'> },
) {
  const { keys, calls } = base
  const pauses = createBasePauses(base, redis)
  return {
    accounts: describeAccounts(config, base),
    usage,
    pauses,
    pausing: createPausing({ pauses, clock, logger }),
    pending: createPendingCounts({ redis, keys }),
    delays: createDelayCounts({ redis, keys }),
    callState: (account: string) => calls.limits.stateOf(account, calls.limitsOf(account)),
    readBalance: createReadBalance({ redis, keys, ask: createAskBalance(base, logger), clock }),
  }
}

export function createAccountPartRoutes(
  parts: AccountParts,
  authenticate: (token: string) => Principal | null,
): Router[] {
  const common = { ...parts, authenticate }
  return [createAccountHealthRoutes(common), createPauseRoutes(common)]
}

export function createBaseDeliveryFigures({ keys, keyring }: Base, redis: RedisClient) {
  return createReadDeliveryFigures({
    redis,
    keys,
    runs: createRuns({ redis, keys }),
    endpoints: createEndpoints({ redis, keys }),
    list: createSubscriptions({ redis, keys, sealer: keyring, clock }).list,
    clock,
  })
}

export function createAccountMetrics(
  { config, lifecycle, logger }: Pick<ComposeDeps, 'config' | 'lifecycle' | 'logger'>,
  base: Base,
  redis: RedisClient,
): Metrics {
  const { keys, calls } = base
  const pauses = createBasePauses(base, redis)
  const pendingCounts = createPendingCounts({ redis, keys })

  async function readOne(account: string): Promise<AccountFigures> {
    const [count, paused, { breaker }, { outcomes, durations }] = await Promise.all([
      pendingCounts.countsOf(account),
      pauses.isPaused(account),
      calls.limits.stateOf(account, []),
      calls.limits.countsOf(account),
    ])
    return {
      account,
      ...count,
      paused,
      breaker: breaker.state,
      calls: outcomes.map(({ bucket, ...rest }) => ({ call: bucket, ...rest })),
      durations: durations.map((one) => ({ call: one.bucket, ...one.durations })),
    }
  }

  return createMetrics({
    readSubscriptions: createBaseDeliveryFigures(base, redis),
    read: () => Promise.all(config.accounts.map(({ id }) => readOne(id))),
    durationBoundsMs: durationBounds,
    ...createMonitored({ config, lifecycle }, base, redis),
    onFailure: (error) => logger.warn('metrics.not-read', { error }),
  })
}

function describeAccounts({ accounts }: Config, { providers }: Pick<Base, 'providers'>): KnownAccount[] {
  return accounts.map(({ id, provider, currency }) => {
    const client = providers.get(id)?.client
    return { id, provider, currency, calls: client !== undefined, balance: client?.balance !== undefined }
  })
}

/** Never rejects: that there is no answer is an answer. */
function createAskBalance({ providers }: Pick<Base, 'providers'>, logger: Logger) {
  return async (account: string) => {
    try {
      const asked = providers.get(account)?.client?.balance?.(AbortSignal.timeout(balanceMsMax))
      return asked && (await within(balanceMsMax, asked))
    } catch (error) {
      logger.warn('balance.not-answered', { account, error })
      return undefined
    }
  }
}
