/** How many of an account's callbacks were repeats, by class. Each partition counts its own, in the step that records one. */
import { type RepeatClass, repeatClasses } from '../domain/repeats.ts'
import type { RedisClient } from '../redis/client.ts'
import type { Keys } from './keys.ts'
import { countField, createPartitionCounts, type PartitionCounts } from './partition-counts.ts'

export type RepeatCount = Record<RepeatClass, number>

export type RepeatCounts = PartitionCounts<RepeatClass>

/** The field under which a partition counts. */
export const repeatField = (account: string, repeat: RepeatClass) => countField(account, repeat)

export function createRepeatCounts({ redis, keys }: { redis: RedisClient; keys: Keys }): RepeatCounts {
  return createPartitionCounts({ redis, keys, classes: repeatClasses, keyOf: keys.repeats })
}
