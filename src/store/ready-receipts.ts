/**
 * Receipts whose transfer was registered after they came. They wait here, one hash a partition, until they have been
 * put on the queue; they leave only after that, so each is queued at least once, and under its own id.
 */

import type { Receipt } from '../domain/receipt.ts'
import type { RedisClient } from '../redis/client.ts'
import { toCommand } from './groups.ts'
import type { Keys } from './keys.ts'
import { readTogether } from './together.ts'
import { createTransaction } from './transaction.ts'

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
      const texts = pairs.filter((_, i) => i % 2 === 1)
      if (texts.length === 0) continue
      const receipts = texts.map((text) => JSON.parse(text) as Receipt)
      // Minted ids sort by age.
      await enqueue(receipts.toSorted((a, b) => (a.id < b.id ? -1 : 1)))
      await letGo(
        key,
        receipts.map(({ id }, i) => ({ id, text: texts[i] as string })),
      )
      pumped += receipts.length
    }
    return pumped
  }

  /** As they were: one that became ready anew meanwhile, since a person resolved another case with it, stays. */
  async function letGo(key: string, taken: readonly { id: string; text: string }[]): Promise<void> {
    await readTogether(
      redis,
      taken.map(({ id, text }) =>
        toCommand(createTransaction().check('field', key, id, text).do('HDEL', key, id)),
      ),
    )
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
