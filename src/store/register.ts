/**
 * Registers an intent, once. What was parked for it becomes ready in the same step, so that no callback can fall between
 * "not registered yet" and "registered".
 */
import { AppError } from '../domain/errors.ts'
import type { IntentEvent } from '../domain/event.ts'
import type { Intent } from '../domain/intent.ts'
import type { RedisClient } from '../redis/client.ts'
import { decodeStored } from './codec/codec.ts'
import { composeCommit } from './commit.ts'
import type { IntentStore } from './intents.ts'
import type { Keys } from './keys.ts'
import { commitCommand } from './scripts.ts'
import { readTogether } from './together.ts'
import { readTransaction } from './transaction.ts'

export type Registration<I extends Intent = Intent> =
  | { outcome: 'registered'; intent: I; madeReady: number }
  | { outcome: 'exists'; intent: I }
  /** A batch that holds this reference is being registered at this moment. */
  | { outcome: 'claimed' }

export type Register = <I extends Intent>(event: IntentEvent<I>) => Promise<Registration<I>>

export interface RegisterDeps {
  redis: RedisClient
  keys: Keys
  intents: Pick<IntentStore, 'find'>
}

export function createRegister({ redis, keys, intents }: RegisterDeps): Register {
  return async <I extends Intent>(event: IntentEvent<I>): Promise<Registration<I>> => {
    const { fact, intent, because, at } = event
    const transaction = composeRegistration(keys, event as IntentEvent)
    const { keys: names, args } = transaction.toCall()
    const [raw] = await readTogether(redis, [[commitCommand, names.length, ...names, ...args]])
    const answer = readTransaction(raw)
    if (answer.outcome === 'written') {
      const madeReady = Number(answer.results[transaction.writes() - 2] ?? 0)
      return { outcome: 'registered', intent, madeReady }
    }
    if (answer.found !== null && decodeStored(intent.id, answer.found).form === 'claim')
      return { outcome: 'claimed' }
    refuseOther(intent, answer.found)
    const existing = await intents.find(intent.id)
    if (!existing)
      throw new AppError('commit-contended', { context: { fact: fact.name, because: because.source, at } })
    return { outcome: 'exists', intent: existing as I }
  }
}

/**
 * What is left of one that was archived tells whether this is the same, whether the archive can be read or not: no
 * reference is paid twice.
 */
function refuseOther({ id, contentDigest }: Intent, found: string | null): void {
  const stored = found === null ? undefined : decodeStored(id, found)
  if (stored?.form !== 'tombstone' || stored.left.contentDigest === contentDigest) return
  throw new AppError('reference-conflict', {
    detail: 'This reference is registered for the account with other content. Nothing was changed.',
  })
}

/** The last two writes are what is made ready, and the wake. */
function composeRegistration(keys: Keys, { fact, intent, because, at }: IntentEvent) {
  const partition = keys.partitionOf(intent.id)
  const transaction = composeCommit(keys, { steps: [{ fact, intent }], because, at, silent: true }, undefined)
  if (intent.kind === 'transfer')
    transaction.do('ZADD', keys.payee(partition, intent.personal.person), intent.createdAt, intent.id)
  return transaction
    .unpark(keys.parked(intent.id), {
      counts: keys.parkedCounts(partition),
      ready: keys.ready(partition),
      account: intent.account,
    })
    .publish(keys.wakeChannel, String(partition))
}
