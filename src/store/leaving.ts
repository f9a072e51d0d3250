/**
 * Takes out of Redis what the archive has. A record and all that belongs to it leave in one step, and only as they were
 * when they were archived: whoever was quicker is not overwritten, and what leaves is read anew another time. So a crash
 * between the archive and this step leaves a second line in the archive and nothing else.
 */
import type { BatchId, IntentId, ReceiptId } from '../domain/ids.ts'
import type { Intent } from '../domain/intent.ts'
import type { RedisClient } from '../redis/client.ts'
import { caseIdAt } from './case-write.ts'
import { decodeStored } from './codec/codec.ts'
import { noteReceiptPlace, readReceiptPlace } from './codec/heard.ts'
import type { HeardHash, Members } from './codec/kept-intent.ts'
import { readOutcome } from './codec/receipt.ts'
import { encodeTombstone } from './codec/tombstone.ts'
import { isSettled } from './commit.ts'
import { kindOf } from './ids.ts'
import type { Keys } from './keys.ts'
import { commitCommand } from './scripts.ts'
import { type Command, readTogether } from './together.ts'
import { createTransaction, readTransaction, type Transaction } from './transaction.ts'

/** A settled intent as it stands in Redis, with what would leave with it. */
export interface Standing {
  intent: Intent
  text: string
  heard: HeardHash
  members: Members
  /** The texts of its receipts that are still here, by id. */
  receipts: Map<ReceiptId, string>
}

export interface Settled {
  id: IntentId
  since: number
}

export interface Leaving {
  accounts(): Promise<string[]>
  /** Settled within these times, the longest ago first. */
  list(
    partition: number,
    account: string,
    range: { from: number; until: number; offset: number; limit: number },
  ): Promise<Settled[]>
  /** Of those that may leave; undefined for one that has to stay. */
  read(ids: readonly IntentId[]): Promise<(Standing | undefined)[]>
  /** The ids, without their prefix, of the intents that somebody still has to look at. */
  listInCases(partition: number, account: string): Promise<ReadonlySet<string>>
  /** Says of each whether it left. `receipts`: the places of those that were still here. */
  leave(
    leavers: readonly { standing: Standing; place: string; receipts: ReadonlyMap<ReceiptId, string> }[],
  ): Promise<boolean[]>
  /** The same of receipts alone. */
  leaveReceipts(
    leavers: readonly { standing: Standing; receipts: ReadonlyMap<ReceiptId, string> }[],
  ): Promise<boolean[]>
  /** Up to when an account's receipts have left. */
  readReceiptsLeft(partition: number, account: string): Promise<number>
  noteReceiptsLeft(partition: number, account: string, until: number): Promise<void>
}

export function createLeaving({ redis, keys }: { redis: RedisClient; keys: Keys }): Leaving {
  async function run(transactions: readonly Transaction[]): Promise<boolean[]> {
    const answers = await readTogether(
      redis,
      transactions.map((transaction): Command => {
        const call = transaction.toCall()
        return [commitCommand, call.keys.length, ...call.keys, ...call.args]
      }),
    )
    return answers.map((answer) => readTransaction(answer).outcome === 'written')
  }

  async function readReceipts(standings: readonly Omit<Standing, 'receipts'>[]): Promise<Standing[]> {
    const wanted = standings.map(({ heard }) =>
      Object.entries(heard).flatMap(([id, text]) =>
        readReceiptPlace(text) === undefined ? [id as ReceiptId] : [],
      ),
    )
    const texts = await readTogether(
      redis,
      standings.flatMap(({ intent }, i) =>
        (wanted[i] ?? []).map((id): Command => ['get', keys.receipt(keys.partitionOf(intent.id), id)]),
      ),
    )
    let at = 0
    return standings.map((standing, i) => {
      const receipts = new Map<ReceiptId, string>()
      for (const id of wanted[i] ?? []) {
        const text = texts[at++]
        if (typeof text === 'string') receipts.set(id, text)
      }
      return { ...standing, receipts }
    })
  }

  /** As it was read: the record, what it has heard, and the receipts that may still be decided anew. */
  function begin({ intent, text, heard, receipts }: Standing): Transaction {
    const transaction = createTransaction()
      .check('same', keys.intent(intent.id), text)
      .check('size', keys.heard(intent.id), String(Object.keys(heard).length))
    for (const [id, receipt] of receipts) {
      if (readOutcome(receipt) === 'awaits-person')
        transaction.check('same', keys.receipt(keys.partitionOf(intent.id), id), receipt)
    }
    return transaction
  }

  return {
    accounts: () => redis.smembers(keys.accounts),

    async list(partition, account, { from, until, offset, limit }) {
      const key = keys.final(partition, account)
      const flat = await redis.zrangebyscore(key, from, until, 'WITHSCORES', 'LIMIT', offset, limit)
      return toPairs(flat).map(([id, since]) => ({ id: id as IntentId, since }))
    },

    async read(ids) {
      const found = await readTogether(
        redis,
        ids.flatMap((id): Command[] => [
          ['get', keys.intent(id)],
          ['hgetall', keys.heard(id)],
          ['zrange', keys.members(id as BatchId), 0, kindOf(id) === 'batch' ? -1 : 0, 'WITHSCORES'],
        ]),
      )
      const standings = ids.map((id, i) => readStanding(id, found.slice(3 * i, 3 * i + 3)))
      const there = standings.filter((one) => one !== undefined)
      const whole = new Map((await readReceipts(there)).map((one) => [one.intent.id, one]))
      return ids.map((id) => whole.get(id))
    },

    async listInCases(partition, account) {
      const places = await redis.zrange(keys.casesIn(partition, account, 'open'), 0, '-1')
      return new Set(places.map((place) => caseIdAt(place).split('-')[1] ?? ''))
    },

    leave: (leavers) =>
      run(
        leavers.map(({ standing, place, receipts }) => {
          const { intent } = standing
          const partition = keys.partitionOf(intent.id)
          const transaction = begin(standing)
            .do('SET', keys.intent(intent.id), encodeTombstone(intent, place))
            .do('DEL', keys.heard(intent.id))
            .do('ZREM', keys.final(partition, intent.account), intent.id)
            .do('ZREM', keys.watch(partition, intent.account), intent.id)
          for (const id of receipts.keys()) transaction.do('DEL', keys.receipt(partition, id))
          if (intent.kind === 'batch')
            transaction.do('DEL', keys.members(intent.id)).do('ZREM', keys.audits(partition), intent.id)
          return transaction
        }),
      ),

    leaveReceipts: (leavers) =>
      run(
        leavers.map(({ standing, receipts }) => {
          const { intent, heard } = standing
          const transaction = begin(standing)
          for (const [id, place] of receipts) {
            transaction.do('HSET', keys.heard(intent.id), id, noteReceiptPlace(heard[id] ?? '', place))
            transaction.do('DEL', keys.receipt(keys.partitionOf(intent.id), id))
          }
          return transaction
        }),
      ),

    async readReceiptsLeft(partition, account) {
      return Number((await redis.hget(keys.receiptsLeft(partition), account)) ?? 0)
    },
    async noteReceiptsLeft(partition, account, until) {
      await redis.hset(keys.receiptsLeft(partition), account, String(until))
    },
  }
}

function readStanding(
  id: IntentId,
  [text, heard, members]: readonly unknown[],
): Omit<Standing, 'receipts'> | undefined {
  const stored = typeof text === 'string' ? decodeStored(id, text) : undefined
  if (typeof text !== 'string' || stored?.form !== 'record' || !isSettled(stored.intent)) return undefined
  const { intent } = stored
  return {
    intent,
    text,
    heard: (heard ?? {}) as HeardHash,
    members: toPairs((members ?? []) as string[]),
  }
}

function toPairs(flat: readonly string[]): [text: string, score: number][] {
  const pairs: [string, number][] = []
  for (let i = 0; i < flat.length; i += 2) pairs.push([flat[i] ?? '', Number(flat[i + 1])])
  return pairs
}
