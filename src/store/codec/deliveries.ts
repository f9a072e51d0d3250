/**
 * The notes of one commit as one text. They are many, so each is a list without names; what is told by something else is
 * left out: the subject by the event's id, and the prefix that all ids and types have.
 */
import type { DeliveryNote, DeliveryOutcome } from '../../domain/delivery.ts'
import type { RunId } from '../../domain/ids.ts'

type Wire = [
  event: string,
  type: string,
  position: string,
  run: number,
  number: number,
  outcome: 0 | 1 | 2,
  /** Of the request, before the note was made; then how long it took, and its answer. */
  agoMs?: number,
  tookMs?: number,
  status?: number,
  error?: string,
  excerpt?: string,
]

interface Entry {
  v: 1
  at: number
  /** Those that the notes name by their place here. Nearly always one. */
  runs: RunId[]
  notes: Wire[]
}

const outcomes: readonly DeliveryOutcome[] = ['delivered', 'failed', 'skipped']
const typePattern = /^tallyhook\.(.+)\.v1$/

export function encodeNotes(notes: readonly DeliveryNote[], at: number): string {
  const runs = [...new Set(notes.map(({ run }) => run))]
  const entry: Entry = {
    v: 1,
    at,
    runs,
    notes: notes.map((note) => toWire(note, runs.indexOf(note.run), at)),
  }
  return JSON.stringify(entry)
}

/** With when they were noted. */
export type NotedDelivery = DeliveryNote & { at: number }

export function decodeNotes(text: string): NotedDelivery[] {
  const { at, runs, notes } = JSON.parse(text) as Entry
  return notes.map((wire) => ({ ...fromWire(wire, runs, at), at }))
}

function toWire(note: DeliveryNote, run: number, at: number): Wire {
  const { event, type, position, number, outcome, attempt } = note
  const head = [
    event.slice('ev-'.length),
    typePattern.exec(type)?.[1] ?? type,
    position,
    run,
    number,
  ] as const
  const mark = outcomes.indexOf(outcome) as 0 | 1 | 2
  if (!attempt) return [...head, mark]
  const { tookMs, status = 0, error = '', excerpt = '' } = attempt
  const request = [at - attempt.at, Math.round(tookMs), status] as const
  return error || excerpt ? [...head, mark, ...request, error, excerpt] : [...head, mark, ...request]
}

function fromWire(wire: Wire, runs: readonly RunId[], at: number): DeliveryNote {
  const [event, type, position, run, number, outcome, agoMs, tookMs = 0, status, error, excerpt] = wire
  return {
    event: `ev-${event}` as DeliveryNote['event'],
    type: type.includes('tallyhook.') ? type : `tallyhook.${type}.v1`,
    subject: event.slice(0, event.lastIndexOf('-')) as DeliveryNote['subject'],
    position,
    run: runs[run] as RunId,
    number,
    outcome: outcomes[outcome] as DeliveryOutcome,
    ...(agoMs !== undefined && {
      attempt: {
        at: at - agoMs,
        tookMs,
        ...(status && { status }),
        ...(error && { error }),
        ...(excerpt && { excerpt }),
      },
    }),
  }
}
