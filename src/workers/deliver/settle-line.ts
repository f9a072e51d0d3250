/** What becomes of a line after its first events were sent, or one of them could not be. Pure. */
import type { Attempt, DeliveryNote } from '../../domain/delivery.ts'
import type { RunId } from '../../domain/ids.ts'
import type { Line, LineEvent, Subject } from '../../domain/line.ts'
import { nextTryAt, type RetryTerms } from './retry-times.ts'

/** How it went with the events of one subject, one after another. */
export interface Progress {
  /** Of those that were taken, from the first. */
  taken: readonly Attempt[]
  /** Of the one after them. */
  end: ProgressEnd
}

export type ProgressEnd =
  /** There is none, or nobody has tried it. */
  | { end: 'held' }
  /** Its request was ended by us: it may have arrived, and is sent again. */
  | { end: 'given-up' }
  /** Its request runs; until then the line is left alone. */
  | { end: 'under-way'; until: number }
  | { end: 'failed'; attempt: Attempt; retryAfterMs?: number | undefined }
  /** It has left the log, so it cannot be sent any more. */
  | { end: 'missing' }

export interface LineTerms extends RetryTerms {
  run: RunId
  subject: Subject
  now: number
  /** Of what nobody has tried: when it may be; as when a breaker's time is over. */
  heldUntil?: number | undefined
}

export interface SettledLine {
  /** Missing: it is empty. */
  after: Line | undefined
  notes: DeliveryNote[]
}

export function settleLine(line: Line, { taken, end }: Progress, terms: LineTerms): SettledLine {
  const notes = taken.map((attempt, i) =>
    noteOf(line.events[i] as LineEvent, terms, {
      number: (i === 0 ? line.attempts : 0) + 1,
      outcome: 'delivered',
      attempt,
    }),
  )
  const left = dropFirst(line, taken.length, terms)
  if (!left) return { after: undefined, notes }
  const settled = settleHead(left, end, terms)
  return { after: settled.after, notes: [...notes, ...settled.notes] }
}

function settleHead(line: Line, end: ProgressEnd, terms: LineTerms): SettledLine {
  const { underWay: _, ...rest } = line
  const { now } = terms
  const head = line.events[0] as LineEvent
  switch (end.end) {
    case 'held':
      return { after: { ...rest, nextAt: Math.max(now, terms.heldUntil ?? 0) }, notes: [] }
    case 'given-up':
      return { after: { ...rest, nextAt: now }, notes: [] }
    case 'under-way':
      return { after: { ...rest, nextAt: end.until, underWay: true }, notes: [] }
    case 'missing':
      return skipHead(rest, terms, { number: line.attempts, outcome: 'skipped' })
    case 'failed': {
      const { attempt, retryAfterMs } = end
      const firstAt = line.firstAt ?? attempt.at
      const attempts = line.attempts + 1
      const nextAt = nextTryAt({ at: now, firstAt, attempts, retryAfterMs }, terms)
      const tried = { number: attempts, attempt }
      if (nextAt === undefined) return skipHead(rest, terms, { ...tried, outcome: 'skipped' })
      const after = { ...rest, attempts, firstAt, last: attempt, nextAt }
      return { after, notes: [noteOf(head, terms, { ...tried, outcome: 'failed' })] }
    }
  }
}

function skipHead(
  line: Line,
  terms: LineTerms,
  how: Pick<DeliveryNote, 'number' | 'outcome' | 'attempt'>,
): SettledLine {
  return {
    after: dropFirst(line, 1, terms),
    notes: [noteOf(line.events[0] as LineEvent, terms, how)],
  }
}

function dropFirst(line: Line, count: number, { now }: Pick<LineTerms, 'now'>): Line | undefined {
  if (count === 0) return line
  const events = line.events.slice(count)
  return events.length > 0 ? { events, attempts: 0, nextAt: now } : undefined
}

function noteOf(
  { id, type, position }: LineEvent,
  { subject, run }: Pick<LineTerms, 'subject' | 'run'>,
  how: Pick<DeliveryNote, 'number' | 'outcome' | 'attempt'>,
): DeliveryNote {
  return { event: id, type, subject, position, run, ...how }
}

/** Behind what waits there already; what it has twice is left out. */
export function queueUp(line: Line | undefined, events: readonly LineEvent[], nextAt: number): Line {
  if (!line) return { events, attempts: 0, nextAt }
  const known = new Set(line.events.map(({ position }) => position))
  return { ...line, events: [...line.events, ...events.filter(({ position }) => !known.has(position))] }
}
