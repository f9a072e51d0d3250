/** The deliveries: what they stand on, and their place among the parts. */
import { Queue } from 'bullmq'
import { createShareReading } from '../events/share-reading.ts'
import { deliveryQueueName, type TurnDraft } from '../queue/catalogue.ts'
import { createDeliveryHistory } from '../store/delivery-history.ts'
import { createEndpoints } from '../store/endpoints.ts'
import { createReadAt } from '../store/events-at.ts'
import { createReplays } from '../store/replays.ts'
import { createRuns } from '../store/runs.ts'
import { loadScripts } from '../store/scripts.ts'
import { createSubscriptionDirectory } from '../store/subscription-directory.ts'
import { createSubscriptions } from '../store/subscriptions.ts'
import type { Lifecycle } from '../telemetry/lifecycle.ts'
import { startEngine } from '../workers/deliver/engine.ts'
import { type Base, type ComposeDeps, clock, open, queuePrefix } from './base.ts'
import type { Published } from './published.ts'
import { createSender } from './send.ts'

export async function startDeliver(
  { config, lifecycle, logger }: ComposeDeps,
  base: Base,
  { tail }: Pick<Published, 'tail'>,
): Promise<void> {
  const { keys, keyring } = base
  const { deliveries, retention } = config
  const redis = await open(base, lifecycle, 'wait', 'deliver')
  const queue = await openDeliveryQueue(base, lifecycle, 'wait', 'deliver-queue')
  const connection = await open(base, lifecycle, 'wait', 'deliver-worker')
  loadScripts(redis)
  const limits = { historyMs: deliveries.historyMs, logMs: retention.logMs }
  const runs = createRuns({ redis, keys, limits })
  const subscriptions = createSubscriptions({ redis, keys, sealer: keyring, clock })
  const readAt = createReadAt({ redis, keys })
  const send = createSender({ config, lifecycle, clock })
  const engine = startEngine({
    partitions: keys.partitions,
    log: { ...tail, readAfter: createShareReading({ log: tail, clock }) },
    async readEvents(partition, positions) {
      const events = await tail.publish(await readAt(partition, positions))
      return new Map(events.map((event) => [event.position, event]))
    },
    follow: (onEvents) => tail.subscribe({ onEvents }),
    runs,
    history: createDeliveryHistory({ redis, keys, clock, limits }),
    endpoints: createEndpoints({ redis, keys }),
    replays: createReplays({ redis, keys, clock }),
    directory: createSubscriptionDirectory({ ...subscriptions, clock, logger }),
    subscriptions,
    send,
    addJobs: (jobs: TurnDraft[]) => queue.addBulk(jobs),
    connection,
    prefix: queuePrefix,
    settings: deliveries,
    clock,
    random: Math.random,
    logger,
  })
  const isAway = () => base.guard.state().state === 'away'
  lifecycle.add({ name: 'deliver', stop: () => engine.stop({ force: isAway() }) })
}

/** Also for Bull Board, which shows whose turn it is. */
export async function openDeliveryQueue(
  base: Base,
  lifecycle: Lifecycle,
  temper: 'wait' | 'fail-fast',
  name: string,
): Promise<Queue> {
  const connection = await open(base, lifecycle, temper, name)
  const queue = new Queue(deliveryQueueName, { connection, prefix: queuePrefix })
  // Each command reports its own failure; without a listener the same error would end the process.
  queue.on('error', () => {})
  lifecycle.add({ name: `queue-${name}`, stop: () => queue.close() })
  return queue
}
