/**
 * A transfer that joins a batch which is there already. Its record lies in the batch's partition and its own reference in
 * another, so it is registered in steps as well: its draft and a claim under the id that it will have, a claim on the
 * reference, then in one step the transfer and the batch that has grown by it, and last the pointer. The batch may be done by the
 * time of that step: then the transfer is refused, and nothing is left of it.
 */
import { growBatch } from '../domain/decide-batch.ts'
import { AppError } from '../domain/errors.ts'
import type { IntentEvent } from '../domain/event.ts'
import type { BatchId, TransferId } from '../domain/ids.ts'
import type { Transfer } from '../domain/transfer.ts'
import type { RedisClient } from '../redis/client.ts'
import { createClaims } from './claims.ts'
import { decodeEvent, encodeStep } from './codec/codec.ts'
import { composeCommit } from './commit.ts'
import { toCommand } from './groups.ts'
import { transferIdOf } from './ids.ts'
import type { IntentStore } from './intents.ts'
import type { Keys } from './keys.ts'
import { composeRegistration } from './register.ts'
import { encodeUnderWay, type Place, readUnderWay } from './registration.ts'
import { readTogether } from './together.ts'
import { createTransaction, readTransaction, type Transaction } from './transaction.ts'

export type JoinOutcome =
  | { outcome: 'registered'; intent: Transfer; madeReady: number }
  | { outcome: 'exists'; intent: Transfer }
  | { outcome: 'no-batch' }
  | { outcome: 'not-open' }
  | { outcome: 'claimed' }

export interface Joins {
  join(event: IntentEvent<Transfer>): Promise<JoinOutcome>
  /** Goes on with one that was left half done. */
  finishOne(id: TransferId): Promise<'registered' | 'refused' | 'by-another'>
}

export interface JoinsDeps {
  redis: RedisClient
  keys: Keys
  intents: Pick<IntentStore, 'find' | 'load'>
  clock: () => number
  nameAttempt(): string
}

interface Draft {
  attempt: string
  event: IntentEvent<Transfer>
}

type Completion =
  | { outcome: 'registered'; madeReady: number }
  | { outcome: 'refused'; because: 'not-open' | 'claimed' }
  | { outcome: 'by-another' }

const attemptsMax = 32

export function createJoins({ redis, keys, intents, clock, nameAttempt }: JoinsDeps): Joins {
  const claims = createClaims({ redis, keys })

  async function run(transaction: Transaction) {
    const [answer] = await readTogether(redis, [toCommand(transaction)])
    return readTransaction(answer)
  }

  async function loadBatch(id: BatchId | undefined) {
    const [found] = id === undefined ? [] : await intents.load([id])
    if (found?.outcome === 'unreadable') throw found.error
    if (found?.outcome !== 'found' || found.intent.kind !== 'batch' || !found.totals) return undefined
    return { batch: found.intent, ...found.totals }
  }

  async function readDraft(id: TransferId): Promise<Draft | undefined> {
    const { attempt, transfer } = await redis.hgetall(keys.draft(id))
    if (attempt === undefined || transfer === undefined) return undefined
    return { attempt, event: decodeEvent(transfer) as IntentEvent<Transfer> }
  }

  async function begin({ attempt, event }: Draft): Promise<boolean> {
    const { id } = event.intent
    const answer = await run(
      createTransaction()
        .check('absent', keys.intent(id))
        .do('SET', keys.intent(id), encodeUnderWay({ attempt, phase: 'claiming' }))
        .do('HSET', keys.draft(id), 'attempt', attempt, 'transfer', encodeStep(event).event)
        .do('ZADD', keys.registering(keys.partitionOf(id)), clock(), id),
    )
    return answer.outcome === 'written'
  }

  async function refuse({ attempt, event: { intent } }: Draft): Promise<void> {
    const record = keys.intent(intent.id)
    await run(
      createTransaction()
        .check('same', record, encodeUnderWay({ attempt, phase: 'claiming' }))
        .do('SET', record, encodeUnderWay({ attempt, phase: 'refusing' })),
    )
  }

  /** The transfer, and the batch that has grown by it; undefined where somebody else was quicker. */
  async function write({ attempt, event }: Draft): Promise<number | 'not-open' | undefined> {
    const { intent, because } = event
    const found = await loadBatch(intent.batch)
    const at = clock()
    const grown = found && growBatch(found.batch, intent, at)
    if (!grown) return 'not-open'
    const { batch, totals, version } = found
    const { count, minor } = totals.registered
    const after = { ...totals, registered: { count: count + 1, minor: minor + intent.amount.minor } }
    const claim = encodeUnderWay({ attempt, phase: 'claiming' })
    const transaction = composeRegistration(keys, event, { claim })
    const counted = transaction.writes() - 1
    const growth = { before: batch, steps: [grown], because, totals: { before: after, version }, at }
    composeCommit(keys, growth, undefined, { into: transaction })
    transaction
      .do('HINCRBY', keys.totals(batch.id), 'count', 1)
      .do('ZADD', keys.members(batch.id), batch.count, intent.id)
    const answer = await run(transaction)
    return answer.outcome === 'written' ? Number(answer.results[counted]) : undefined
  }

  /** The draft goes. `removes`: it was refused, and its id goes as well. */
  async function clean({ attempt, event: { intent } }: Draft, removes: boolean): Promise<boolean> {
    const record = keys.intent(intent.id)
    const transaction = createTransaction().check('field', keys.draft(intent.id), 'attempt', attempt)
    if (removes)
      transaction.check('same', record, encodeUnderWay({ attempt, phase: 'refusing' })).do('DEL', record)
    transaction
      .do('UNLINK', keys.draft(intent.id))
      .do('ZREM', keys.registering(keys.partitionOf(intent.id)), intent.id)
    return (await run(transaction)).outcome === 'written'
  }

  async function complete(draft: Draft): Promise<Completion> {
    const { attempt, event } = draft
    const { id, account } = event.intent
    const places = [placeOf(event.intent)]
    const mine = { by: id, attempt }
    let madeReady = 0
    let because: 'not-open' | 'claimed' = 'claimed'
    for (let tries = 0; tries < attemptsMax; tries++) {
      const text = await redis.get(keys.intent(id))
      const underWay = readUnderWay(text)
      if (text !== null && !underWay) {
        madeReady += await claims.point(places, mine, account)
        return (await clean(draft, false)) ? { outcome: 'registered', madeReady } : { outcome: 'by-another' }
      }
      if (underWay?.attempt !== attempt) return { outcome: 'by-another' }
      if (underWay.phase === 'refusing') {
        await claims.release(places, mine)
        if (await clean(draft, true)) return { outcome: 'refused', because }
        continue
      }
      const taken = await claims.take(places, mine)
      const written = taken.length > 0 ? 'claimed' : await write(draft)
      if (typeof written === 'number') madeReady += written
      else if (written !== undefined) {
        because = written
        await refuse(draft)
      }
    }
    throw new AppError('commit-contended', { context: { transferId: id } })
  }

  /** The draft to go on with, or the answer. */
  async function open(event: IntentEvent<Transfer>): Promise<Draft | JoinOutcome | undefined> {
    const { id, batch } = event.intent
    const place = placeOf(event.intent)
    const known = await readDraft(id)
    if (known) return known
    const existing = await intents.find(place.own)
    if (existing?.kind === 'transfer') return { outcome: 'exists', intent: existing }
    const found = await loadBatch(batch)
    if (!found) return { outcome: 'no-batch' }
    if (!growBatch(found.batch, event.intent, event.at)) return { outcome: 'not-open' }
    const draft = { attempt: nameAttempt(), event }
    return (await begin(draft)) ? draft : undefined
  }

  return {
    async join(event) {
      for (let tries = 0; tries < attemptsMax; tries++) {
        const opened = await open(event)
        if (!opened) continue
        if ('outcome' in opened) return opened
        const done = await complete(opened)
        // Another's, left half done: what it has come to is for the next look to say.
        if (opened.event !== event) continue
        if (done.outcome === 'registered') return { ...done, intent: event.intent }
        if (done.outcome === 'refused' && done.because === 'not-open') return { outcome: 'not-open' }
        // By an intent, which the next look finds; or by a registration that is under way.
        if (done.outcome === 'refused' && !(await intents.find(placeOf(event.intent).own)))
          return { outcome: 'claimed' }
      }
      throw new AppError('commit-contended', { context: { transferId: event.intent.id } })
    },

    async finishOne(id) {
      const draft = await readDraft(id)
      return draft ? (await complete(draft)).outcome : 'by-another'
    },
  }
}

function placeOf({ id, account, reference }: Transfer): Place {
  return { position: 0, own: transferIdOf(account, reference), member: id }
}
