/**
 * The events of one intent, without a list of them: its record says where in the log its last one is, and each event says
 * where the one before it is. What has left the log is looked for in the archive.
 */
import type { IntentEvent } from '../domain/event.ts'
import { eventIdOf } from '../domain/ids.ts'
import type { Intent } from '../domain/intent.ts'
import type { RedisClient } from '../redis/client.ts'
import type { Archive } from './archive.ts'
import { decodeEvent, decodeStored, readPlaceBefore } from './codec/codec.ts'
import type { Keys } from './keys.ts'

export interface Trail {
  /** Oldest first. */
  events: IntentEvent[]
  /** How many older ones could not be found. */
  missing: number
}

/** The newest `limit` of them. */
export type ReadTrail = (intent: Pick<Intent, 'id' | 'sequence'>, limit: number) => Promise<Trail>

export interface TrailDeps {
  redis: RedisClient
  keys: Keys
  archive: Pick<Archive, 'find'>
}

export function createReadTrail({ redis, keys, archive }: TrailDeps): ReadTrail {
  async function findLast(id: Intent['id']): Promise<string | undefined> {
    const text = await redis.get(keys.intent(id))
    const stored = text === null ? undefined : decodeStored(id, text)
    return stored?.form === 'record' ? stored.last : undefined
  }

  async function readAt(id: Intent['id'], place: string) {
    const [entry] = await redis.xrange(keys.events(keys.partitionOf(id)), place, place)
    const text = entry?.[1][1]
    const event = text === undefined ? undefined : decodeEvent(text)
    if (text === undefined || !event || !('intent' in event) || event.intent.id !== id) return undefined
    return { event, before: readPlaceBefore(text) }
  }

  async function findLeft(id: Intent['id'], sequence: number): Promise<IntentEvent | undefined> {
    const line = await archive.find({ id: eventIdOf(id, sequence), kind: 'event' })
    const { event } = (line?.data ?? {}) as { event?: unknown }
    return event === undefined ? undefined : (decodeEvent(JSON.stringify(event)) as IntentEvent)
  }

  return async ({ id, sequence }, limit) => {
    const newestFirst: IntentEvent[] = []
    const oldest = () => newestFirst.at(-1)?.fact.sequence ?? sequence + 1
    const isDone = () => newestFirst.length >= limit || oldest() === 1
    for (let place = await findLast(id); place !== undefined && !isDone(); ) {
      const found = await readAt(id, place)
      if (!found) break
      newestFirst.push(found.event)
      place = found.before
    }
    while (!isDone()) {
      const event = await findLeft(id, oldest() - 1)
      if (!event) break
      newestFirst.push(event)
    }
    return { missing: oldest() - 1, events: newestFirst.reverse() }
  }
}
