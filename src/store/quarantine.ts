/**
 * Refused callbacks, kept for an operator to look at: the newest of each account, sealed, with the reason. It is a
 * courtesy and never a promise: nothing waits for it, and a flood of forgeries pushes out older ones and nothing else.
 */
import type { RedisClient } from '../redis/client.ts'
import type { Sealer } from './codec.ts'
import type { Keys } from './keys.ts'

export interface RefusedCallback {
  account: string
  reason: string
  source: string
  receivedAt: number
  digest: string
  headers: Record<string, string>
  body: Uint8Array
}

export interface Quarantine {
  keep(refused: RefusedCallback): Promise<void>
}

const keptPerAccountMax = 1000

/** A body that is larger is noted by its digest alone. */
const keptBodyBytesMax = 16 * 1024

/** While Redis is slow, forgeries must not gather in memory. */
const pendingMax = 64

export function createQuarantine({
  redis,
  keys,
  sealer,
}: {
  redis: RedisClient
  keys: Keys
  sealer: Sealer
}): Quarantine {
  let pending = 0
  return {
    async keep({ body, ...rest }) {
      if (pending >= pendingMax) return
      const kept =
        body.length <= keptBodyBytesMax ? sealer.seal(body, `quarantine:${rest.digest}`) : undefined
      const entry = JSON.stringify({ v: 1, ...rest, bytes: body.length, body: kept })
      pending++
      try {
        await redis.xadd(keys.quarantine(rest.account), 'MAXLEN', '~', keptPerAccountMax, '*', 'e', entry)
      } finally {
        pending--
      }
    },
  }
}
