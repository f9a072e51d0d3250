/** Transfers by their beneficiary's account number, newest first, over all partitions. */

import type { TransferId } from '../domain/ids.ts'
import { describeSearch } from '../domain/person.ts'
import type { Transfer } from '../domain/transfer.ts'
import type { RedisClient } from '../redis/client.ts'
import type { IntentStore } from './intents.ts'
import type { Keys } from './keys.ts'

export interface Place {
  at: number
  id: TransferId
}

export interface SearchRequest {
  number: string
  account?: string | undefined
  /** The last of the page before. */
  after?: Place | undefined
  limit: number
}

export interface TransferSearch {
  search(request: SearchRequest): Promise<{ transfers: Transfer[]; next: Place | null }>
}

export interface TransferSearchDeps {
  redis: RedisClient
  keys: Keys
  intents: Pick<IntentStore, 'load'>
  digestNumber(text: string): string
}

/** For one account's transfers others may have to be passed over; the cursor goes on from where an answer stopped. */
const lookedAtMax = 1000

export function createTransferSearch({
  redis,
  keys,
  intents,
  digestNumber,
}: TransferSearchDeps): TransferSearch {
  const placesOf = (number: string) =>
    describeSearch(number)
      .map(digestNumber)
      .flatMap((digest) =>
        Array.from({ length: keys.partitions }, (_, partition) => keys.payee(partition, digest)),
      )

  /** Of each set the first `limit` after the place; the first `limit` of all are among them. */
  async function readPlaces(
    sets: readonly string[],
    after: Place | undefined,
    limit: number,
  ): Promise<Place[]> {
    const found = await Promise.all(sets.map((key) => readSet(key, after, limit)))
    return found.flat().sort(newestFirst).slice(0, limit)
  }

  async function readSet(key: string, after: Place | undefined, limit: number): Promise<Place[]> {
    const places: Place[] = []
    for (let offset = 0; places.length < limit; offset += limit) {
      const top = after?.at ?? '+inf'
      const flat = await redis.zrevrangebyscore(key, top, '-inf', 'WITHSCORES', 'LIMIT', offset, limit)
      const read = toPlaces(flat)
      // Those of the same millisecond that were shown already come again.
      places.push(...read.filter((place) => !after || newestFirst(after, place) < 0))
      if (read.length < limit) break
    }
    return places
  }

  async function load(places: readonly Place[]): Promise<(Transfer | undefined)[]> {
    const loaded = await intents.load(places.map(({ id }) => id))
    return loaded.map((one) => {
      if (one.outcome === 'unreadable') throw one.error
      return one.outcome === 'found' && one.intent.kind === 'transfer' ? one.intent : undefined
    })
  }

  return {
    async search({ number, account, after, limit }) {
      const sets = placesOf(number)
      const transfers: Transfer[] = []
      let last = after
      for (let lookedAt = 0; lookedAt < lookedAtMax; ) {
        const places = await readPlaces(sets, last, limit + 1)
        const loaded = await load(places)
        for (const [index, place] of places.entries()) {
          if (transfers.length === limit) return { transfers, next: last ?? null }
          last = place
          const transfer = loaded[index]
          if (transfer && (account === undefined || transfer.account === account)) transfers.push(transfer)
        }
        lookedAt += places.length
        if (places.length <= limit) return { transfers, next: null }
      }
      return { transfers, next: last ?? null }
    },
  }
}

function toPlaces(flat: readonly string[]): Place[] {
  const places: Place[] = []
  for (let i = 0; i < flat.length; i += 2) places.push({ id: flat[i] as TransferId, at: Number(flat[i + 1]) })
  return places
}

/** As Redis orders them: by time, and where that is the same by id, both downwards. */
function newestFirst(a: Place, b: Place): number {
  return b.at - a.at || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0)
}
