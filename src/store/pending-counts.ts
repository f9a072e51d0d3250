/** How many intents of an account are watched, and how many of these take longer than it allows. */
import type { RedisClient } from '../redis/client.ts'
import type { Keys } from './keys.ts'
import { type Command, readTogether } from './together.ts'

export interface PendingCount {
  pending: number
  overdue: number
}

export interface PendingCounts {
  countsOf(account: string): Promise<PendingCount>
}

export function createPendingCounts({ redis, keys }: { redis: RedisClient; keys: Keys }): PendingCounts {
  const partitions = Array.from({ length: keys.partitions }, (_, partition) => partition)
  return {
    async countsOf(account) {
      const commands = (['watch', 'overdue'] as const).flatMap((index) =>
        partitions.map((partition): Command => ['zcard', keys[index](partition, account)]),
      )
      const counts = (await readTogether(redis, commands)) as number[]
      const sum = (some: readonly number[]) => some.reduce((total, count) => total + count, 0)
      return {
        pending: sum(counts.slice(0, keys.partitions)),
        overdue: sum(counts.slice(keys.partitions)),
      }
    },
  }
}

/** In ten thousandths, so that it reads well. */
export function overdueShare({ pending, overdue }: PendingCount): number {
  return pending === 0 ? 0 : Math.min(Math.round((overdue / pending) * 10_000) / 10_000, 1)
}
