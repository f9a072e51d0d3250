/** How many of an account's callbacks were repeats, by class. Each partition counts its own, in the step that records one. */
import { type RepeatClass, repeatClasses } from '../domain/repeats.ts'
import type { RedisClient } from '../redis/client.ts'
import type { Keys } from './keys.ts'
import { type Command, readTogether } from './together.ts'

export type RepeatCount = Record<RepeatClass, number>

export interface RepeatCounts {
  countsOf(account: string): Promise<RepeatCount>
}

/** The field under which a partition counts. */
export const repeatField = (account: string, repeat: RepeatClass) => `${account} ${repeat}`

export function createRepeatCounts({ redis, keys }: { redis: RedisClient; keys: Keys }): RepeatCounts {
  const partitions = Array.from({ length: keys.partitions }, (_, partition) => partition)
  return {
    async countsOf(account) {
      const fields = repeatClasses.map((repeat) => repeatField(account, repeat))
      const rows = await readTogether(
        redis,
        partitions.map((partition): Command => ['hmget', keys.repeats(partition), ...fields]),
      )
      const sum = (index: number) =>
        (rows as (string | null)[][]).reduce((total, row) => total + Number(row[index] ?? 0), 0)
      return Object.fromEntries(repeatClasses.map((repeat, index) => [repeat, sum(index)])) as RepeatCount
    },
  }
}
