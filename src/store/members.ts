/** The transfers of a batch, in the order in which they were registered. */
import type { BatchId, TransferId } from '../domain/ids.ts'
import type { Transfer, TransferState } from '../domain/transfer.ts'
import type { RedisClient } from '../redis/client.ts'
import { decodeStored } from './codec/codec.ts'
import type { Keys } from './keys.ts'
import { type Command, readTogether } from './together.ts'

export interface MemberPage {
  transfers: Transfer[]
  /** The position after which the next page begins. */
  next: number | null
}

export interface Members {
  list(
    batch: BatchId,
    request: { after?: number | undefined; state?: TransferState | undefined; limit: number },
  ): Promise<MemberPage>
  /** From this position on; those of them whose records are there. */
  read(batch: BatchId, from: number, count: number): Promise<{ listed: number; transfers: Transfer[] }>
}

/** Of a batch of 3,000 six round trips, where next to none is in the state that is asked for. */
const readAtOnce = 500

export function createMembers({ redis, keys }: { redis: RedisClient; keys: Keys }): Members {
  async function read(batch: BatchId, from: number, count: number) {
    const ids = (await redis.zrange(
      keys.members(batch),
      String(from),
      String(from + count - 1),
    )) as TransferId[]
    const texts = await readTogether(
      redis,
      ids.map((id): Command => ['get', keys.intent(id)]),
    )
    const transfers = ids.map((id, i) => decodeTransfer(id, texts[i]))
    return { listed: ids.length, transfers }
  }

  return {
    async read(batch, from, count) {
      const { listed, transfers } = await read(batch, from, count)
      return { listed, transfers: transfers.flatMap((one) => (one ? [one] : [])) }
    },

    async list(batch, { after = -1, state, limit }) {
      const transfers: Transfer[] = []
      const chunk = state === undefined ? limit + 1 : readAtOnce
      let last = after
      for (let from = after + 1; ; from += chunk) {
        const page = await read(batch, from, chunk)
        for (const [i, transfer] of page.transfers.entries()) {
          const isWanted = transfer && (state === undefined || transfer.state === state)
          if (isWanted && transfers.length === limit) return { transfers, next: last }
          last = from + i
          if (isWanted) transfers.push(transfer)
        }
        if (page.listed < chunk) return { transfers, next: null }
      }
    },
  }
}

function decodeTransfer(id: TransferId, text: unknown): Transfer | undefined {
  if (typeof text !== 'string') return undefined
  const stored = decodeStored(id, text)
  return stored.form === 'record' && stored.intent.kind === 'transfer' ? stored.intent : undefined
}
