/** What a monitor reads: on the API's listener, and of a process that has none, as a worker, on one of its own. */
import type { Queue } from 'bullmq'
import { listen } from '../http/listen.ts'
import { createMetricsServer } from '../http/metrics.ts'
import { readQueueFigures } from '../queue/queue-figures.ts'
import type { RedisClient } from '../redis/client.ts'
import { createReadBacklog } from '../store/backlog.ts'
import { durationBounds } from '../store/call-counts.ts'
import type { KeyUsage } from '../store/key-usage.ts'
import { createPendingCounts } from '../store/pending-counts.ts'
import type { BacklogFigures } from '../telemetry/backlog-metrics.ts'
import { type AccountFigures, createMetrics, type Metrics } from '../telemetry/metrics.ts'
import type { ProcessDeps } from '../telemetry/process-metrics.ts'
import { createBaseDeliveryFigures, createBasePauses } from './accounts.ts'
import { type Base, clock, type RoleDeps } from './base.ts'
import { readVersion } from './version.ts'

export interface SharedParts {
  redis: RedisClient
  queues: readonly Queue[]
  usage: Pick<KeyUsage, 'keysOf' | 'refusalsOf'>
}

/** The process's own figures and those that all processes share. */
export function createServeMetrics(deps: RoleDeps, base: Base, parts: SharedParts): Metrics {
  const { redis } = parts
  return createMetrics({
    process: describeProcess(deps, base),
    read: createReadAccounts(deps, base, redis),
    readSubscriptions: createBaseDeliveryFigures(base, redis),
    readBacklog: createReadFigures(deps, base, parts),
    durationBoundsMs: durationBounds,
    onFailure: (error) => deps.logger.warn('metrics.not-read', { error }),
  })
}

/** The process's own alone, or a monitor would have the shared ones once for each worker. */
export async function startMonitor(deps: RoleDeps, base: Base): Promise<string | undefined> {
  const { config, lifecycle, logger } = deps
  if (config.metricsPort === undefined) return undefined
  const metrics = createMetrics({
    process: describeProcess(deps, base),
    durationBoundsMs: [],
    onFailure: () => {},
  })
  const server = createMetricsServer({ metrics, redisState: base.guard.state, logger })
  const metricsUrl = await listen(server, config.metricsPort, config.host, {
    lifecycle,
    name: 'metrics-listener',
  })
  logger.info('listening', { metricsUrl })
  return metricsUrl
}

function describeProcess({ role }: RoleDeps, { figures, guard }: Base): ProcessDeps {
  return { role, version: readVersion(), figures, redis: guard }
}

function createReadAccounts({ config }: RoleDeps, base: Base, redis: RedisClient) {
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

  return () => Promise.all(config.accounts.map(({ id }) => readOne(id)))
}

function createReadFigures({ config }: RoleDeps, { keys }: Base, { redis, queues, usage }: SharedParts) {
  const readBacklog = createReadBacklog({ redis, keys })
  const accounts = config.accounts.map(({ id }) => id)

  async function readTraffic(account: string) {
    const [keys, refusals] = await Promise.all([usage.keysOf(account), usage.refusalsOf(account)])
    return { account, keys, refusals }
  }

  return async (): Promise<BacklogFigures> => {
    const [backlog, figures, traffic] = await Promise.all([
      readBacklog(accounts),
      Promise.all(queues.map((queue) => readQueueFigures(queue, redis, clock()))),
      Promise.all(accounts.map(readTraffic)),
    ])
    return { ...backlog, queues: figures, traffic }
  }
}
