/**
 * Makes one person unreadable, everywhere at once: their keys are thrown away, and with them everything is closed that
 * was sealed under them, in Redis, in the archive and in every copy of those that is without the keys. Then what
 * waits unapplied is looked through. What a worker had in hand meanwhile may have made a new key, so the keys are
 * thrown away once more at the end.
 */
import type { RedisClient } from '../redis/client.ts'
import type { Keys } from '../store/keys.ts'
import type { Vault } from '../store/vault.ts'
import type { ErasePass } from './pass.ts'

export interface EraseDeps {
  redis: RedisClient
  keys: Keys
  vault: Pick<Vault, 'forget'>
  pass(): Promise<ErasePass>
  pause(ms: number): Promise<void>
}

export interface Erased extends ErasePass {
  /** Of each partition in which something lay about the person. */
  keys: number
  /** The intents that were found by the person until now. */
  intents: number
}

const lookAgainMs = 500
/** Workers take what waits within seconds, unless they stand still. */
const looksMax = 60

export async function erase(deps: EraseDeps, person: string): Promise<Erased> {
  let thrown = await deps.vault.forget(person)
  const intents = await forgetPlaces(deps, person)
  const sum = await deps.pass()
  for (let look = 1; sum.waiting > 0 && look < looksMax; look++) {
    await deps.pause(lookAgainMs)
    const { parked, failedJobs, quarantined, waiting, unread } = await deps.pass()
    sum.parked += parked
    sum.failedJobs += failedJobs
    sum.quarantined += quarantined
    Object.assign(sum, { waiting, unread })
  }
  thrown += await deps.vault.forget(person)
  return { keys: thrown, intents: intents + (await forgetPlaces(deps, person)), ...sum }
}

/** Nobody finds them by the person any more. */
async function forgetPlaces({ redis, keys }: EraseDeps, person: string): Promise<number> {
  let count = 0
  for (let partition = 0; partition < keys.partitions; partition++) {
    const key = keys.payee(partition, person)
    count += await redis.zcard(key)
    await redis.del(key)
  }
  return count
}
