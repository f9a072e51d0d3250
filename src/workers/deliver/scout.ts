/**
 * Follows the log and asks for a turn of every run that wants what is new. What it does not hear of, because a hint or a
 * job was lost, a sweep finds (`sweep.ts`); so it only makes things quick.
 */
import type { SubscriptionId } from '../../domain/ids.ts'
import type { PublishedEvent } from '../../events/published.ts'
import type { SubscriptionDirectory } from '../../store/subscription-directory.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { TurnJobs } from './turn-jobs.ts'

export interface ScoutDeps {
  directory: Pick<SubscriptionDirectory, 'enabled' | 'fresh'>
  jobs: Pick<TurnJobs, 'ask'>
  /** Of an endpoint whose breaker is open nothing is asked for. */
  isOpen(id: SubscriptionId): boolean
  logger: Logger
}

export interface Scout {
  onEvents(partition: number, events: readonly PublishedEvent[]): void
  idle(): Promise<void>
}

export function createScout({ directory, jobs, isOpen, logger }: ScoutDeps): Scout {
  let looking = Promise.resolve()

  async function look(partition: number, events: readonly PublishedEvent[]): Promise<void> {
    // What is new of a subscription is heeded at once in this process.
    if (events.some(({ type }) => type.startsWith('tallyhook.subscription.'))) await directory.fresh()
    for (const { id, matches, subscription } of await directory.enabled()) {
      const last = isOpen(id) ? undefined : events.findLast(matches)
      if (last) jobs.ask({ run: subscription.live.run, subscription: id, partition }, last.position)
    }
  }

  return {
    onEvents(partition, events) {
      looking = looking.then(() =>
        look(partition, events).catch((error) => logger.warn('delivery.not-scouted', { partition, error })),
      )
    },
    idle: () => looking,
  }
}
