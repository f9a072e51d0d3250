/** How much money an account's pending transfers and coupons are about, by state: of a number of them, for nobody keeps a sum. */
import type { IntentId } from '../domain/ids.ts'
import type { Intent } from '../domain/intent.ts'
import type { RedisClient } from '../redis/client.ts'
import type { IntentStore } from './intents.ts'
import type { Keys } from './keys.ts'
import { type Command, readTogether } from './together.ts'

export interface PendingSum {
  state: Intent['state']
  currency: string
  count: number
  minor: bigint
}

export interface PendingSums {
  sums: PendingSum[]
  /** There are more than were looked at. */
  atLeast: boolean
}

export type ReadPendingSums = (account: string) => Promise<PendingSums>

const usualLookedAtMax = 512

export function createReadPendingSums({
  redis,
  keys,
  intents,
  lookedAtMax = usualLookedAtMax,
}: {
  redis: RedisClient
  keys: Keys
  intents: Pick<IntentStore, 'load'>
  lookedAtMax?: number
}): ReadPendingSums {
  const each = Math.ceil(lookedAtMax / keys.partitions)
  const partitions = Array.from({ length: keys.partitions }, (_, partition) => partition)
  return async (account) => {
    const found = (await readTogether(
      redis,
      partitions.map((at): Command => ['zrange', keys.watch(at, account), 0, each]),
    )) as IntentId[][]
    const loaded = await intents.load(found.flatMap((ids) => ids.slice(0, each)))
    const sums = new Map<string, PendingSum>()
    for (const one of loaded) {
      // A batch is worth what its transfers are, and those are counted.
      if (one.outcome !== 'found' || one.intent.kind === 'batch' || !one.intent.amount) continue
      const { state, amount } = one.intent
      const key = `${state} ${amount.currency}`
      const sum = sums.get(key) ?? { state, currency: amount.currency, count: 0, minor: 0n }
      sums.set(key, { ...sum, count: sum.count + 1, minor: sum.minor + amount.minor })
    }
    return { sums: [...sums.values()], atLeast: found.some((ids) => ids.length > each) }
  }
}
