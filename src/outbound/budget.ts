/** What calling out needs of whoever counts for all processes: the limits, and the breaker of each account. */
import type { RateLimit } from '../providers/client.ts'

export interface CallPlan {
  account: string
  bucket: string
  /** All that this call counts against. */
  limits: readonly RateLimit[]
  /** Whether it may be the one that tries an account whose breaker is open: better a question than money. */
  mayProbe: boolean
  /** For how long it would wait for its turn. */
  waitMsMax: number
  /** Longer than the call takes: whoever dies as the probe must not leave the account shut. */
  probeMs: number
}

export type Permit =
  /** `probe`: it is the one that tries. */
  | { outcome: 'granted'; waitMs: number; probe?: string | undefined }
  | { outcome: 'limited'; retryInMs: number }
  | { outcome: 'open'; retryInMs: number }

/** What a call is counted as. */
export const callOutcomes = [
  '2xx',
  '3xx',
  '4xx',
  '429',
  '5xx',
  'unknown',
  'unsent',
  /** Not sent by our own choice: the limit, the breaker. */
  'limited',
  'breaker-open',
] as const
export type CallOutcome = (typeof callOutcomes)[number]

export interface CallNote {
  account: string
  bucket: string
  outcome: Exclude<CallOutcome, 'limited' | 'breaker-open'>
  /** What it says of the provider. */
  health: 'good' | 'bad' | 'none'
  durationMs: number
  probe?: string | undefined
  /** The provider wants nothing more of this kind for so long. */
  holdMs?: number | undefined
}

export interface CallBudget {
  take(plan: CallPlan): Promise<Permit>
  /** Says where the breaker has moved. */
  note(note: CallNote): Promise<'opened' | 'closed' | 'same'>
}
