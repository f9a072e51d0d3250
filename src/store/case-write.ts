/** A case as it was decided, with its event and its place in the indexes, as part of a transaction. */
import { type Case, changedAtOf } from '../domain/case.ts'
import type { Because, CaseEvent } from '../domain/event.ts'
import { encodeOtherEvent } from './codec/codec.ts'
import type { Keys } from './keys.ts'
import type { Transaction } from './transaction.ts'

export interface CaseWrite {
  before?: Case | undefined
  after: Case
  because: Because
  at: number
}

/** Resolved ones, of each account in each partition; half a kilobyte each. */
export const resolvedKept = 500

export function writeCase(
  transaction: Transaction,
  keys: Keys,
  { before, after, because, at }: CaseWrite,
  resolvedMax = resolvedKept,
): void {
  const { id, account } = after
  const partition = keys.partitionOf(id)
  const cases = keys.cases(partition)
  transaction.check('field', cases, id, before ? encodeCase(before) : '')
  transaction.do('SADD', keys.caseAccounts(partition), account)
  transaction.do('HSET', cases, id, encodeCase(after))
  if (before) transaction.do('ZREM', keys.casesIn(partition, account, before.state), casePlaceOf(before))
  transaction.do('ZADD', keys.casesIn(partition, account, after.state), 0, casePlaceOf(after))
  if (after.state === 'resolved') {
    transaction.trimCases(keys.casesIn(partition, account, 'resolved'), {
      cases,
      max: resolvedMax,
      skip: timeDigits + 1,
    })
  }
  const event = describeChange(before, after, because, at)
  if (event) transaction.do('XADD', keys.events(partition), '*', 'e', encodeOtherEvent(event))
}

/** One that only took note of more is not news. */
function describeChange(
  before: Case | undefined,
  after: Case,
  because: Because,
  at: number,
): CaseEvent | undefined {
  if (before && before.sequence === after.sequence) return undefined
  const name = after.state === 'open' ? 'opened' : 'resolved'
  return { fact: { name, sequence: after.sequence }, case: after, because, at }
}

export function encodeCase(one: Case): string {
  return JSON.stringify({ v: 1, ...one })
}

export function decodeCase(text: string): Case {
  const { v: _, ...one } = JSON.parse(text) as Case & { v: 1 }
  return one
}

const timeDigits = 14

/** Begins with the time of the last change in digits of one length, so the indexes need no other order. */
export function casePlaceOf(one: Case): string {
  return `${String(changedAtOf(one)).padStart(timeDigits, '0')}.${one.id}`
}

export function caseIdAt(place: string): string {
  return place.slice(timeDigits + 1)
}
