/** The newest events about intents, of all partitions: enough for a picture of the last hour, and never more than that costs. */
import type { IntentEvent } from '../domain/event.ts'
import type { RedisClient } from '../redis/client.ts'
import { decodeEvent } from './codec/codec.ts'
import type { Keys } from './keys.ts'
import { type Command, readTogether } from './together.ts'

export interface RecentEvents {
  events: IntentEvent[]
  /** From then on they are all there; what is older was asked for too and was too much to read. */
  since: number
}

export type ReadRecent = (since: number) => Promise<RecentEvents>

const usualReadMax = 2_048

export function createReadRecent({
  redis,
  keys,
  readMax = usualReadMax,
}: {
  redis: RedisClient
  keys: Keys
  readMax?: number
}): ReadRecent {
  const limit = Math.ceil(readMax / keys.partitions)
  const partitions = Array.from({ length: keys.partitions }, (_, partition) => partition)
  return async (since) => {
    const answers = (await readTogether(
      redis,
      partitions.map((at): Command => ['xrevrange', keys.events(at), '+', String(since), 'COUNT', limit]),
    )) as [string, string[]][][]
    const read = answers.map((entries) => entries.map(([, fields]) => decodeEvent(fields[1] ?? '')))
    // A partition that was cut off says nothing of what lies before its oldest.
    const cut = read.map((events) => (events.length === limit ? (events.at(-1)?.at ?? since) : since))
    const from = Math.max(since, ...cut)
    const all = read.flat().filter((event): event is IntentEvent => 'intent' in event)
    return { events: all.filter(({ at }) => at >= from), since: from }
  }
}
