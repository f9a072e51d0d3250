/**
 * Cases. What is open is never let go of. Of the resolved ones each account keeps the newest: by count and not by time,
 * since a count bounds the memory however many come, and needs nobody to sweep. What becomes of a case is decided in
 * domain/case.ts; a script writes it if nobody else changed the case meanwhile. A case lies in the partition of what it
 * is about, so that one step changes both.
 *
 * Nothing in a case is sealed. It holds what a failed job shows openly too: ids, a code and our own sentence, which may name a
 * status or an event that is not known and never more of what a callback said; and what a person wrote on resolving it.
 */
import {
  type Case,
  type CaseResolved,
  type CaseState,
  caseStates,
  type Failure,
  openCase,
  type Resolution,
  resolveCase,
} from '../domain/case.ts'
import { AppError } from '../domain/errors.ts'
import type { Because } from '../domain/event.ts'
import { type CaseId, caseIdOfReceipt, type ReceiptId, readCaseId } from '../domain/ids.ts'
import type { RedisClient } from '../redis/client.ts'
import { caseIdAt, decodeCase, resolvedKept, writeCase } from './case-write.ts'
import type { Keys } from './keys.ts'
import { commitCommand } from './scripts.ts'
import { type Command, readTogether } from './together.ts'
import { createTransaction, readTransaction } from './transaction.ts'

export interface CasePage {
  cases: Case[]
  /** Where the next page begins. */
  next: string | null
}

export interface Cases {
  /** Durable when it returns. Opening what is open only notes what it failed of last. */
  open(failure: Failure): Promise<'opened' | 'open-before'>
  /** Its receipt was applied after all. Does nothing where there is no open case. */
  settle(receipt: ReceiptId): Promise<'resolved' | 'nothing-open'>
  /** By a person; undefined where there is no such case. */
  resolve(
    id: CaseId,
    resolution: Extract<Resolution, { resolution: 'by-person' }>,
  ): Promise<CaseResolved | undefined>
  /** Newest first: the open ones by when they were opened, the resolved ones by when they were resolved. */
  list(request: {
    account?: string | undefined
    state?: CaseState | undefined
    after?: string | undefined
    limit: number
  }): Promise<CasePage>
  find(id: CaseId): Promise<Case | undefined>
}

export interface CasesDeps {
  redis: RedisClient
  keys: Keys
  clock: () => number
  /** Resolved ones, of each account in each partition. */
  resolvedMax?: number
}

/** Losing the race this often to others who change the same case means that something is wrong. */
const attemptsMax = 16

export function createCases(deps: CasesDeps): Cases {
  const { redis, keys, clock, resolvedMax = resolvedKept } = deps
  const partitions = Array.from({ length: keys.partitions }, (_, partition) => partition)

  /** False where somebody else was quicker. */
  async function put(before: Case | undefined, after: Case, because: Because): Promise<boolean> {
    const transaction = createTransaction()
    writeCase(transaction, keys, { before, after, because, at: clock() }, resolvedMax)
    const call = transaction.publish(keys.wakeChannel, String(keys.partitionOf(after.id))).toCall()
    const [answer] = await readTogether(redis, [
      [commitCommand, call.keys.length, ...call.keys, ...call.args],
    ])
    return readTransaction(answer).outcome === 'written'
  }

  /** Reads, decides and writes, until nobody came in between. `decide` says what to write, if anything, and the answer. */
  async function change<Answer>(
    id: CaseId,
    because: Because,
    decide: (before: Case | undefined) => { after?: Case | undefined; answer: Answer },
  ): Promise<Answer> {
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      const before = await find(id)
      const { after, answer } = decide(before)
      if (!after || (await put(before, after, because))) return answer
    }
    throw new AppError('commit-contended', { detail: 'The case is changing too quickly.' })
  }

  async function find(id: CaseId): Promise<Case | undefined> {
    const text = await redis.hget(keys.cases(keys.partitionOf(id)), id)
    return text === null ? undefined : decodeCase(text)
  }

  async function listAccounts(partition: number, account: string | undefined): Promise<string[]> {
    return account === undefined ? redis.smembers(keys.caseAccounts(partition)) : [account]
  }

  /** Of one partition the first of each index; the first of all are among them. */
  async function listPlaces(
    partition: number,
    { account, state, after, limit }: Parameters<Cases['list']>[0],
  ): Promise<string[]> {
    const accounts = await listAccounts(partition, account)
    const states = state === undefined ? caseStates : [state]
    const below = after === undefined ? '+' : `(${after}`
    const indexes = accounts.flatMap((one) => states.map((which) => keys.casesIn(partition, one, which)))
    const found = await readTogether(
      redis,
      indexes.map((key): Command => ['zrevrangebylex', key, below, '-', 'LIMIT', 0, limit + 1]),
    )
    return (found as string[][]).flat()
  }

  return {
    open: (failure) =>
      change(
        caseIdOfReceipt(failure.receipt),
        { source: 'callback', receipt: failure.receipt },
        (before) => ({
          after: openCase(before, failure, clock()),
          answer: before?.state === 'open' ? 'open-before' : 'opened',
        }),
      ),

    settle: (receipt) =>
      change(caseIdOfReceipt(receipt), { source: 'callback', receipt }, (before) => {
        if (before?.state !== 'open') return { answer: 'nothing-open' }
        return { after: resolveCase(before, { resolution: 'applied' }, clock()).after, answer: 'resolved' }
      }),

    resolve(id, resolution) {
      const because: Because = {
        source: 'operator',
        by: resolution.resolvedBy,
        reason: resolution.resolvedBecause,
      }
      return change<CaseResolved | undefined>(id, because, (before) => {
        if (!before) return { answer: undefined }
        const answer = resolveCase(before, resolution, clock())
        return answer.outcome === 'resolved' ? { after: answer.after, answer } : { answer }
      })
    },

    async list(request) {
      const { limit } = request
      const found = await Promise.all(partitions.map((partition) => listPlaces(partition, request)))
      const places = found.flat().sort((a, b) => (a < b ? 1 : -1))
      const page = places.slice(0, limit)
      const cases = await Promise.all(page.map((place) => find(caseIdAt(place) as CaseId)))
      return {
        cases: cases.flatMap((one) => (one ? [one] : [])),
        next: places.length > limit ? (page.at(-1) ?? null) : null,
      }
    },

    find,
  }
}

/** What a caller may hand in as `after`. */
export function isCasePlace(text: string): boolean {
  return /^\d{14}\./.test(text) && readCaseId(caseIdAt(text)) !== undefined
}
