/**
 * Every fault that leaves a part of Tallyhook carries one of these codes. HTTP and the workers read this one table:
 * our own endpoints answer with problem details, the worker turns `retry` into BullMQ's signals.
 * docs/errors.md lists the same codes; a test keeps the two equal.
 *
 * `retry` says what a repeat of the same request or job can bring:
 *   backoff  it may pass in seconds (Redis away, a race lost)
 *   never    the same input fails the same way until a person changes something
 */
export const errorCodes = {
  // What a caller of the API did wrong.
  'malformed-json': { status: 400, retry: 'never', title: 'The body is not JSON' },
  'invalid-request': { status: 422, retry: 'never', title: 'The request is not valid' },
  'invalid-cursor': { status: 422, retry: 'never', title: 'The cursor is not one of ours' },
  unauthenticated: { status: 401, retry: 'never', title: 'A valid token is required' },
  'missing-scope': { status: 403, retry: 'never', title: 'The token lacks the scope for this' },
  'cross-site-request': { status: 403, retry: 'never', title: 'The request came from another site' },
  'not-allowed-here': { status: 403, retry: 'never', title: 'This action is switched off' },
  'not-found': { status: 404, retry: 'never', title: 'There is nothing here' },
  'method-not-allowed': { status: 405, retry: 'never', title: 'The method is not supported here' },
  'reference-conflict': {
    status: 409,
    retry: 'never',
    title: 'The reference is registered with other content',
  },
  'batch-not-open': { status: 409, retry: 'never', title: 'The batch takes no more transfers' },
  'case-resolved': { status: 409, retry: 'never', title: 'The case is resolved already' },
  'cannot-resolve': { status: 409, retry: 'never', title: 'The case cannot be resolved in this way' },
  'cannot-cancel': { status: 409, retry: 'never', title: 'It is too late to cancel the transfer' },
  'cannot-submit': { status: 409, retry: 'never', title: 'It cannot be sent any more' },
  'cannot-query': { status: 409, retry: 'never', title: 'There is nothing to ask about it' },
  'cannot-resume': { status: 409, retry: 'never', title: 'The submissions cannot be resumed in this way' },
  'cannot-reverify': { status: 409, retry: 'never', title: 'The callback cannot be verified again' },
  'cursor-expired': { status: 410, retry: 'never', title: 'Events behind the cursor have left the log' },
  'cursor-superseded': {
    status: 410,
    retry: 'never',
    title: 'The log does not go through the cursor any more',
  },
  'subscription-disabled': { status: 409, retry: 'never', title: 'The subscription is disabled' },
  'too-many-subscriptions': {
    status: 409,
    retry: 'never',
    title: 'There are as many subscriptions as there may be',
  },
  'too-many-replays': {
    status: 409,
    retry: 'never',
    title: 'As many replays are running as may be at once',
  },
  'replay-ended': { status: 409, retry: 'never', title: 'The replay has ended' },
  'body-too-large': { status: 413, retry: 'never', title: 'The body is too large' },
  'unsupported-media-type': {
    status: 415,
    retry: 'never',
    title: 'The media type or encoding is not supported',
  },

  // What a provider's callback listener refuses.
  'no-such-account': { status: 404, retry: 'never', title: 'There is no such account' },
  'not-authentic': { status: 401, retry: 'never', title: 'The callback is not authentic' },
  'too-slow': { status: 408, retry: 'backoff', title: 'The request took too long to arrive' },
  'too-many-failures': {
    status: 429,
    retry: 'backoff',
    title: 'Too many refused callbacks from this source',
  },

  // What may pass.
  'not-durable-yet': {
    status: 503,
    retry: 'backoff',
    title: 'The callback could not be made durable in time',
  },
  'keys-not-loaded': { status: 503, retry: 'backoff', title: 'The keys of the account are not loaded yet' },
  'redis-away': { status: 503, retry: 'backoff', title: 'Redis does not answer' },
  'redis-full': { status: 503, retry: 'backoff', title: 'Redis is filling up' },
  'redis-weak': { status: 503, retry: 'backoff', title: 'Redis is configured to lose data' },
  'too-many-in-flight': { status: 503, retry: 'backoff', title: 'Too many requests at once' },
  'not-on-record': { status: 503, retry: 'backoff', title: 'The action could not be put on record' },
  'archive-unavailable': { status: 503, retry: 'backoff', title: 'The archive cannot be reached' },
  'commit-contended': { status: 503, retry: 'backoff', title: 'The transfer is changing too quickly' },

  // Requests that we make ourselves.
  'outbound-refused': { status: 500, retry: 'never', title: 'This address may not be called' },
  'outbound-failed': { status: 503, retry: 'backoff', title: 'The other side did not answer as it should' },

  // Why a job fails. These are what an operator reads in Bull Board.
  'callback-not-understood': {
    status: 500,
    retry: 'never',
    title: 'The callback is genuine, but not understood',
  },
  'account-not-configured': {
    status: 500,
    retry: 'never',
    title: 'The account of this callback is not configured',
  },
  'parking-full': {
    status: 503,
    retry: 'never',
    title: 'Too many callbacks of this account wait for what they are about',
  },
  'cannot-unseal': { status: 500, retry: 'never', title: 'The sealed data cannot be opened' },
  'archive-damaged': {
    status: 500,
    retry: 'never',
    title: 'The archive is not as it was written',
  },
  'receipt-erased': {
    status: 500,
    retry: 'never',
    title: 'What the callback said was erased',
  },
  'job-not-readable': {
    status: 500,
    retry: 'never',
    title: 'The job is of a form that this version cannot read',
  },

  // What stops the start.
  'invalid-configuration': { status: 500, retry: 'never', title: 'The configuration is not valid' },
  'redis-unavailable': { status: 500, retry: 'never', title: 'No Redis could be started' },
  'data-dir-in-use': { status: 500, retry: 'never', title: 'Another process uses this data directory' },

  'internal-error': { status: 500, retry: 'backoff', title: 'Something went wrong on our side' },
} as const satisfies Record<string, { status: number; retry: 'backoff' | 'never'; title: string }>

export type ErrorCode = keyof typeof errorCodes

export interface FieldError {
  /** Where in the input, as `transfers[2].amount.value`; empty for the whole. */
  path: string
  code: string
  message: string
}

export interface AppErrorOptions {
  /** A sentence that may be shown to whoever asked. Never holds personal data or a secret. */
  detail?: string
  /** For the log alone. Ids and digests; never personal data or a secret. */
  context?: Record<string, unknown>
  errors?: FieldError[]
  /** Further members of the problem details, for whoever asked. */
  extra?: Record<string, string>
  cause?: unknown
}

export class AppError extends Error {
  readonly code: ErrorCode
  readonly retry: 'backoff' | 'never'
  readonly detail: string
  readonly context: Record<string, unknown>
  readonly errors: FieldError[]
  readonly extra: Record<string, string>

  constructor(code: ErrorCode, options: AppErrorOptions = {}) {
    const detail = options.detail ?? `${errorCodes[code].title}.`
    super(`${code}: ${detail}`, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'AppError'
    this.code = code
    this.retry = errorCodes[code].retry
    this.detail = detail
    this.context = options.context ?? {}
    this.errors = options.errors ?? []
    this.extra = options.extra ?? {}
  }
}

export function asAppError(error: unknown): AppError {
  return error instanceof AppError ? error : new AppError('internal-error', { cause: error })
}

/** `transfers[2].amount.value` */
export function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    return text === '' ? String(part) : `${text}.${String(part)}`
  }, '')
}
