/** The receipts that were decided on and are still in Redis, by looking through all keys: there is no index of them. */
import type { ReceiptId } from '../domain/ids.ts'
import type { RedisClient } from '../redis/client.ts'
import { decodeReceipt, type ReceiptRecord } from './codec/receipt.ts'
import type { Keys } from './keys.ts'
import { scanKeys } from './scan.ts'
import { type Command, readTogether } from './together.ts'

/** Only those are read whose id is wanted. */
export type ListRecorded = (wants: (id: ReceiptId) => boolean) => AsyncGenerator<ReceiptRecord[]>

export function createListRecorded({ redis, keys }: { redis: RedisClient; keys: Keys }): ListRecorded {
  return async function* (wants) {
    for await (const names of scanKeys(redis, { pattern: keys.receiptPattern })) {
      const wanted = names.filter((name) => wants(keys.nameIn(name) as ReceiptId))
      const texts = await readTogether(
        redis,
        wanted.map((name): Command => ['get', name]),
      )
      yield texts.flatMap((text) => (typeof text === 'string' ? [decodeReceipt(text)] : []))
    }
  }
}
