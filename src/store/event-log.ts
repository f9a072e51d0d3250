/** The log of one partition is a stream: its positions grow, so "after this one" never skips and never repeats. */

import type { LoggedEvent } from '../domain/event.ts'
import type { RedisClient } from '../redis/client.ts'
import { decodeEvent } from './codec/codec.ts'
import type { Keys } from './keys.ts'

export interface LogEntry {
  partition: number
  /** `<milliseconds>-<number>`, as the server minted it. */
  position: string
  event: LoggedEvent
}

export interface EventLog {
  partitions: number
  /**
   * The entries after these positions, at most `limit` of each partition. The commands go out together, so it is one
   * round trip; one by one, since a cluster refuses a pipeline whose keys lie on several nodes.
   */
  readAfter(positions: readonly string[], limit: number): Promise<LogEntry[][]>
}

export function createEventLog(deps: { redis: RedisClient; keys: Keys }): EventLog {
  const { redis, keys } = deps
  return {
    partitions: keys.partitions,
    async readAfter(positions, limit) {
      const answers = await Promise.all(
        positions.map((position, partition) =>
          redis.xrange(keys.events(partition), `(${position}`, '+', 'COUNT', limit),
        ),
      )
      return answers.map((entries, partition) =>
        entries.map(([position, [, text = '']]) => ({
          partition,
          position,
          event: decodeEvent(text),
        })),
      )
    },
  }
}
