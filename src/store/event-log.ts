/** The log of one partition is a stream: its positions grow, so "after this one" never skips and never repeats. */

import { AppError } from '../domain/errors.ts'
import type { LoggedEvent } from '../domain/event.ts'
import { formatTime } from '../domain/time.ts'
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
  /** Where the log begins: what is after these positions is there. */
  oldest(): Promise<string[]>
  /**
   * The entries after these positions, at most `limit` of each partition. Throws where entries after one of them have left:
   * who went on would miss them and not know. The commands go out together, so it is one round trip; one by one, since a
   * cluster refuses a pipeline whose keys lie on several nodes.
   */
  readAfter(positions: readonly string[], limit: number): Promise<LogEntry[][]>
  /** Of each partition the position of the last entry that was written. */
  newest(): Promise<string[]>
  /** As readAfter, of one partition. */
  readPartition(partition: number, position: string, limit: number): Promise<LogEntry[]>
}

export function createEventLog(deps: { redis: RedisClient; keys: Keys }): EventLog {
  const { redis, keys } = deps

  function oldest(): Promise<string[]> {
    const partitions = Array.from({ length: keys.partitions }, (_, partition) => partition)
    return Promise.all(partitions.map(async (each) => (await redis.get(keys.logLeft(each))) ?? '0-0'))
  }

  return {
    partitions: keys.partitions,
    oldest,
    newest: () =>
      Promise.all(
        Array.from({ length: keys.partitions }, async (_, partition) => {
          const [last] = await redis.xrevrange(keys.events(partition), '+', '-', 'COUNT', 1)
          return last?.[0] ?? (await redis.get(keys.logLeft(partition))) ?? '0-0'
        }),
      ),
    async readPartition(partition, position, limit) {
      const [entries, left] = await Promise.all([
        redis.xrange(keys.events(partition), `(${position}`, '+', 'COUNT', limit),
        redis.get(keys.logLeft(partition)),
      ])
      refuseGap([position], [left ?? '0-0'])
      return entries.map(([at, [, text = '']]) => ({ partition, position: at, event: decodeEvent(text) }))
    },
    async readAfter(positions, limit) {
      const [answers, left] = await Promise.all([
        Promise.all(
          positions.map((position, partition) =>
            redis.xrange(keys.events(partition), `(${position}`, '+', 'COUNT', limit),
          ),
        ),
        oldest(),
      ])
      refuseGap(positions, left)
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

function refuseGap(positions: readonly string[], left: readonly string[]): void {
  const gap = left.find((last, partition) => isBefore(positions[partition] ?? '0-0', last))
  if (gap === undefined) return
  throw new AppError('cursor-expired', {
    detail: `Events behind this cursor have left the log, the newest of them at ${formatTime(Number(gap.split('-')[0]))}. Leave \`after\` away to go on with the oldest that is there, and compare what you keep with \`GET\` or the archive.`,
  })
}

/** `<milliseconds>-<number>` */
function isBefore(position: string, other: string): boolean {
  const [ms = 0, number = 0] = position.split('-').map(Number)
  const [otherMs = 0, otherNumber = 0] = other.split('-').map(Number)
  return ms < otherMs || (ms === otherMs && number < otherNumber)
}
