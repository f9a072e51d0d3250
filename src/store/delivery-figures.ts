/** How each subscription fares, in figures. */
import { breakerAt } from '../domain/endpoint-health.ts'
import type { Subscription } from '../domain/subscription.ts'
import type { RedisClient } from '../redis/client.ts'
import type { Endpoints } from './endpoints.ts'
import type { Keys } from './keys.ts'
import type { RunProgress, Runs } from './runs.ts'

export interface DeliveryFiguresDeps {
  redis: RedisClient
  keys: Keys
  runs: Pick<Runs, 'progressOf' | 'listLines'>
  endpoints: Pick<Endpoints, 'readAll'>
  list(): Promise<Subscription[]>
  clock: () => number
}

/** Of a partition; the oldest event that waits is among the lines that are due first, as a rule. */
const linesLookedAt = 16

export function createReadDeliveryFigures({
  redis,
  keys,
  runs,
  endpoints,
  list,
  clock,
}: DeliveryFiguresDeps) {
  /** When the oldest was written that was not delivered; undefined where there is none. */
  async function oldestAt({ live }: Subscription, { partition, position, waiting }: RunProgress) {
    const after = position ?? live.from[partition] ?? '0-0'
    const [next] = await redis.xrange(keys.events(partition), `(${after}`, '+', 'COUNT', 1)
    const lines =
      waiting > 0 ? await runs.listLines({ partition, run: live.run }, { limit: linesLookedAt }) : []
    const positions = lines.map(({ line }) => line.events[0]?.position ?? '')
    return Math.min(...[...positions, ...(next ? [next[0]] : [])].map((one) => Number(one.split('-')[0])))
  }

  return async () => {
    const [all, healths] = await Promise.all([list(), endpoints.readAll()])
    return Promise.all(
      all.map(async (one) => {
        const progress = await runs.progressOf(one.live.run)
        const oldest = Math.min(...(await Promise.all(progress.map((part) => oldestAt(one, part)))))
        const sum = (name: 'delivered' | 'failed' | 'skipped' | 'waiting') =>
          progress.reduce((total, part) => total + part[name], 0)
        const health = healths.get(one.id)
        return {
          subscription: one.id,
          enabled: one.disabled === undefined,
          outcomes: { delivered: sum('delivered'), failed: sum('failed'), skipped: sum('skipped') },
          waiting: sum('waiting'),
          breaker: health ? breakerAt(health, clock()) : ('closed' as const),
          lagMs: Number.isFinite(oldest) ? Math.max(0, clock() - oldest) : 0,
        }
      }),
    )
  }
}
