/**
 * Receipts whose transfer was registered after they came. They wait here, one hash a partition, until they have been
 * put on the queue; they leave only after that, so each is queued at least once, and under its own id.
 */

import type { Receipt } from '../domain/receipt.ts'
import type { RedisClient } from '../redis/client.ts'
import type { Keys } from './keys.ts'

export interface ReadyReceipts {
  /** Hands every ready receipt to `enqueue`, in order of arrival, and lets go of what it took. Says how many. */
  pump(enqueue: (receipts: Receipt[]) => Promise<void>): Promise<number>
}

const atOnceMax = 256

export function createReadyReceipts({ redis, keys }: { redis: RedisClient; keys: Keys }): ReadyReceipts {
  async function pumpPartition(
    partition: number,
    enqueue: (receipts: Receipt[]) => Promise<void>,
  ): Promise<number> {
    const key = keys.ready(partition)
    let pumped = 0
    for (let cursor = '0', first = true; first || cursor !== '0'; first = false) {
      const [next, pairs] = await redis.hscan(key, cursor, 'COUNT', atOnceMax)
      cursor = next
      const receipts = pairs.filter((_, i) => i % 2 === 1).map((text) => JSON.parse(text) as Receipt)
      if (receipts.length === 0) continue
      // Minted ids sort by age.
      await enqueue(receipts.sort((a, b) => (a.id < b.id ? -1 : 1)))
      await redis.hdel(key, ...receipts.map(({ id }) => id))
      pumped += receipts.length
    }
    return pumped
  }

  return {
    async pump(enqueue) {
      let pumped = 0
      for (let partition = 0; partition < keys.partitions; partition++) {
        if ((await redis.hlen(keys.ready(partition))) > 0) pumped += await pumpPartition(partition, enqueue)
      }
      return pumped
    },
  }
}
