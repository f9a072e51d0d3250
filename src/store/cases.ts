/**
 * Cases, by account. What is open is never let go of. Of the resolved ones each account keeps the newest: by count and not
 * by time, since a count bounds the memory however many come, and needs nobody to sweep. What becomes of a case is decided
 * in domain/case.ts; a script writes it if nobody else changed the case meanwhile.
 *
 * Nothing in a case is sealed. It holds what a failed job shows openly too: ids, a code and our own sentence, which may name a
 * status or an event that is not known and never more of what a callback said; and what a person wrote on resolving it.
 */
import {
  type Case,
  type CaseResolved,
  type CaseState,
  caseIdOf,
  caseStates,
  changedAtOf,
  type Failure,
  openCase,
  type Resolution,
  resolveCase,
} from '../domain/case.ts'
import { AppError } from '../domain/errors.ts'
import { type CaseId, type ReceiptId, readCaseId } from '../domain/ids.ts'
import type { RedisClient } from '../redis/client.ts'
import type { Keys } from './keys.ts'
import type { Scripts } from './scripts.ts'

export interface CasePage {
  cases: Case[]
  /** Where the next page begins. */
  next: string | null
}

export interface Cases {
  /** Durable when it returns. Opening what is open only notes what it failed of last. */
  open(failure: Failure): Promise<'opened' | 'open-before'>
  /** Its receipt was applied after all. Does nothing where there is no open case. */
  settle(account: string, receipt: ReceiptId): Promise<'resolved' | 'nothing-open'>
  /** By a person; undefined where there is no such case. */
  resolve(id: CaseId, resolution: Resolution): Promise<CaseResolved | undefined>
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
  scripts: Pick<Scripts, 'putCase'>
  keys: Keys
  clock: () => number
  /** Resolved ones, of each account. */
  resolvedMax?: number
}

/** Half a kilobyte each. */
const resolvedKept = 1_000

/** Losing the race this often to others who change the same case means that something is wrong. */
const attemptsMax = 16

export function createCases(deps: CasesDeps): Cases {
  const { redis, scripts, keys, clock, resolvedMax = resolvedKept } = deps

  /** False where somebody else was quicker. */
  async function put(text: string | null, before: Case | undefined, after: Case): Promise<boolean> {
    const { account } = after
    const written = await scripts.putCase(
      [keys.cases(account), keys.casesIn(account, 'open'), keys.casesIn(account, 'resolved')],
      [
        after.id,
        text ?? '',
        JSON.stringify({ v: 1, ...after }),
        before ? placeOf(before) : '',
        placeOf(after),
        after.state,
        String(resolvedMax),
        String(timeDigits + 1),
      ],
    )
    return written === 1
  }

  /** Reads, decides and writes, until nobody came in between. `decide` says what to write, if anything, and the answer. */
  async function change<Answer>(
    account: string,
    id: CaseId,
    decide: (before: Case | undefined) => { after?: Case | undefined; answer: Answer },
  ): Promise<Answer> {
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      const text = await redis.hget(keys.cases(account), id)
      const before = text === null ? undefined : readCase(text)
      const { after, answer } = decide(before)
      if (!after || (await put(text, before, after))) return answer
    }
    throw new AppError('commit-contended', { detail: 'The case is changing too quickly.' })
  }

  async function listIndex(
    account: string,
    state: CaseState,
    below: string,
    limit: number,
  ): Promise<string[]> {
    return redis.zrevrangebylex(keys.casesIn(account, state), below, '-', 'LIMIT', 0, limit)
  }

  async function find(id: CaseId): Promise<Case | undefined> {
    const accounts = await redis.smembers(keys.caseAccounts)
    const texts = await Promise.all(accounts.map((account) => redis.hget(keys.cases(account), id)))
    const text = texts.find((one) => typeof one === 'string')
    return text ? readCase(text) : undefined
  }

  return {
    async open(failure) {
      // First, so that no case is in an account that nobody looks into. On a cluster this may be another node.
      await redis.sadd(keys.caseAccounts, failure.account)
      return change(failure.account, caseIdOf(failure.receipt), (before) => ({
        after: openCase(before, failure, clock()),
        answer: before?.state === 'open' ? 'open-before' : 'opened',
      }))
    },

    settle(account, receipt) {
      return change(account, caseIdOf(receipt), (before) => {
        if (before?.state !== 'open') return { answer: 'nothing-open' }
        return { after: resolveCase(before, { resolution: 'applied' }, clock()).after, answer: 'resolved' }
      })
    },

    async resolve(id, resolution) {
      const found = await find(id)
      if (!found) return undefined
      return change<CaseResolved | undefined>(found.account, id, (before) => {
        if (!before) return { answer: undefined }
        const answer = resolveCase(before, resolution, clock())
        return answer.outcome === 'resolved' ? { after: answer.after, answer } : { answer }
      })
    },

    async list({ account, state, after, limit }) {
      const accounts = account === undefined ? await redis.smembers(keys.caseAccounts) : [account]
      const states = state === undefined ? caseStates : [state]
      const below = after === undefined ? '+' : `(${after}`
      // One command an index, and not a pipeline: on a cluster each account may live on another node.
      const found = await Promise.all(
        accounts.flatMap((one) =>
          states.map(async (which) =>
            (await listIndex(one, which, below, limit + 1)).map((place) => ({ account: one, place })),
          ),
        ),
      )
      const places = found.flat().sort((a, b) => (a.place < b.place ? 1 : -1))
      const page = places.slice(0, limit)
      const texts = await Promise.all(page.map((one) => redis.hget(keys.cases(one.account), idOf(one.place))))
      return {
        cases: texts.flatMap((text) => (text === null ? [] : [readCase(text)])),
        next: places.length > limit ? (page.at(-1)?.place ?? null) : null,
      }
    },

    find,
  }
}

const timeDigits = 14

function placeOf(one: Case): string {
  return `${String(changedAtOf(one)).padStart(timeDigits, '0')}.${one.id}`
}

function idOf(place: string): string {
  return place.slice(timeDigits + 1)
}

/** What a caller may hand in as `after`. */
export function isCasePlace(text: string): boolean {
  return /^\d{14}\./.test(text) && readCaseId(idOf(text)) !== undefined
}

function readCase(text: string): Case {
  const { v: _, ...one } = JSON.parse(text) as Case & { v: 1 }
  return one
}
