/**
 * How far a run has come, and its lines, as parts of a transaction; and the forms in which they rest. In the hash of a
 * partition's runs there are beside each run's cursor the counts of what became of its deliveries, in fields of their own:
 * a line counts without the cursor, which only a turn may move.
 */
import type { RunId, SubscriptionId } from '../domain/ids.ts'
import type { Line, Subject } from '../domain/line.ts'
import type { Keys } from './keys.ts'
import type { Transaction } from './transaction.ts'

/** All up to this position was delivered, was not wanted, or has stepped aside. */
export interface Cursor {
  position: string
  /** Grows with each change. */
  version: number
  subscription: SubscriptionId
}

export const countNames = ['delivered', 'failed', 'skipped'] as const
/** failed: attempts. The others: events. */
export type RunCounts = Record<(typeof countNames)[number], number>

export function countField(run: RunId, name: keyof RunCounts): string {
  return `${run} ${name}`
}

/** Of the field of a cursor; those of counts have a space. */
export function isCursorField(field: string): field is RunId {
  return !field.includes(' ')
}

interface CursorWire {
  v: 1
  p: string
  n: number
  s: SubscriptionId
}

export function encodeCursor({ position, version, subscription }: Cursor): string {
  return JSON.stringify({ v: 1, p: position, n: version, s: subscription } satisfies CursorWire)
}

export function decodeCursor(text: string): Cursor {
  const { p, n, s } = JSON.parse(text) as CursorWire
  return { position: p, version: n, subscription: s }
}

export function encodeLine(line: Line): string {
  return JSON.stringify({ v: 1, ...line })
}

export function decodeLine(text: string): Line {
  const { v: _, ...line } = JSON.parse(text) as Line & { v: 1 }
  return line
}

/** As a line is to be; missing: it is empty and goes. `text`: as it was read; '' where there was none. */
export interface LineWrite {
  subject: Subject
  text: string
  after: Line | undefined
}

export function writeLine(
  transaction: Transaction,
  keys: Keys,
  { partition, run }: { partition: number; run: RunId },
  { subject, text, after }: LineWrite,
): void {
  const [lines, due] = [keys.lines(partition, run), keys.linesDue(partition, run)]
  transaction.check('field', lines, subject, text)
  if (after) {
    transaction.do('HSET', lines, subject, encodeLine(after))
    transaction.do('ZADD', due, after.nextAt, subject)
  } else {
    transaction.do('HDEL', lines, subject)
    transaction.do('ZREM', due, subject)
  }
}

export function writeCounts(
  transaction: Transaction,
  keys: Keys,
  { partition, run }: { partition: number; run: RunId },
  counts: RunCounts,
): void {
  for (const name of countNames) {
    if (counts[name] > 0) transaction.do('HINCRBY', keys.runs(partition), countField(run, name), counts[name])
  }
}
