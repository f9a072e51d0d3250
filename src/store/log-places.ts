/**
 * Where something lies in the log. A walk may begin only at an entry that is there, or right where the log begins: of any
 * other place nobody could tell whether the log goes through it. So a time is turned into the entry before it.
 */
import { AppError } from '../domain/errors.ts'
import { formatTime } from '../domain/time.ts'
import type { RedisClient } from '../redis/client.ts'
import type { Keys } from './keys.ts'

export interface LogPlaces {
  /** Of each partition the last entry before this moment. Throws `cursor-expired` where some since then have left. */
  before(ms: number): Promise<string[]>
  /** Of each partition the last entry up to this moment, and within its millisecond. */
  upTo(ms: number): Promise<string[]>
  /** The entry before this one; undefined where this one has left. */
  justBefore(partition: number, position: string): Promise<string | undefined>
  /** The last entry that is still there before this place, or where the log begins. */
  lastBefore(partition: number, position: string): Promise<string>
}

export function createLogPlaces({ redis, keys }: { redis: RedisClient; keys: Keys }): LogPlaces {
  const all = Array.from({ length: keys.partitions }, (_, partition) => partition)
  const leftOf = async (partition: number) => (await redis.get(keys.logLeft(partition))) ?? '0-0'

  async function lastUpTo(partition: number, bound: string): Promise<string | undefined> {
    const [last] = await redis.xrevrange(keys.events(partition), bound, '-', 'COUNT', 1)
    return last?.[0]
  }

  const lastBefore = async (partition: number, position: string) =>
    (await lastUpTo(partition, `(${position}`)) ?? (await leftOf(partition))

  return {
    lastBefore,
    before: (ms) =>
      Promise.all(
        all.map(async (partition) => {
          const found = ms > 0 ? await lastUpTo(partition, `(${ms}-0`) : undefined
          const left = await leftOf(partition)
          if (!found && Number(left.split('-')[0]) >= Math.max(ms, 1)) throw expired(left)
          return found ?? left
        }),
      ),
    upTo: (ms) =>
      Promise.all(
        all.map(async (partition) => (await lastUpTo(partition, String(ms))) ?? (await leftOf(partition))),
      ),
    async justBefore(partition, position) {
      const [itself] = await redis.xrange(keys.events(partition), position, position)
      if (!itself) return undefined
      return lastBefore(partition, position)
    },
  }
}

function expired(left: string): AppError {
  return new AppError('cursor-expired', {
    detail: `Events since then have left the log, the newest of them at ${formatTime(Number(left.split('-')[0]))}.`,
  })
}
