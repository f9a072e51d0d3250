/**
 * How often in a row a sign-in failed, of a name and of a source, in all processes together. Each attempt is counted before
 * the password is looked at, and the last one that is allowed closes the door behind it: many at the same moment get no more
 * tries than one after another. Each further failure closes it for twice as long.
 */
import { createHash } from 'node:crypto'
import type { RedisClient } from '../redis/client.ts'
import type { Keys } from './keys.ts'

export interface SignInFailures {
  /** How long to wait; 0: it may be tried, and counts as failed until it is forgotten. */
  attempt(name: string, source: string): Promise<number>
  /** It succeeded: the name is as new, and of the source this one attempt is taken back. */
  forget(name: string, source?: string): Promise<void>
}

export interface SignInFailuresDeps {
  redis: RedisClient
  keys: Keys
}

/** In a row, before the door closes. Behind a proxy many come from one address. */
const allowed = { name: 5, source: 20 } as const
const firstMs = 30_000
const longestMs = 3_600_000
const rememberedMs = { name: 24 * 3_600_000, source: 3_600_000 } as const

type Kind = keyof typeof allowed

export function createSignInFailures({ redis, keys }: SignInFailuresDeps): SignInFailures {
  const placeOf = (kind: Kind, text: string) => {
    const digest = createHash('sha256').update(text).digest('base64url').slice(0, 22)
    return { count: keys.signInFailures(kind, digest), lock: keys.signInLock(kind, digest) }
  }

  async function attemptOf(kind: Kind, text: string): Promise<number> {
    const { count, lock } = placeOf(kind, text)
    const left = await redis.pttl(lock)
    if (left > 0) return left
    const number = await redis.incr(count)
    await redis.pexpire(count, rememberedMs[kind])
    const over = number - allowed[kind]
    if (over < 0) return 0
    const lockMs = Math.min(firstMs * 2 ** Math.min(over, 20), longestMs)
    // Whoever closes it has the one try; the others of the same moment come too late.
    return (await redis.set(lock, '1', 'PX', lockMs, 'NX')) === 'OK' ? 0 : lockMs
  }

  return {
    async attempt(name, source) {
      const bySource = await attemptOf('source', source)
      return bySource > 0 ? bySource : attemptOf('name', name)
    },
    async forget(name, source) {
      const ofName = placeOf('name', name)
      await Promise.all([redis.del(ofName.count), redis.del(ofName.lock)])
      if (source === undefined) return
      const ofSource = placeOf('source', source)
      await Promise.all([redis.decr(ofSource.count), redis.del(ofSource.lock)])
    },
  }
}
