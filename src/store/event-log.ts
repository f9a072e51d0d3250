/** The log of one partition is a stream: its positions grow, so "after this one" never skips and never repeats. */
import type { Redis } from 'ioredis'
import type { TransferEvent } from '../domain/event.ts'
import { decodeEvent, type Sealer } from './codec.ts'
import type { Keys } from './keys.ts'

export interface LogEntry {
  partition: number
  /** `<milliseconds>-<number>`, as the server minted it. */
  position: string
  event: TransferEvent
}

export interface EventLog {
  partitions: number
  /** The entries after these positions, at most `limit` of each partition; in one round trip. */
  readAfter(positions: readonly string[], limit: number): Promise<LogEntry[][]>
}

export function createEventLog(deps: { redis: Redis; keys: Keys; sealer: Sealer }): EventLog {
  const { redis, keys, sealer } = deps
  return {
    partitions: keys.partitions,
    async readAfter(positions, limit) {
      const pipeline = redis.pipeline()
      positions.forEach((position, partition) => {
        pipeline.xrange(keys.events(partition), `(${position}`, '+', 'COUNT', limit)
      })
      const answers = (await pipeline.exec()) ?? []
      return answers.map(([error, entries], partition) => {
        if (error) throw error
        return (entries as [string, string[]][]).map(([position, [, text = '']]) => ({
          partition,
          position,
          event: decodeEvent(text, sealer),
        }))
      })
    },
  }
}
