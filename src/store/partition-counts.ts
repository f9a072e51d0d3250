/** Counts of an account by class that each partition keeps for itself, added up. */
import type { RedisClient } from '../redis/client.ts'
import type { Keys } from './keys.ts'
import { type Command, readTogether } from './together.ts'

export interface PartitionCounts<Class extends string> {
  countsOf(account: string): Promise<Record<Class, number>>
}

export interface PartitionCountsDeps<Class extends string> {
  redis: RedisClient
  keys: Keys
  classes: readonly Class[]
  keyOf(partition: number): string
}

/** The field under which a partition counts. */
export const countField = (account: string, name: string) => `${account} ${name}`

export function createPartitionCounts<Class extends string>({
  redis,
  keys,
  classes,
  keyOf,
}: PartitionCountsDeps<Class>): PartitionCounts<Class> {
  const partitions = Array.from({ length: keys.partitions }, (_, partition) => partition)
  return {
    async countsOf(account) {
      const fields = classes.map((name) => countField(account, name))
      const commands = partitions.map((partition): Command => ['hmget', keyOf(partition), ...fields])
      const rows = (await readTogether(redis, commands)) as (string | null)[][]
      const sum = (index: number) => rows.reduce((total, row) => total + Number(row[index] ?? 0), 0)
      return Object.fromEntries(classes.map((name, index) => [name, sum(index)])) as Record<Class, number>
    },
  }
}
