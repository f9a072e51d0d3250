/**
 * The transfers of a batch, in the order in which they were registered. One that has left for the archive is still a member:
 * what stays of it says its state and amount, and the archive the rest.
 */
import type { BatchId, TransferId } from '../domain/ids.ts'
import type { Money } from '../domain/money.ts'
import type { Transfer, TransferState } from '../domain/transfer.ts'
import type { RedisClient } from '../redis/client.ts'
import { decodeStored, summaryOf } from './codec/codec.ts'
import type { IntentStore } from './intents.ts'
import type { Keys } from './keys.ts'
import { type Command, readTogether } from './together.ts'

export interface MemberPage {
  transfers: Transfer[]
  /** The position after which the next page begins. */
  next: number | null
}

/** What adds up. */
export interface MemberSummary {
  state: TransferState
  amount: Money
  registered: Money
}

export interface Members {
  list(
    batch: BatchId,
    request: { after?: number | undefined; state?: TransferState | undefined; limit: number },
  ): Promise<MemberPage>
  /** Of all of them. */
  summarise(batch: BatchId): Promise<MemberSummary[]>
}

const readAtOnce = 500

export interface MembersDeps {
  redis: RedisClient
  keys: Keys
  intents: Pick<IntentStore, 'listMembers' | 'load'>
}

export function createMembers({ redis, keys, intents }: MembersDeps): Members {
  async function readSummaries(ids: readonly TransferId[]): Promise<(MemberSummary | undefined)[]> {
    const texts = await readTogether(
      redis,
      ids.map((id): Command => ['get', keys.intent(id)]),
    )
    return ids.map((id, i) => {
      const text = texts[i]
      const summary = typeof text === 'string' ? summaryOf(decodeStored(id, text)) : undefined
      const { state, amount, registered } = summary ?? {}
      if (state === undefined || !amount) return undefined
      return { state: state as TransferState, amount, registered: registered ?? amount }
    })
  }

  /** Positions of those in this state, from one on, until there are enough. */
  async function find(
    ids: readonly TransferId[],
    from: number,
    state: TransferState,
    enough: number,
  ): Promise<number[]> {
    const found: number[] = []
    for (let at = from; at < ids.length && found.length < enough; at += readAtOnce) {
      const summaries = await readSummaries(ids.slice(at, at + readAtOnce))
      found.push(...summaries.flatMap((one, i) => (one?.state === state ? [at + i] : [])))
    }
    return found.slice(0, enough)
  }

  return {
    async list(batch, { after = -1, state, limit }) {
      const ids = await intents.listMembers(batch)
      const positions =
        state === undefined
          ? Array.from({ length: Math.min(limit + 1, ids.length - after - 1) }, (_, i) => after + 1 + i)
          : await find(ids, after + 1, state, limit + 1)
      const page = positions.slice(0, limit)
      const loaded = await intents.load(page.map((position) => ids[position] as TransferId))
      const transfers = loaded.map((one) => {
        if (one.outcome === 'unreadable') throw one.error
        return one.outcome === 'found' && one.intent.kind === 'transfer' ? one.intent : undefined
      })
      return {
        transfers: transfers.flatMap((one) => (one ? [one] : [])),
        next: positions.length > limit ? (page.at(-1) ?? null) : null,
      }
    },

    async summarise(batch) {
      const ids = await intents.listMembers(batch)
      const all: MemberSummary[] = []
      for (let at = 0; at < ids.length; at += readAtOnce) {
        const summaries = await readSummaries(ids.slice(at, at + readAtOnce))
        all.push(...summaries.flatMap((one) => (one ? [one] : [])))
      }
      return all
    },
  }
}
