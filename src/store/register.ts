/**
 * Registers an intent, once. What was parked for it becomes ready in the same step, so that no callback can fall between
 * "not registered yet" and "registered".
 */

import type { Step } from '../domain/decision.ts'
import { AppError } from '../domain/errors.ts'
import type { IntentEvent } from '../domain/event.ts'
import type { TransferId } from '../domain/ids.ts'
import type { Intent } from '../domain/intent.ts'
import type { RedisClient } from '../redis/client.ts'
import { createClaims } from './claims.ts'
import { decodeStored } from './codec/codec.ts'
import { type CommitRequest, composeCommit } from './commit.ts'
import { toCommand } from './groups.ts'
import type { IntentStore } from './intents.ts'
import type { Keys } from './keys.ts'
import { createLinks, linksOf } from './links.ts'
import { readTogether } from './together.ts'
import { readTransaction, type Transaction } from './transaction.ts'

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

/** How often a claim may be in the way that turns out to be nobody's. */
const attemptsMax = 3

export function createRegister({ redis, keys, intents }: RegisterDeps): Register {
  const links = createLinks({ redis, keys })
  const claims = createClaims({ redis, keys })

  /** What waits under another name of it. A link that cannot be made now stays due, and the sweep makes it. */
  async function makeLinks(intent: Intent): Promise<number> {
    const made = await links.make(linksOf(undefined, intent)).catch(() => [])
    return made.reduce((sum, one) => (one.outcome === 'linked' ? sum + one.madeReady : sum), 0)
  }

  async function attempt<I extends Intent>(
    event: IntentEvent<I>,
    more: readonly Step<I>[],
  ): Promise<Registration<I>> {
    const { fact, because, at } = event
    const intent = more.at(-1)?.intent ?? event.intent
    const transaction = composeRegistration(keys, event as IntentEvent, { more })
    const counted = transaction.writes() - 1
    transaction.publish(keys.wakeChannel, String(keys.partitionOf(intent.id)))
    const [raw] = await readTogether(redis, [toCommand(transaction)])
    const answer = readTransaction(raw)
    if (answer.outcome === 'written') {
      const madeReady = Number(answer.results[counted] ?? 0) + (await makeLinks(intent))
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

  return async <I extends Intent>(
    event: IntentEvent<I>,
    more: readonly Step<I>[] = [],
  ): Promise<Registration<I>> => {
    const own = event.intent.id as TransferId
    for (let tries = 1; ; tries++) {
      const result = await attempt(event, more)
      if (result.outcome !== 'claimed' || tries === attemptsMax) return result
      // One that was left behind holds nothing.
      if (!(await claims.clear({ position: 0, own, member: own }))) return result
    }
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

/** The last write is what is made ready. */
export function composeRegistration(
  keys: Keys,
  event: IntentEvent,
  { more = [], ...about }: Pick<CommitRequest, 'claim' | 'totals'> & { more?: readonly Step[] } = {},
  into?: Transaction,
): Transaction {
  const { fact, intent, because, at } = event
  const partition = keys.partitionOf(intent.id)
  const request = { ...about, steps: [{ fact, intent }, ...more], because, at, silent: true } as const
  const transaction = composeCommit(keys, request, undefined, { into })
  if (intent.kind === 'transfer')
    transaction.do('ZADD', keys.payee(partition, intent.personal.person), intent.createdAt, intent.id)
  return transaction.unpark(keys.parked(intent.id), {
    counts: keys.parkedCounts(partition),
    ready: keys.ready(partition),
    account: intent.account,
  })
}
