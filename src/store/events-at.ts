/** Single events of the log, by where they are: what waits in a line is read when it is sent. */
import type { RedisClient } from '../redis/client.ts'
import { decodeEvent } from './codec/codec.ts'
import type { LogEntry } from './event-log.ts'
import type { Keys } from './keys.ts'
import { type Command, readTogether } from './together.ts'

/** Those of these that have not left. */
export type ReadAt = (partition: number, positions: readonly string[]) => Promise<LogEntry[]>

type Raw = [position: string, fields: string[]]

export function createReadAt({ redis, keys }: { redis: RedisClient; keys: Keys }): ReadAt {
  return async (partition, positions) => {
    const key = keys.events(partition)
    const found = await readTogether(
      redis,
      positions.map((position): Command => ['xrange', key, position, position]),
    )
    return (found as Raw[][]).flat().map(([position, fields]) => {
      return { partition, position, event: decodeEvent(fields[1] ?? '') }
    })
  }
}
