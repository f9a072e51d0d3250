/**
 * Who works on a partition alone for a while. It saves work and guards nothing: what is done under it is safe to be done
 * twice, so a holder that slept past its lease does no harm.
 */
import type { RedisClient } from '../redis/client.ts'
import { commitCommand } from './scripts.ts'
import { readTogether } from './together.ts'
import { createTransaction, readTransaction, type Transaction } from './transaction.ts'

export interface Lease {
  take(): Promise<boolean>
  /** False where it was lost: then somebody else is at it. */
  renew(): Promise<boolean>
  release(): Promise<void>
}

export function createLease(redis: RedisClient, key: string, token: string, ttlMs: number): Lease {
  async function runIfMine(write: (transaction: Transaction) => Transaction): Promise<boolean> {
    const call = write(createTransaction().check('same', key, token)).toCall()
    const [answer] = await readTogether(redis, [
      [commitCommand, call.keys.length, ...call.keys, ...call.args],
    ])
    return readTransaction(answer).outcome === 'written'
  }

  return {
    take: async () => (await redis.set(key, token, 'PX', ttlMs, 'NX')) === 'OK',
    renew: () => runIfMine((transaction) => transaction.do('PEXPIRE', key, ttlMs)),
    async release() {
      await runIfMine((transaction) => transaction.do('DEL', key))
    },
  }
}
