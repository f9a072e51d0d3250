import { caseIdOfHold } from './ids.ts'
import type { HoldReason, Intent } from './intent.ts'
import type { Observation } from './observation.ts'

export const factNames = [
  'registered',
  'requested',
  'submitted',
  'reserved',
  'sent',
  'unsent',
  'acknowledged',
  'refused',
  'overdue',
  'processing',
  'succeeded',
  'failed',
  'returned',
  'held',
  'released',
  'corrected',
  'cancelled',
  'expired',
  'accepted',
  'reported',
  'grown',
  'finished',
  'closed',
  'amended',
  'drifted',
  'granted',
  'used',
  'completed',
] as const
export type FactName = (typeof factNames)[number]

/** One thing that became true of an intent, numbered. */
export interface Fact {
  name: FactName
  sequence: number
  /** The fields that changed, as they were and as they are. */
  change: { from: FactState | null; to: FactState }
}

export interface FactState {
  state: string
  held: boolean
}

/** A fact, and the intent as it stands after it. */
export interface Step<I extends Intent = Intent> {
  fact: Fact
  intent: I
}

export type Warning = 'name-differs'

/** Steps are in order and at least one; the intent of the last is what is kept. */
export type Decision<I extends Intent = Intent> =
  | { verdict: 'applied'; steps: Step<I>[]; warnings?: Warning[] }
  | { verdict: 'held'; steps: Step<I>[]; reason: HoldReason }
  /** Known already: nothing changes. */
  | { verdict: 'repeat' }
  /** True once, overtaken since: nothing changes. `ask`: what we know may be older than it seems, so ask the provider. */
  | { verdict: 'stale'; ask?: true }
  /** The intent waits for a person; what arrives meanwhile is kept for them and changes nothing. */
  | { verdict: 'awaits-person' }

/** The intent after one more fact about it. */
export function step<I extends Intent>(
  name: FactName,
  before: I | null,
  after: Omit<I, 'sequence' | 'updatedAt'>,
  now: number,
): Step<I> {
  const sequence = (before?.sequence ?? 0) + 1
  const intent = { ...after, sequence, updatedAt: now } as I
  return {
    fact: { name, sequence, change: { from: before && factState(before), to: factState(intent) } },
    intent,
  }
}

function factState({ state, hold }: Intent): FactState {
  return { state, held: hold !== undefined }
}

/** For a person to decide; unless one has looked at this very fact before, and let it be. */
export function hold<I extends Intent>(
  before: I,
  seen: Pick<Observation, 'fact' | 'occurredAt'>,
  reason: HoldReason,
  now: number,
): Decision<I> {
  if (isRuledOn(before, seen)) return { verdict: 'repeat' }
  const held = { reason, at: now, case: caseIdOfHold(before.id, before.sequence + 1) }
  return { verdict: 'held', steps: [step('held', before, { ...before, hold: held }, now)], reason }
}

function isRuledOn(
  { dismissed, ruledAt = 0 }: Pick<Intent, 'dismissed' | 'ruledAt'>,
  { fact, occurredAt = 0 }: Pick<Observation, 'fact' | 'occurredAt'>,
): boolean {
  return fact !== undefined && dismissed?.includes(fact) === true && occurredAt <= ruledAt
}
