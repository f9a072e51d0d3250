/**
 * The log as others see it: each event as it is sent, made once however many read it. Readers of the feed and the
 * deliveries to subscriptions all read here.
 */
import type { LoggedEvent } from '../domain/event.ts'
import type { CaseId, EventId, IntentId, SubscriptionId } from '../domain/ids.ts'
import type { Intent } from '../domain/intent.ts'
import type { EventType } from './catalogue.ts'
import { accountOf, subjectOf, toCloudEvent } from './envelope.ts'

export interface PublishedEvent {
  partition: number
  /** `<milliseconds>-<number>`: grows within a partition. */
  position: string
  id: EventId
  type: EventType
  /** Of a subscription's own events there is none. */
  account: string | undefined
  subject: IntentId | CaseId | SubscriptionId
  sequence: number
  at: number
  /** The CloudEvent, as it goes out. */
  json: string
}

export interface PublishedLog {
  partitions: number
  /** Where the log of each partition begins, and where it ends: what is after these positions is there, or is yet to come. */
  oldest(): Promise<string[]>
  newest(): Promise<string[]>
  /**
   * Of one partition, in order. Throws `cursor-expired` where entries after the position have left, and `cursor-superseded`
   * where the log does not go through this position: it was written before a failover or a restored backup.
   */
  readAfter(partition: number, position: string, limit: number): Promise<PublishedEvent[]>
}

/** What is read of the store. */
export interface LogPart {
  partitions: number
  oldest(): Promise<string[]>
  newest(): Promise<string[]>
  readPartition(
    partition: number,
    position: string,
    limit: number,
  ): Promise<{ partition: number; position: string; event: LoggedEvent }[]>
}

export interface PublishedLogDeps {
  log: LogPart
  /** What is sealed of each, in order; undefined where it was erased. */
  openAllSecrets(intents: readonly Intent[]): Promise<readonly unknown[]>
}

export function createPublishedLog({ log, openAllSecrets }: PublishedLogDeps): PublishedLog {
  return {
    partitions: log.partitions,
    oldest: log.oldest,
    newest: log.newest,
    async readAfter(partition, position, limit) {
      const entries = await log.readPartition(partition, position, limit)
      const intents = entries.flatMap(({ event }) => ('intent' in event ? [event.intent] : []))
      const opened = await openAllSecrets(intents)
      const secrets = new Map(intents.map((intent, i) => [intent, opened[i]]))
      return entries.map((entry) => {
        const { event } = entry
        return publish(entry.position, partition, event, 'intent' in event && secrets.get(event.intent))
      })
    },
  }
}

function publish(position: string, partition: number, event: LoggedEvent, secrets: unknown): PublishedEvent {
  const cloudEvent = toCloudEvent(event, partition, secrets)
  const { id, type, sequence } = cloudEvent
  return {
    partition,
    position,
    id: id as EventId,
    type,
    account: accountOf(event),
    subject: subjectOf(event),
    sequence,
    at: event.at,
    json: JSON.stringify(cloudEvent),
  }
}
