/**
 * A replay of callbacks: those that failed, wait or were recorded are decided on once more, by the same `decide()` and the
 * same commit as the first time. So one that was applied changes nothing. (Replays of deliveries, which send events to a
 * subscription again, are something else: domain/replay.ts.)
 *
 * Its steps are chosen once, in the order in which the callbacks came, and are done in that order: what is about one
 * intent is decided as it happened.
 */
import type { ErrorCode } from './errors.ts'
import type { AliasId, IntentId, ReceiptId, ReplayId } from './ids.ts'
import type { IntentKind } from './intent.ts'
import type { ReceiptOutcome } from './receipt.ts'

/** Failed jobs and open cases of them; receipts that wait for their intent; receipts that were decided on. */
export const replaySources = ['failed', 'parked', 'recorded'] as const
export type ReplaySource = (typeof replaySources)[number]

export interface ReplayQuery {
  /** Missing: what failed; of ids everything. */
  from?: ReplaySource[] | undefined
  account?: string | undefined
  /** Received from this moment on, and before that one. */
  since?: number | undefined
  until?: number | undefined
  /** Why it failed. */
  code?: ErrorCode | undefined
  /** Ours, of what it is about. */
  reference?: string | undefined
  /** Of receipts, jobs and cases. */
  ids?: string[] | undefined
}

/** One callback that was chosen, and where it lay. */
export interface ReplayStep {
  receipt: ReceiptId
  account: string
  /** The failed job that holds it, also as one of several. */
  job?: string
  /** The job holds others beside it; and it is the last of them. */
  among?: true
  last?: true
  /** Under which it waits. */
  parked?: IntentId | AliasId
  /** It was decided on before. */
  recorded?: true
}

export type ReplayOutcome = ReceiptOutcome | 'parked' | 'failed'
export type OutcomeCounts = Partial<Record<ReplayOutcome, number>>

export interface ReplayFailure {
  receipt: ReceiptId
  account: string
  code: ErrorCode
  reason: string
}

interface StateOf {
  state: string
  held: boolean
}

/** What would become of one intent. */
export interface IntentChange {
  intent: IntentId
  kind: IntentKind
  account: string
  reference: string
  callbacks: number
  /** Null where it would be made. */
  from: StateOf | null
  to: StateOf
  /** Types, in order. */
  events: string[]
}

export interface ReplayPlan {
  callbacks: number
  /** More were found than one replay takes. */
  more: boolean
  outcomes: OutcomeCounts
  /** How many intents would change, and what they are worth, each counted once. */
  changes: number
  value: { value: string; currency: string }[]
  /** By type, how many would go out. */
  events: Record<string, number>
  /** Those that would fail again, by why. */
  failures: { code: ErrorCode; reason: string; count: number; first: ReceiptId }[]
  /** The first of those that would change. */
  intents: IntentChange[]
}

export const callbackReplayStates = ['running', 'aborted', 'done'] as const
export type CallbackReplayState = (typeof callbackReplayStates)[number]

export interface CallbackReplay {
  id: ReplayId
  state: CallbackReplayState
  by: string
  reason: string
  query: ReplayQuery
  perSecond: number
  /** How many steps it has, how many are done, and what they came to. */
  count: number
  done: number
  outcomes: OutcomeCounts
  createdAt: number
  /** When it was done, or aborted. */
  endedAt?: number
}

/** After some more steps. What was aborted meanwhile stays so, and knows what was done all the same. */
export function advanceReplay(
  before: CallbackReplay,
  outcomes: readonly ReplayOutcome[],
  now: number,
): CallbackReplay {
  const counts = { ...before.outcomes }
  for (const outcome of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1
  const done = before.done + outcomes.length
  const after = { ...before, done, outcomes: counts }
  return done >= before.count ? { ...after, state: 'done', endedAt: now } : after
}

/** Undefined where that changes nothing. */
export function abortReplay(before: CallbackReplay, now: number): CallbackReplay | undefined {
  return before.state === 'running' ? { ...before, state: 'aborted', endedAt: now } : undefined
}

export function resumeReplay({ endedAt: _, ...before }: CallbackReplay): CallbackReplay | undefined {
  return before.state === 'aborted' ? { ...before, state: 'running' } : undefined
}
