/**
 * What must stay the same from one start to the next: the number of partitions, since it decides where everything
 * lives, and the seal keys, since a wrong one would make data unreadable one record at a time. A start that differs is
 * refused with a sentence, before anything is read or written.
 */

import { AppError } from '../domain/errors.ts'
import type { RedisClient } from '../redis/client.ts'
import type { Keys } from './keys.ts'

export interface Fixed {
  partitions: number
  /** Tells index keys apart without saying what they are: with another, nothing that was registered would be found alike. */
  indexCheck: string
  /** By id of the seal key, a value that tells keys apart without saying what they are. */
  sealChecks: Record<string, string>
}

export async function checkFixed(redis: RedisClient, keys: Keys, fixed: Fixed): Promise<void> {
  const stored = await refuseDifferent(redis, keys, fixed)
  const fields = { partitions: String(fixed.partitions), index: fixed.indexCheck, ...sealFields(fixed) }
  const missing = Object.entries(fields).filter(([field]) => stored[field] === undefined)
  // A start that has nothing to note writes nothing: it must also succeed on a Redis that is full, to drain it.
  if (missing.length === 0) return
  for (const [field, value] of missing) await redis.hsetnx(keys.meta, field, value)
  // Once more, for two first starts at the same moment.
  await refuseDifferent(redis, keys, fixed)
}

/** Compares before anything is written: a start that is refused must leave no trace of its keys. */
async function refuseDifferent(
  redis: RedisClient,
  keys: Keys,
  fixed: Fixed,
): Promise<Record<string, string>> {
  const stored = await redis.hgetall(keys.meta)
  const problem = findDifference(stored, fixed)
  if (problem) throw new AppError('invalid-configuration', { detail: problem })
  return stored
}

function sealFields({ sealChecks }: Fixed): Record<string, string> {
  return Object.fromEntries(Object.entries(sealChecks).map(([id, value]) => [`seal:${id}`, value]))
}

export function findDifference(stored: Record<string, string>, fixed: Fixed): string | undefined {
  if (Object.keys(stored).length === 0) return undefined
  if (stored.partitions !== undefined && stored.partitions !== String(fixed.partitions)) {
    return `partitions: this Redis was first used with ${stored.partitions}, and the number cannot change to ${fixed.partitions}.`
  }
  if (stored.index !== undefined && stored.index !== fixed.indexCheck)
    return 'seal.indexKey: it is not the one that this Redis was first used with.'
  for (const [field, value] of Object.entries(stored)) {
    if (!field.startsWith('seal:')) continue
    const id = field.slice('seal:'.length)
    const given = fixed.sealChecks[id]
    if (given === undefined)
      return `seal.keys: the key ${id} is missing, and what this Redis holds is sealed with it.`
    if (given !== value) return `seal.keys: the key ${id} is not the one that sealed what this Redis holds.`
  }
  return undefined
}
