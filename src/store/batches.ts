/**
 * Registers batches, in steps that anyone can finish (`registration.ts` says which, and why). What holds:
 *   - each step may be taken by several processes at once, and again after any of them died: what it writes is written once;
 *   - until the first transfer is written the batch may still be refused, and then nothing is left of it;
 *   - no callback is lost: what comes before the record or the pointer that it needs is parked, and becomes ready in the
 *     very step that puts it there.
 */

import type { Batch } from '../domain/batch.ts'
import { AppError } from '../domain/errors.ts'
import type { BatchId, TransferId } from '../domain/ids.ts'
import type { RedisClient } from '../redis/client.ts'
import { createClaims, type TakenReference } from './claims.ts'
import { batchOf, type Draft, type DraftContent, decodeDraft, encodeDraft, placesOf } from './draft.ts'
import { inGroups, toCommand } from './groups.ts'
import { kindOf, transferIdOf } from './ids.ts'
import type { IntentStore } from './intents.ts'
import { createJoins, type Joins } from './joins.ts'
import type { Keys } from './keys.ts'
import { composeRegistration } from './register.ts'
import { encodeUnderWay, type Phase, readUnderWay } from './registration.ts'
import { type Command, readTogether } from './together.ts'
import { readTotals } from './totals.ts'
import { createTransaction, readTransaction, type Transaction } from './transaction.ts'

export interface BatchRequest {
  id: BatchId
  account: string
  contentDigest: string
  /** Those of the transfers, in order. */
  references: readonly string[]
  /** Whether the provider makes them unique in the account, so that each leads to its transfer by itself. */
  claims: boolean
  /** Called once nothing is known to be in the way. */
  build(): Promise<DraftContent>
}

export type BatchRegistration =
  | { outcome: 'registered' | 'exists'; batch: Batch; madeReady: number }
  /** The reference is registered with other content. */
  | { outcome: 'differs' }
  | { outcome: 'references-taken'; taken: TakenReference[] }

/** Of one registration that was found half done. */
export interface Finished {
  id: BatchId | TransferId
  outcome: 'registered' | 'refused' | 'by-another' | 'failed'
  error?: unknown
}

export interface Batches {
  register(request: BatchRequest): Promise<BatchRegistration>
  /** Registers one more transfer in a batch that is there. */
  join: Joins['join']
  /** Goes on with the registrations that began before then. */
  finish(before: number): Promise<Finished[]>
}

export interface BatchesDeps {
  redis: RedisClient
  keys: Keys
  intents: Pick<IntentStore, 'find' | 'load'>
  clock: () => number
  /** Never the same twice. */
  nameAttempt(): string
}

type Completion =
  | { outcome: 'registered'; madeReady: number }
  | { outcome: 'refused'; taken: TakenReference[] }
  /** Another process took the last step. */
  | { outcome: 'by-another' }

/** In one step; each takes about fifteen commands. */
const transfersAtOnce = 50
const attemptsMax = 32
const finishedAtOnce = 10

export function createBatches(deps: BatchesDeps): Batches {
  const { redis, keys, intents, clock, nameAttempt } = deps
  const joins = createJoins(deps)
  const claims = createClaims({ redis, keys })

  async function run(transaction: Transaction) {
    const [answer] = await readTogether(redis, [toCommand(transaction)])
    return readTransaction(answer)
  }

  async function readPhase({ attempt }: Draft, id: BatchId): Promise<Phase | undefined> {
    const underWay = readUnderWay(await redis.get(keys.intent(id)))
    return underWay?.attempt === attempt ? underWay.phase : undefined
  }

  /** False where something is there already. */
  async function begin(draft: Draft): Promise<boolean> {
    const id = batchOf(draft)
    const { attempt, transfers } = draft
    const transaction = createTransaction()
      .check('absent', keys.intent(id))
      .do('SET', keys.intent(id), encodeUnderWay({ attempt, phase: 'claiming' }))
      .do('HSET', keys.totals(id), 'count', transfers.length, 'watch', 'any')
      .do('ZADD', keys.registering(keys.partitionOf(id)), clock(), id)
    const fields = encodeDraft(draft)
    for (let i = 0; i < fields.length; i += 2)
      transaction.do('HSET', keys.draft(id), fields[i] as string, fields[i + 1] as string)
    return (await run(transaction)).outcome === 'written'
  }

  async function move({ attempt }: Draft, id: BatchId, from: Phase, to: Phase): Promise<void> {
    const record = keys.intent(id)
    await run(
      createTransaction()
        .check('same', record, encodeUnderWay({ attempt, phase: from }))
        .do('SET', record, encodeUnderWay({ attempt, phase: to })),
    )
  }

  /** From wherever it stands. Whoever else is at it takes the same steps. */
  async function complete(draft: Draft): Promise<Completion> {
    const id = batchOf(draft)
    const mine = { by: id, attempt: draft.attempt }
    let taken: TakenReference[] = []
    let madeReady = 0
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      switch (await readPhase(draft, id)) {
        case 'claiming':
          taken = await claims.take(placesOf(draft), mine)
          await move(draft, id, 'claiming', taken.length > 0 ? 'refusing' : 'writing')
          break
        case 'refusing':
          await claims.release(placesOf(draft), mine)
          if (await remove(draft, id)) return { outcome: 'refused', taken }
          break
        case 'writing': {
          madeReady += await writeTransfers(draft, id)
          madeReady += await claims.point(placesOf(draft), mine, draft.batch.intent.account)
          const last = await writeBatch(draft, id)
          if (last !== undefined) return { outcome: 'registered', madeReady: madeReady + last }
          break
        }
        case undefined:
          return { outcome: 'by-another' }
      }
    }
    throw new AppError('commit-contended', { context: { batchId: id } })
  }

  /** Those that are not there yet: all, unless somebody was at it before. */
  async function writeTransfers({ attempt, transfers }: Draft, id: BatchId): Promise<number> {
    const partitionOf = () => keys.partitionOf(id)
    const held = encodeUnderWay({ attempt, phase: 'writing' })
    const record = keys.intent(id)
    let ready = 0
    let left = transfers.map((event, position) => ({ event, position }))
    while (left.length > 0) {
      const done = await inGroups(
        redis,
        left,
        { size: transfersAtOnce, partitionOf },
        (step, { event, position }) => {
          // Whoever is so slow that all is over by now must not write a transfer that may have left since.
          step.check('same', record, held).do('ZADD', keys.members(id), position, event.intent.id)
          composeRegistration(keys, event, {}, step)
          return step.writes() - 1
        },
      )
      ready += done.sum
      if (done.failed.length === 0) break
      if ((await redis.get(record)) !== held) break
      const found = await readTogether(
        redis,
        done.failed.map(({ event }): Command => ['exists', keys.intent(event.intent.id)]),
      )
      left = done.failed.filter((_, i) => found[i] === 0)
    }
    return ready
  }

  /** The last step; undefined where another process took it, or a transfer has moved meanwhile. */
  async function writeBatch({ attempt, batch }: Draft, id: BatchId): Promise<number | undefined> {
    const partition = keys.partitionOf(id)
    const { totals, version } = readTotals(await redis.hgetall(keys.totals(id)))
    const claim = encodeUnderWay({ attempt, phase: 'writing' })
    const transaction = composeRegistration(keys, batch, { claim, totals: { before: totals, version } })
    const counted = transaction.writes() - 1
    transaction
      .do('ZREM', keys.registering(partition), id)
      .do('SADD', keys.dueBatches(partition), id)
      .do('ZADD', keys.audits(partition), 0, id)
      .do('UNLINK', keys.draft(id))
      .publish(keys.wakeChannel, String(partition))
    const answer = await run(transaction)
    return answer.outcome === 'written' ? Number(answer.results[counted]) : undefined
  }

  async function remove({ attempt }: Draft, id: BatchId): Promise<boolean> {
    const answer = await run(
      createTransaction()
        .check('same', keys.intent(id), encodeUnderWay({ attempt, phase: 'refusing' }))
        .do('DEL', keys.intent(id))
        .do('DEL', keys.totals(id))
        .do('UNLINK', keys.draft(id))
        .do('ZREM', keys.registering(keys.partitionOf(id)), id),
    )
    return answer.outcome === 'written'
  }

  async function readDraft(id: BatchId): Promise<Draft | undefined> {
    return decodeDraft(await redis.hgetall(keys.draft(id)))
  }

  /** The draft to go on with: that of one who was here before, or a new one. */
  async function open(request: BatchRequest): Promise<Draft | BatchRegistration | undefined> {
    const { id, account, contentDigest, references } = request
    const found = await redis.get(keys.intent(id))
    if (found !== null && !readUnderWay(found)) {
      const batch = await intents.find(id)
      if (batch?.kind !== 'batch') return undefined
      if (batch.contentDigest !== contentDigest) return { outcome: 'differs' }
      return { outcome: 'exists', batch, madeReady: 0 }
    }
    if (found !== null) {
      const draft = await readDraft(id)
      if (draft && draft.batch.intent.contentDigest !== contentDigest) return { outcome: 'differs' }
      return draft
    }
    if (request.claims) {
      const places = references.map((reference, position) => {
        const own = transferIdOf(account, reference)
        return { position, own, member: own as TransferId }
      })
      const taken = await claims.findTaken(places)
      if (taken.length > 0) return { outcome: 'references-taken', taken }
    }
    const draft = { ...(await request.build()), claims: request.claims, attempt: nameAttempt() }
    return (await begin(draft)) ? draft : undefined
  }

  return {
    async register(request) {
      for (let attempt = 0; attempt < attemptsMax; attempt++) {
        const opened = await open(request)
        if (!opened) continue
        if ('outcome' in opened) return opened
        const done = await complete(opened)
        if (done.outcome === 'registered') return { ...done, batch: opened.batch.intent }
        if (done.outcome === 'refused' && done.taken.length > 0)
          return { outcome: 'references-taken', taken: done.taken }
      }
      throw new AppError('commit-contended', { context: { batchId: request.id } })
    },

    join: joins.join,

    async finish(before) {
      const finished: Finished[] = []
      for (let partition = 0; partition < keys.partitions; partition++) {
        const key = keys.registering(partition)
        const ids = await redis.zrangebyscore(key, '-inf', before, 'LIMIT', 0, finishedAtOnce)
        for (const id of ids as (BatchId | TransferId)[]) finished.push(await finishOne(id))
      }
      return finished
    },
  }

  async function finishOne(id: BatchId | TransferId): Promise<Finished> {
    try {
      if (kindOf(id) === 'transfer') return { id, outcome: await joins.finishOne(id as TransferId) }
      const draft = await readDraft(id as BatchId)
      return { id, outcome: draft ? (await complete(draft)).outcome : 'by-another' }
    } catch (error) {
      // Behind the others, so that those that fail keep nobody from theirs.
      await redis.zadd(keys.registering(keys.partitionOf(id)), 'XX', clock(), id)
      return { id, outcome: 'failed', error }
    }
  }
}
