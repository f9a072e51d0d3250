/**
 * How long it took until a callback settled something, by class. Each partition counts its own, in the step that settles. What
 * an account's provider usually takes is what its times to ask and to worry are chosen by.
 */
import type { RedisClient } from '../redis/client.ts'
import type { Keys } from './keys.ts'
import { countField, createPartitionCounts, type PartitionCounts } from './partition-counts.ts'

/** At most so long. */
const bounds = {
  '1s': 1_000,
  '5s': 5_000,
  '15s': 15_000,
  '1m': 60_000,
  '5m': 300_000,
  '15m': 900_000,
  '1h': 3_600_000,
  '6h': 21_600_000,
  '1d': 86_400_000,
} as const

export type DelayClass = keyof typeof bounds | 'more'
export const delayClasses = [...(Object.keys(bounds) as (keyof typeof bounds)[]), 'more' as const]

export type DelayCount = Record<DelayClass, number>

export function delayClassOf(ms: number): DelayClass {
  return delayClasses.find((name) => name !== 'more' && ms <= bounds[name]) ?? 'more'
}

/** The field under which a partition counts. */
export const delayField = (account: string, delay: DelayClass) => countField(account, delay)

export type DelayCounts = PartitionCounts<DelayClass>

export function createDelayCounts({ redis, keys }: { redis: RedisClient; keys: Keys }): DelayCounts {
  return createPartitionCounts({ redis, keys, classes: delayClasses, keyOf: keys.delays })
}
