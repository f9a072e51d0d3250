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
  /** The id of the key that seals from now on. */
  sealsWith: string
}

/**
 * Of what is kept. It changes when an earlier version could not read what this one writes. The form before is read as well, and
 * noted as this one by the first start: from then on an earlier version is refused.
 */
const form = '4'
const formBefore = '3'

export async function checkFixed(redis: RedisClient, keys: Keys, fixed: Fixed): Promise<void> {
  await refuseDifference(redis, keys, fixed)
  const stored = await redis.hgetall(keys.meta)
  const fields = {
    // First: another first start at the same moment must not find the rest without it.
    form,
    partitions: String(fixed.partitions),
    index: fixed.indexCheck,
    ...sealFields(fixed, stored),
  }
  const missing = Object.entries(fields).filter(([field]) => stored[field] === undefined)
  // A start that has nothing to note writes nothing: it must also succeed on a Redis that is full, to drain it.
  if (missing.length === 0 && stored.sealing === fixed.sealsWith && stored.form === form) return
  for (const [field, value] of missing) await redis.hsetnx(keys.meta, field, value)
  // Once more, for two first starts at the same moment.
  await refuseDifference(redis, keys, fixed)
  await redis.hset(keys.meta, 'sealing', fixed.sealsWith, 'form', form)
}

/** Compares before anything is written: a start that is refused must leave no trace of its keys. */
export async function refuseDifference(redis: RedisClient, keys: Keys, fixed: Fixed): Promise<void> {
  const problem = findDifference(await redis.hgetall(keys.meta), fixed)
  if (problem) throw new AppError('invalid-configuration', { detail: problem })
}

/** One that nothing is sealed under any more may stay configured for a while; it is asked for again once it seals. */
function sealFields(
  { sealChecks, sealsWith }: Fixed,
  stored: Record<string, string>,
): Record<string, string> {
  const wanted = Object.entries(sealChecks).filter(
    ([id, value]) => id === sealsWith || stored[`retired:${id}`] !== value,
  )
  return Object.fromEntries(wanted.map(([id, value]) => [`seal:${id}`, value]))
}

const epochBytes = 9

/**
 * Which log this is: minted once, and so another where Redis lost everything. A cursor of the one before is known for what it
 * is by it.
 */
export async function openEpoch(
  redis: RedisClient,
  keys: Keys,
  randomBytes: (count: number) => Uint8Array,
): Promise<string> {
  const known = await redis.hget(keys.meta, 'epoch')
  if (known !== null) return known
  const minted = Buffer.from(randomBytes(epochBytes)).toString('base64url')
  const isFirst = await redis.hsetnx(keys.meta, 'epoch', minted)
  // Another first start may have been at it in the same moment.
  return isFirst === 1 ? minted : ((await redis.hget(keys.meta, 'epoch')) ?? minted)
}

/** The id of the key with which the last start began to seal. */
export async function readSealing(redis: RedisClient, keys: Keys): Promise<string | undefined> {
  return (await redis.hget(keys.meta, 'sealing')) ?? undefined
}

/** Of an account that leaves the configuration something still lies here, which has to leave in its time. */
export async function noteAccounts(
  redis: RedisClient,
  keys: Keys,
  accounts: readonly string[],
): Promise<void> {
  const known = new Set(await redis.smembers(keys.accounts))
  const others = accounts.filter((account) => !known.has(account))
  // Like the rest: a start that has nothing to note writes nothing.
  if (others.length > 0) await redis.sadd(keys.accounts, ...others)
}

export async function readFixed(redis: RedisClient, keys: Keys): Promise<Record<string, string>> {
  return redis.hgetall(keys.meta)
}

/**
 * Only after nothing is sealed under any other key: from then on a start without them is let through. They are noted as
 * retired, so that a process that still has one configured does not ask for it again.
 */
export async function retireSealKeys(redis: RedisClient, keys: Keys, current: string): Promise<string[]> {
  const stored = await redis.hgetall(keys.meta)
  const older = Object.entries(stored).filter(
    ([field]) => field.startsWith('seal:') && field !== `seal:${current}`,
  )
  for (const [field, value] of older) {
    await redis.hset(keys.meta, field.replace('seal:', 'retired:'), value)
    await redis.hdel(keys.meta, field)
  }
  return older.map(([field]) => field.slice('seal:'.length))
}

export function findDifference(stored: Record<string, string>, fixed: Fixed): string | undefined {
  if (Object.keys(stored).length === 0) return undefined
  if (stored.form !== form && stored.form !== formBefore) {
    return `REDIS_URL: this Redis was used by a version of Tallyhook that kept things in another form (${stored.form ?? 'an earlier one'}; this version reads ${form}). Take an empty one, or go on with that version.`
  }
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
      return `seal.keys: the key ${id} is missing, and what this Redis holds may be sealed with it. Put it back; \`tallyhook keys reseal\` makes it needless.`
    if (given !== value) return `seal.keys: the key ${id} is not the one that sealed what this Redis holds.`
  }
  return undefined
}
