/**
 * Whether an event is the next of its subject, one that came before, or comes after a gap. It holds where every event of a
 * subject comes: with a filter of types the numbers have gaps that mean nothing.
 */
import type { Gap } from './errors.ts'

export interface Numbered {
  id: string
  type: string
  subject: string
  sequence: number
  previousid?: string | undefined
}

/** The last event of a subject. */
export interface Last {
  sequence: number
  id: string
}

export type Order =
  | { outcome: 'next' }
  /** This one, or one after it, came before. */
  | { outcome: 'repeat' }
  | { outcome: 'gap'; gap: Gap }

/** `isWhole`: that nothing is known of a subject means that nothing has come of it, rather than that it was forgotten. */
export function compareOrder(last: Last | undefined, event: Numbered, isWhole: boolean): Order {
  const { id, type, subject, sequence, previousid } = event
  if (!last && !isWhole) return { outcome: 'next' }
  const expected = (last?.sequence ?? 0) + 1
  if (sequence < expected) return { outcome: 'repeat' }
  const follows = sequence === expected && (!last || previousid === last.id)
  if (follows) return { outcome: 'next' }
  return { outcome: 'gap', gap: { subject, expected, got: sequence, event: { id, type, previousid } } }
}

/** Where the last event of each subject is kept, beside what it led to. */
export interface SequenceStore {
  load(subject: string): Promise<Last | undefined> | Last | undefined
  save(subject: string, last: Last): Promise<void> | void
}

export interface SequenceGuardOptions {
  /** By default in memory, of the last 10,000 subjects. */
  store?: SequenceStore
  /** The store forgets nothing and the subscription has been there from the start: a first number other than 1 is a gap. */
  isWhole?: boolean
}

export function createSequenceGuard({
  store = createMemorySequences(),
  isWhole = false,
}: SequenceGuardOptions = {}) {
  return {
    /** Before it is handled. */
    check: async (event: Numbered): Promise<Order> =>
      compareOrder(await store.load(event.subject), event, isWhole),
    /** After it was handled. What came later is never taken back. */
    async accept({ subject, sequence, id }: Numbered): Promise<void> {
      const last = await store.load(subject)
      if (!last || last.sequence < sequence) await store.save(subject, { sequence, id })
    },
  }
}
export type SequenceGuard = ReturnType<typeof createSequenceGuard>

export interface MemorySequences {
  load(subject: string): Last | undefined
  save(subject: string, last: Last): void
  clear(): void
}

/** The subjects that were heard of last; the others are forgotten. */
export function createMemorySequences(max = 10_000): MemorySequences {
  const lasts = new Map<string, Last>()
  return {
    load: (subject) => lasts.get(subject),
    save(subject, last) {
      // A Map keeps the order in which keys were added: the first is the one that was heard of longest ago.
      lasts.delete(subject)
      lasts.set(subject, last)
      for (const oldest of lasts.keys()) {
        if (lasts.size <= max) break
        lasts.delete(oldest)
      }
    },
    clear: () => lasts.clear(),
  }
}
