/**
 * The log as others see it: each event as it is sent, made once however many read it. Readers of the feed and the
 * deliveries to subscriptions all read here.
 */
import type { LoggedEvent } from '../domain/event.ts'
import type { CaseId, EventId, IntentId, SubscriptionId } from '../domain/ids.ts'
import type { Intent } from '../domain/intent.ts'
import type { EventType } from './catalogue.ts'
import { accountOf, subjectOf, toCloudEvent, typeOf } from './envelope.ts'

/** What an event is about: enough to say who wants it. */
export interface EventHead {
  type: EventType
  /** Of a subscription's own events there is none. */
  account: string | undefined
  subject: IntentId | CaseId | SubscriptionId
}

export interface PublishedEvent extends EventHead {
  partition: number
  /** `<milliseconds>-<number>`: grows within a partition. */
  position: string
  id: EventId
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
  /** Where a reader goes on who was refused so: no event is skipped that the log still has, and some may come again. */
  standing(partition: number, position: string): Promise<string>
}

/** An entry of which the event was not made yet. */
export interface LogEntry {
  partition: number
  position: string
  event: LoggedEvent
}

export type Entry = PublishedEvent | LogEntry

/** For readers who leave out much: what is personal is opened of what they take alone. */
export interface ScannableLog extends PublishedLog {
  /** As `readAfter`. */
  scan(partition: number, position: string, limit: number): Promise<readonly Entry[]>
  publish(entries: readonly Entry[]): Promise<PublishedEvent[]>
}

/** What is read of the store. */
export interface LogPart {
  partitions: number
  oldest(): Promise<string[]>
  newest(): Promise<string[]>
  standing(partition: number, position: string): Promise<string>
  readPartition(partition: number, position: string, limit: number): Promise<LogEntry[]>
}

export interface PublishedLogDeps {
  log: LogPart
  /** What is sealed of each, in order; undefined where it was erased. */
  openAllSecrets(intents: readonly Intent[]): Promise<readonly unknown[]>
}

export function createPublishedLog({ log, openAllSecrets }: PublishedLogDeps): ScannableLog {
  async function publish(entries: readonly Entry[]): Promise<PublishedEvent[]> {
    const intents = entries.flatMap((entry) =>
      'event' in entry && 'intent' in entry.event ? [entry.event.intent] : [],
    )
    const opened = intents.length > 0 ? await openAllSecrets(intents) : []
    const secrets = new Map(intents.map((intent, i) => [intent, opened[i]]))
    return entries.map((entry) => ('json' in entry ? entry : makeEvent(entry, secrets)))
  }

  return {
    partitions: log.partitions,
    oldest: log.oldest,
    newest: log.newest,
    standing: log.standing,
    scan: log.readPartition,
    publish,
    readAfter: async (partition, position, limit) =>
      publish(await log.readPartition(partition, position, limit)),
  }
}

export function headOf(entry: Entry): EventHead {
  if ('json' in entry) return entry
  const { event } = entry
  return { type: typeOf(event), account: accountOf(event), subject: subjectOf(event) }
}

function makeEvent(
  { partition, position, event }: LogEntry,
  secrets: ReadonlyMap<Intent, unknown>,
): PublishedEvent {
  const opened = 'intent' in event ? secrets.get(event.intent) : undefined
  const cloudEvent = toCloudEvent(event, partition, opened)
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
