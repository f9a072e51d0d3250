/**
 * Registers an intent, once. What was parked for it becomes ready in the same step, so that no callback can fall between
 * "not registered yet" and "registered".
 */

import type { Step } from '../domain/decision.ts'
import { AppError } from '../domain/errors.ts'
import type { IntentEvent } from '../domain/event.ts'
import type { Intent } from '../domain/intent.ts'
import type { RedisClient } from '../redis/client.ts'
import { decodeStored } from './codec/codec.ts'
import { composeCommit } from './commit.ts'
import type { IntentStore } from './intents.ts'
import type { Keys } from './keys.ts'
import { createLinks, linksOf } from './links.ts'
import { commitCommand } from './scripts.ts'
import { readTogether } from './together.ts'
import { readTransaction } from './transaction.ts'

export type Registration<I extends Intent = Intent> =
  | { outcome: 'registered'; intent: I; madeReady: number }
  | { outcome: 'exists'; intent: I }
  /** A batch that holds this reference is being registered at this moment. */
  | { outcome: 'claimed' }

/** `more`: what is true of it from the start, beside that it is registered. */
export type Register = <I extends Intent>(
  event: IntentEvent<I>,
  more?: readonly Step<I>[],
) => Promise<Registration<I>>

export interface RegisterDeps {
  redis: RedisClient
  keys: Keys
  intents: Pick<IntentStore, 'find'>
}

export function createRegister({ redis, keys, intents }: RegisterDeps): Register {
  const links = createLinks({ redis, keys })

  /** What waits under another name of it. A link that cannot be made now stays due, and the sweep makes it. */
  async function makeLinks(intent: Intent): Promise<number> {
    const made = await links.make(linksOf(undefined, intent)).catch(() => [])
    return made.reduce((sum, one) => (one.outcome === 'linked' ? sum + one.madeReady : sum), 0)
  }

  return async <I extends Intent>(
    event: IntentEvent<I>,
    more: readonly Step<I>[] = [],
  ): Promise<Registration<I>> => {
    const { fact, because, at } = event
    const intent = more.at(-1)?.intent ?? event.intent
    const transaction = composeRegistration(keys, event as IntentEvent, more)
    const { keys: names, args } = transaction.toCall()
    const [raw] = await readTogether(redis, [[commitCommand, names.length, ...names, ...args]])
    const answer = readTransaction(raw)
    if (answer.outcome === 'written') {
      const parked = Number(answer.results[transaction.writes() - 2] ?? 0)
      const madeReady = parked + (await makeLinks(intent))
      return { outcome: 'registered', intent, madeReady }
    }
    if (answer.found !== null && decodeStored(intent.id, answer.found).form === 'claim')
      return { outcome: 'claimed' }
    const existing = await intents.find(intent.id)
    if (!existing)
      throw new AppError('commit-contended', { context: { fact: fact.name, because: because.source, at } })
    return { outcome: 'exists', intent: existing as I }
  }
}

/** The last two writes are what is made ready, and the wake. */
function composeRegistration(keys: Keys, { fact, intent, because, at }: IntentEvent, more: readonly Step[]) {
  const partition = keys.partitionOf(intent.id)
  const steps = [{ fact, intent }, ...more]
  const transaction = composeCommit(keys, { steps, because, at, silent: true }, undefined)
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
