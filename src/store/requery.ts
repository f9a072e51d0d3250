/**
 * Wants the providers asked about everything that is not settled, now. It goes by the records and not by the index of what
 * is to be asked: after a backup was restored nobody knows what that lacks.
 */
import type { Intent } from '../domain/intent.ts'
import type { RedisClient } from '../redis/client.ts'
import { decodeStored } from './codec/codec.ts'
import { isSettled } from './commit.ts'
import type { Keys } from './keys.ts'
import { scanKeys } from './scan.ts'
import { commitCommand } from './scripts.ts'
import { type Command, readTogether } from './together.ts'
import { createTransaction, readTransaction } from './transaction.ts'

export interface Requeried {
  /** Records that were looked at. */
  seen: number
  unsettled: number
  /** By account, of the unsettled. */
  accounts: Record<string, number>
  /** Of the unsettled, those that a person has to look at; asked about like the others. */
  held: number
}

export interface RequeryDeps {
  redis: RedisClient
  keys: Keys
  clock: () => number
}

/** A batch of keys is held in memory at a time. `look`: counts, and changes nothing. */
export async function requery(
  { redis, keys, clock }: RequeryDeps,
  { account, mode }: { account?: string | undefined; mode: 'look' | 'ask' },
): Promise<Requeried> {
  const result: Requeried = { seen: 0, unsettled: 0, accounts: {}, held: 0 }

  async function readIntents(names: readonly string[]): Promise<Intent[]> {
    const ids = names.flatMap((name) => {
      const found = keys.classify(name)
      return found?.kind === 'intent' ? [found.id] : []
    })
    const texts = await readTogether(
      redis,
      ids.map((id): Command => ['get', keys.intent(id)]),
    )
    return ids.flatMap((id, i) => {
      const text = texts[i]
      const stored = typeof text === 'string' ? decodeStored(id, text) : undefined
      return stored?.form === 'record' ? [stored.intent] : []
    })
  }

  /** One that was settled since it was read is left alone. */
  async function ask(intents: readonly Intent[]): Promise<boolean[]> {
    const answers = await readTogether(
      redis,
      intents.map(({ id, account, sequence }): Command => {
        const call = createTransaction()
          .check('version', keys.intent(id), String(sequence))
          .do('ZADD', keys.watch(keys.partitionOf(id), account), 'LT', clock(), id)
          .toCall()
        return [commitCommand, call.keys.length, ...call.keys, ...call.args]
      }),
    )
    return answers.map((answer) => readTransaction(answer).outcome === 'written')
  }

  /** What moved meanwhile is read once more; what moves again is alive, and not what this is for. */
  async function askAll(intents: readonly Intent[]): Promise<Intent[]> {
    const asked = await ask(intents)
    const moved = intents.filter((_, i) => !asked[i])
    const again = (await readIntents(moved.map(({ id }) => keys.intent(id)))).filter((one) => !isSettled(one))
    await ask(again)
    return [...intents.filter((_, i) => asked[i]), ...again]
  }

  for await (const names of scanKeys(redis, { pattern: keys.scanPattern })) {
    const intents = (await readIntents(names)).filter(
      (one) => account === undefined || one.account === account,
    )
    result.seen += intents.length
    const unsettled = intents.filter((one) => !isSettled(one))
    for (const one of mode === 'ask' ? await askAll(unsettled) : unsettled) {
      result.unsettled++
      result.accounts[one.account] = (result.accounts[one.account] ?? 0) + 1
      if (one.hold) result.held++
    }
  }
  return result
}
