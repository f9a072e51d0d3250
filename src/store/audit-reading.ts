/** Reads the audit log: as a list, as a whole to see whether it is as it was written, and to let go of what is too old. */
import type { AuditEntry } from '../domain/audit.ts'
import type { RedisClient } from '../redis/client.ts'
import { type Chain, type ChainEnd, isSameMark, readEnd, writeEnd } from './audit-chain.ts'
import { commit } from './audit-log.ts'
import type { Keys } from './keys.ts'
import { createTransaction } from './transaction.ts'

export interface AuditRequest {
  /** Older than this one alone. */
  before?: number | undefined
  limit: number
  who?: string | undefined
  action?: string | undefined
  target?: string | undefined
}

export interface AuditPage {
  /** Newest first. Of an action that has ended the end alone, which says all; one that was asked and has not ended by itself. */
  entries: AuditEntry[]
  next: number | null
}

export type AuditVerdict =
  | { outcome: 'intact'; entries: number; from: number; head: ChainEnd }
  | { outcome: 'broken'; at: number; why: string }

export interface AuditReading {
  list(request: AuditRequest): Promise<AuditPage>
  /** `kept`: a head that was noted elsewhere, which must still be in the chain. */
  verify(kept?: ChainEnd): Promise<AuditVerdict>
  /** Lets go of what is older than this, up to so many; says how many went. What is left stays verifiable from where it begins. */
  trim(before: number): Promise<number>
}

export interface AuditReadingDeps {
  redis: RedisClient
  keys: Keys
  chain: Chain
  /** Entries that one page of a list looks at. */
  scannedMax?: number
}

const chunk = 500
const usualScannedMax = 20_000
const trimmedMax = 5_000

interface Stored {
  number: number
  text: string
  mark: string
}

export function createAuditReading(deps: AuditReadingDeps): AuditReading {
  const { redis, keys, chain, scannedMax = usualScannedMax } = deps

  async function readAfter(number: number): Promise<Stored[]> {
    return (await redis.xrange(keys.audit, `(${number}-0`, '+', 'COUNT', chunk)).map(toStored)
  }

  async function readBefore(number: number | undefined): Promise<Stored[]> {
    const from = number === undefined ? '+' : `(${number}-0`
    return (await redis.xrevrange(keys.audit, from, '-', 'COUNT', chunk)).map(toStored)
  }

  /** Of those that were asked, which have not ended. */
  async function findOpen(entries: readonly AuditEntry[]): Promise<Set<number>> {
    const asked = entries.filter(({ phase }) => phase === 'asked').map(({ number }) => number)
    if (asked.length === 0) return new Set()
    const open = await redis.hmget(keys.auditOpen, ...asked.map(String))
    return new Set(asked.filter((_, i) => open[i] !== null))
  }

  async function walk(kept?: ChainEnd): Promise<AuditVerdict> {
    const [anchorText, headText] = await redis.mget(keys.auditAnchor, keys.auditHead)
    const anchor = readEnd(anchorText ?? null)
    const head = readEnd(headText ?? null)
    const broken = (at: number, why: string): AuditVerdict => ({ outcome: 'broken', at, why })
    let end = anchor
    let isKept = kept === undefined || kept.number <= anchor.number
    if (kept && kept.number === anchor.number && !isSameMark(kept.mark, anchor.mark))
      return broken(kept.number, 'It is not the one that was noted.')
    // What is appended meanwhile is behind the head that was read.
    while (end.number < head.number) {
      const read = await readAfter(end.number)
      if (read.length === 0) return broken(end.number + 1, 'The newest entries are missing.')
      for (const { number, text, mark } of read) {
        const expected = chain(end, text)
        if (number !== expected.number) return broken(expected.number, 'The entry is missing.')
        if (!isSameMark(expected.mark, mark)) return broken(number, 'It is not as it was written.')
        end = expected
        if (kept?.number === number) {
          if (!isSameMark(kept.mark, mark)) return broken(number, 'It is not the one that was noted.')
          isKept = true
        }
        if (number === head.number) break
      }
    }
    if (end.number !== head.number || !isSameMark(end.mark, head.mark))
      return broken(head.number, 'The head of the chain is not its last entry.')
    if (!isKept) return broken(end.number + 1, 'The chain ends before the head that was noted.')
    if (head.number === 0 && (await redis.xlen(keys.audit)) > 0)
      return broken(0, 'There are entries, and no head.')
    return { outcome: 'intact', entries: end.number - anchor.number, from: anchor.number + 1, head }
  }

  return {
    async list({ before, limit, ...wanted }) {
      const entries: AuditEntry[] = []
      let place = before
      for (let scanned = 0; scanned < scannedMax; ) {
        const read = (await readBefore(place)).map(decode)
        if (read.length === 0) return { entries, next: null }
        const open = await findOpen(read)
        for (const entry of read) {
          scanned++
          place = entry.number
          if (entry.phase === 'asked' && !open.has(entry.number)) continue
          if (!matches(entry, wanted)) continue
          entries.push(entry)
          if (entries.length === limit) return { entries, next: place > 1 ? place : null }
        }
      }
      return { entries, next: place ?? null }
    },

    verify: async (kept) => {
      const verdict = await walk(kept)
      // What has left meanwhile is not missing.
      return verdict.outcome === 'broken' ? walk(kept) : verdict
    },

    async trim(before) {
      const anchorText = await redis.get(keys.auditAnchor)
      const anchor = readEnd(anchorText)
      let last: Stored | undefined
      for (let count = 0; count < trimmedMax; count += chunk) {
        const read = await readAfter(last?.number ?? anchor.number)
        const young = read.findIndex((one) => decode(one).at >= before)
        const old = young < 0 ? read : read.slice(0, young)
        last = old.at(-1) ?? last
        if (young >= 0 || read.length < chunk) break
      }
      if (!last) return 0
      const { number } = last
      const cutOff = (await redis.hkeys(keys.auditOpen)).filter((asked) => Number(asked) <= number)
      const transaction = createTransaction().check('same', keys.auditAnchor, anchorText ?? '')
      transaction.do('SET', keys.auditAnchor, writeEnd(last))
      transaction.do('XTRIM', keys.audit, 'MINID', `${number + 1}-0`)
      if (cutOff.length > 0) transaction.do('HDEL', keys.auditOpen, ...cutOff)
      const { outcome } = await commit(redis, transaction)
      return outcome === 'written' ? number - anchor.number : 0
    },
  }
}

function matches(entry: AuditEntry, { who, action, target }: Omit<AuditRequest, 'before' | 'limit'>) {
  return (
    (who === undefined || entry.who === who) &&
    (action === undefined || entry.action === action) &&
    (target === undefined || entry.target === target)
  )
}

function toStored([id, fields]: [id: string, fields: string[]]): Stored {
  const of = (name: string) => fields[fields.indexOf(name) + 1] ?? ''
  return { number: Number(id.slice(0, id.indexOf('-'))), text: of('entry'), mark: of('mark') }
}

/** One that is not as it was written is still to be shown as far as it goes; `verify` says what is wrong. */
function decode({ number, text }: Pick<Stored, 'number' | 'text'>): AuditEntry {
  const { v: _, ...entry } = readJson(text) as AuditEntry & { v: 1 }
  return { ...unreadable, ...entry, number }
}

const unreadable = { at: 0, who: '?', via: 'cli', action: 'not-readable', phase: 'ended' } as const

function readJson(text: string): object {
  try {
    return Object(JSON.parse(text)) as object
  } catch {
    return {}
  }
}
