/** What the client throws. Each has a stable `code`; the message is for whoever reads it. */

export interface FieldError {
  /** Where in the request, as `transfers[2].amount.value`. */
  path: string
  code: string
  message: string
}

export interface TallyhookErrorFields {
  /** Missing where there was no answer. */
  status?: number | undefined
  code: string
  detail: string
  errors?: readonly FieldError[] | undefined
  retryable?: boolean
  retryAfterMs?: number | undefined
  /** The whole answer, where it was JSON. */
  problem?: Readonly<Record<string, unknown>> | undefined
  cause?: unknown
}

/**
 * The service refused a request, or did not answer it. `code` is one of docs/errors.md, or one of our own: `no-answer`,
 * `timed-out`, `not-understood`.
 */
export class TallyhookError extends Error {
  readonly status: number | undefined
  readonly code: string
  readonly detail: string
  readonly errors: readonly FieldError[]
  /** The same request may succeed later, and making it again does no harm. */
  readonly retryable: boolean
  readonly retryAfterMs: number | undefined
  readonly problem: Readonly<Record<string, unknown>> | undefined

  constructor(fields: TallyhookErrorFields) {
    const { code, detail, cause } = fields
    super(`${code}: ${detail}`, cause === undefined ? undefined : { cause })
    this.name = 'TallyhookError'
    this.status = fields.status
    this.code = code
    this.detail = detail
    this.errors = fields.errors ?? []
    this.retryable = fields.retryable ?? false
    this.retryAfterMs = fields.retryAfterMs
    this.problem = fields.problem
  }
}

export type NotVerifiedCode =
  | 'missing-header'
  | 'malformed-header'
  | 'no-signature-matches'
  | 'too-old'
  | 'too-new'
  | 'body-not-raw'
  | 'not-an-event'

const notVerified: Record<NotVerifiedCode, string> = {
  'missing-header': 'A header of Standard Webhooks is missing.',
  'malformed-header': 'A header of Standard Webhooks is not as it should be.',
  'no-signature-matches': 'None of the signatures was made over these bytes with one of the secrets.',
  'too-old': 'It was signed too long ago.',
  'too-new': 'It was signed in the future.',
  'body-not-raw': 'The body must be given as it was received: bytes or text, not a parsed object.',
  'not-an-event': 'It is signed rightly and is no event.',
}

/** A delivery that must not be believed. */
export class DeliveryNotVerified extends Error {
  readonly code: NotVerifiedCode

  constructor(code: NotVerifiedCode, options: { cause?: unknown } = {}) {
    super(`${code}: ${notVerified[code]}`, options)
    this.name = 'DeliveryNotVerified'
    this.code = code
  }
}

export interface Gap {
  subject: string
  /** The number that should have come. */
  expected: number
  got: number
  event: { id: string; type: string; previousid?: string | undefined }
}

/** Events of one subject are missing before this one. */
export class EventGap extends Error {
  readonly code = 'event-gap'
  readonly gap: Gap

  constructor(gap: Gap) {
    super(`event-gap: Of ${gap.subject} number ${gap.expected} should have come, and ${gap.got} did.`)
    this.name = 'EventGap'
    this.gap = gap
  }
}

export interface Loss {
  code: 'cursor-expired' | 'cursor-superseded'
  /** Where the reader stood; missing where it had no place yet. */
  cursor: string | undefined
  /** Where it can begin again; missing: with the oldest event that is there. */
  begin: string | undefined
  detail: string
}

/** The log does not go on from where the reader stood: it has to take what it missed from elsewhere. */
export class EventsLost extends Error {
  readonly code: Loss['code']
  readonly loss: Loss

  constructor(loss: Loss) {
    super(`${loss.code}: ${loss.detail}`)
    this.name = 'EventsLost'
    this.code = loss.code
    this.loss = loss
  }
}
