/**
 * The audit log: a stream that is only ever appended to, whose entries are numbered without gaps and chained to each other
 * (audit-chain.ts). Appending is a compare-and-set on the head of the chain, so that processes which append at the same
 * moment end up behind each other; within a process, what is waiting goes out in one step. An action is on record before it
 * is done, and a second entry says how it ended: one that has none was cut off by a crash.
 */
import type { AuditEnd, AuditEntry, AuditedAction } from '../domain/audit.ts'
import { AppError } from '../domain/errors.ts'
import type { RedisClient } from '../redis/client.ts'
import { type Chain, type ChainEnd, readEnd, writeEnd } from './audit-chain.ts'
import type { Keys } from './keys.ts'
import { commitCommand } from './scripts.ts'
import { readTogether } from './together.ts'
import { createTransaction, readTransaction, type Transaction } from './transaction.ts'

/** What was put on record and has not ended yet. */
export interface AskedAction {
  number: number
  at: number
  action: AuditedAction
}

export interface AuditLog {
  /** Resolves once it is on record: only then may the action be done. */
  ask(action: AuditedAction): Promise<AskedAction>
  end(asked: AskedAction, end: AuditEnd): Promise<AuditEntry>
  /** What is over as it is put on record, as a sign-in. */
  note(action: AuditedAction, end: AuditEnd): Promise<AuditEntry>
}

export interface AuditLogDeps {
  redis: RedisClient
  keys: Keys
  chain: Chain
  clock: () => number
}

/** Losing the race this often means that something is wrong. */
const attemptsMax = 32
/** Entries of one step. */
const togetherMax = 32

type Draft = Omit<AuditEntry, 'number'>

interface Waiting {
  draft: Draft
  resolve(number: number): void
  reject(error: unknown): void
}

export function createAuditLog({ redis, keys, chain, clock }: AuditLogDeps): AuditLog {
  let head: ChainEnd | undefined
  let waiting: Waiting[] = []
  let appending = false

  /** True where it was written; else the head is known now as it was found. */
  async function tryAppend(entries: readonly Draft[], from: ChainEnd): Promise<boolean> {
    const transaction = createTransaction().check('same', keys.auditHead, from.number ? writeEnd(from) : '')
    let end = from
    for (const draft of entries) {
      const text = encode(draft)
      end = chain(end, text)
      transaction.do('XADD', keys.audit, `${end.number}-0`, 'entry', text, 'mark', end.mark)
      if (draft.phase === 'asked') transaction.do('HSET', keys.auditOpen, end.number, draft.at)
      else if (draft.asked !== undefined) transaction.do('HDEL', keys.auditOpen, draft.asked)
    }
    transaction.do('SET', keys.auditHead, writeEnd(end))
    const outcome = await commit(redis, transaction)
    head = outcome.outcome === 'written' ? end : readEnd(outcome.found)
    return outcome.outcome === 'written'
  }

  async function appendAll(entries: readonly Draft[]): Promise<number> {
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      const from: ChainEnd = head ?? readEnd(await redis.get(keys.auditHead))
      if (await tryAppend(entries, from)) return from.number + 1
    }
    throw new AppError('not-on-record', { detail: 'Too many write to the audit log at the same moment.' })
  }

  async function work(): Promise<void> {
    appending = true
    while (waiting.length > 0) {
      const batch = waiting.slice(0, togetherMax)
      waiting = waiting.slice(togetherMax)
      try {
        const first = await appendAll(batch.map(({ draft }) => draft))
        for (const [i, { resolve }] of batch.entries()) resolve(first + i)
      } catch (error) {
        // Whether it was written is not known: the head is read anew.
        head = undefined
        for (const { reject } of batch) reject(error)
      }
    }
    appending = false
  }

  function append(draft: Draft): Promise<number> {
    const appended = new Promise<number>((resolve, reject) => {
      waiting.push({ draft, resolve, reject })
    })
    if (!appending) void work()
    return appended
  }

  return {
    async ask(action) {
      const at = clock()
      return { number: await append({ ...action, at, phase: 'asked' }), at, action }
    },
    async end({ number: asked, at: askedAt, action }, end) {
      const draft: Draft = { ...action, ...end, at: clock(), phase: 'ended', asked, askedAt }
      return { ...draft, number: await append(draft) }
    },
    async note(action, end) {
      const draft: Draft = { ...action, ...end, at: clock(), phase: 'ended' }
      return { ...draft, number: await append(draft) }
    },
  }
}

export async function commit(redis: RedisClient, transaction: Transaction) {
  const call = transaction.toCall()
  const [answer] = await readTogether(redis, [[commitCommand, call.keys.length, ...call.keys, ...call.args]])
  return readTransaction(answer)
}

function encode(draft: Draft): string {
  return JSON.stringify({ v: 1, ...draft })
}
