/** What people do, as it is kept on record: who, how they came in, what, why, and what came of it. */

export const signInWays = ['token', 'operator', 'oidc', 'cli'] as const
export type SignInWay = (typeof signInWays)[number]

/** Small and not personal: a state, a flag, a count. */
export type AuditFacts = Record<string, string | number | boolean | null>

export interface AuditedAction {
  who: string
  via: SignInWay
  /** A stable name, as `case.resolve`. */
  action: string
  /** An id of ours. */
  target?: string | undefined
  /** As it was given. */
  reason?: string | undefined
  /** Under which the log has the request. */
  request?: string | undefined
}

export const auditOutcomes = ['done', 'refused', 'failed'] as const
export type AuditOutcome = (typeof auditOutcomes)[number]

export interface AuditEnd {
  /** refused: nothing was done. failed: it broke, and may have been done in part. */
  outcome: AuditOutcome
  status?: number | undefined
  /** Of the error, from docs/errors.md. */
  code?: string | undefined
  before?: AuditFacts | undefined
  after?: AuditFacts | undefined
}

/** One entry. An action has two: that it was asked, before anything is done, and how it ended. What was refused at the door has one. */
export interface AuditEntry extends AuditedAction, Partial<AuditEnd> {
  /** From 1, without gaps. */
  number: number
  at: number
  phase: 'asked' | 'ended'
  /** Of an end: which entry asked for it, and when. */
  asked?: number | undefined
  askedAt?: number | undefined
}

export function auditIdOf(number: number): string {
  return `au-${number}`
}
