/** When each API token was last used. Noted at most once a minute in each process, and lost at most for that long: nobody waits for it. */
import type { RedisClient } from '../redis/client.ts'
import type { Keys } from './keys.ts'

export interface TokenUse {
  note(id: string): void
  /** By the id of the token, as milliseconds. */
  lastUsed(): Promise<ReadonlyMap<string, number>>
}

export interface TokenUseDeps {
  redis: RedisClient
  keys: Keys
  clock: () => number
}

const everyMs = 60_000

export function createTokenUse({ redis, keys, clock }: TokenUseDeps): TokenUse {
  const noted = new Map<string, number>()
  return {
    note(id) {
      const now = clock()
      if (now - (noted.get(id) ?? -everyMs) < everyMs) return
      noted.set(id, now)
      // Without Redis the next use after it is back is noted.
      redis.hset(keys.tokenUse, id, now).catch(() => noted.delete(id))
    },
    async lastUsed() {
      const fields = Object.entries(await redis.hgetall(keys.tokenUse))
      return new Map(fields.map(([id, at]) => [id, Number(at)]))
    },
  }
}
