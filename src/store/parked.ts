/** What is parked: receipts that wait under the name of what they are about. */
import type { AliasId, IntentId, ReceiptId } from '../domain/ids.ts'
import type { Receipt } from '../domain/receipt.ts'
import type { RedisClient } from '../redis/client.ts'
import { toCommand } from './groups.ts'
import type { Keys } from './keys.ts'
import { scanKeys } from './scan.ts'
import { type Command, readTogether } from './together.ts'
import { createTransaction } from './transaction.ts'

export interface ParkedReceipt {
  target: IntentId | AliasId
  receipt: Receipt
}

export interface Parked {
  /** All there is, a few keys at a time. */
  list(): AsyncGenerator<ParkedReceipt[]>
  under(target: IntentId | AliasId): Promise<ParkedReceipt[]>
  find(target: IntentId | AliasId, id: ReceiptId): Promise<Receipt | undefined>
  /** How many of the account are parked where this would be, among those that share a limit. */
  countBeside(target: IntentId | AliasId, account: string): Promise<{ place: string; count: number }>
  /** It was decided on, or waits elsewhere now. Does nothing where it has left already. */
  release(target: IntentId | AliasId, id: ReceiptId): Promise<void>
}

export function createParked({ redis, keys }: { redis: RedisClient; keys: Keys }): Parked {
  async function read(names: readonly string[]): Promise<ParkedReceipt[]> {
    const hashes = await readTogether(
      redis,
      names.map((name): Command => ['hvals', name]),
    )
    return hashes.flatMap((texts, i) =>
      (texts as string[]).map((text) => ({
        target: keys.nameIn(names[i] ?? '') as IntentId,
        receipt: JSON.parse(text) as Receipt,
      })),
    )
  }

  return {
    async *list() {
      for await (const names of scanKeys(redis, { pattern: keys.parkedPattern, type: 'hash' }))
        yield read(names)
    },
    under: (target) => read([keys.parked(target)]),
    async find(target, id) {
      const text = await redis.hget(keys.parked(target), id)
      return text === null ? undefined : (JSON.parse(text) as Receipt)
    },
    async countBeside(target, account) {
      const key = keys.parkedCounts(keys.partitionOf(target))
      return { place: `${key} ${account}`, count: Number((await redis.hget(key, account)) ?? '0') }
    },
    async release(target, id) {
      const key = keys.parked(target)
      const text = await redis.hget(key, id)
      if (text === null) return
      const { account } = JSON.parse(text) as Receipt
      const transaction = createTransaction()
        .check('field', key, id, text)
        .do('HDEL', key, id)
        .do('HINCRBY', keys.parkedCounts(keys.partitionOf(target)), account, -1)
      await readTogether(redis, [toCommand(transaction)])
    },
  }
}
