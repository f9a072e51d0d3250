/** What a monitor reads: on the API's listener, and of a process that has none, as a worker, on one of its own. */
import { Queue } from 'bullmq'
import { listen } from '../http/listen.ts'
import { createMetricsServer } from '../http/metrics.ts'
import { callbackQueueName, deliveryQueueName } from '../queue/catalogue.ts'
import { readQueueFigures } from '../queue/queue-figures.ts'
import type { RedisClient } from '../redis/client.ts'
import { createReadBacklog } from '../store/backlog.ts'
import { createKeyUsage } from '../store/key-usage.ts'
import { loadScripts } from '../store/scripts.ts'
import type { BacklogFigures } from '../telemetry/backlog-metrics.ts'
import { createMetrics, type MetricsDeps } from '../telemetry/metrics.ts'
import type { ProcessDeps } from '../telemetry/process-metrics.ts'
import { type Base, type ComposeDeps, clock, queuePrefix } from './base.ts'
import { readVersion } from './version.ts'

type MonitorDeps = Pick<ComposeDeps, 'config' | 'lifecycle'>

/** For a listener of the API: its process's own figures, and what waits in Redis, which all processes share. */
export function createMonitored(
  deps: MonitorDeps,
  base: Base,
  redis: RedisClient,
): Pick<MetricsDeps, 'process' | 'readBacklog'> {
  return { process: describeProcess(base), readBacklog: createReadFigures(deps, base, redis) }
}

/** The process's own alone, or a monitor would have the shared ones once for each worker. */
export async function startMonitor(deps: ComposeDeps, base: Base): Promise<string | undefined> {
  const { config, lifecycle, logger } = deps
  if (config.metricsPort === undefined) return undefined
  const metrics = createMetrics({
    process: describeProcess(base),
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

function describeProcess({ role, figures, guard }: Base): ProcessDeps {
  return { role, version: readVersion(), figures, redis: guard }
}

function createReadFigures({ config, lifecycle }: MonitorDeps, { keys }: Base, redis: RedisClient) {
  const readBacklog = createReadBacklog({ redis, keys })
  const usage = createKeyUsage({ redis, scripts: loadScripts(redis), keys })
  const queues = [callbackQueueName, deliveryQueueName].map((name) => openToRead(name, redis))
  const close = async () => void (await Promise.all(queues.map((queue) => queue.close())))
  lifecycle.add({ name: 'monitored-queues', stop: close })
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

/** On the connection of who reads. */
function openToRead(name: string, connection: RedisClient): Queue {
  const queue = new Queue(name, { connection, prefix: queuePrefix })
  // Each command reports its own failure; without a listener the same error would end the process.
  queue.on('error', () => {})
  return queue
}
