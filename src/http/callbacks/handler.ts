/**
 * The endpoint that providers call, as a plain `(req, res, next)` handler: Express mounts it like any middleware, and
 * our own server hands it the request before Express is asked. Every answer of the callback listener is made here, in
 * the provider's own dialect where the account is known.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { AppError, type ErrorCode, errorCodes } from '../../domain/errors.ts'
import type { AccountProvider, Ack, CallbackRequest } from '../../providers/provider.ts'
import type { KeyUsage } from '../../store/key-usage.ts'
import type { RefusedCallback } from '../../store/quarantine.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { toProblem } from '../problem.ts'
import type { FailureLimiter } from './failure-limiter.ts'
import type { Intake, IntakeOutcome } from './intake.ts'
import { readBody } from './read-body.ts'

export const bodyBytesMax = 256 * 1024

export interface CallbackHandlerDeps {
  providers: ReadonlyMap<string, AccountProvider>
  intake: Intake
  limiter: FailureLimiter
  quarantine(refused: RefusedCallback): void
  /** Counts, and never fails or waits. */
  usage: Pick<KeyUsage, 'note' | 'noteRefusal'>
  /** Requests whose body is being read or written; beyond it the sender is told to come again. */
  underWayMax: number
  /** How long a body may take. Past the account's budget it is answered 503 all the same; past this, 408. */
  senderMsMax: number
  clock: () => number
  logger: Logger
}

export interface CallbackHandler {
  /** Where it is mounted, the account is the only segment left of the path: `app.use('/callbacks', middleware)`. */
  middleware(req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void): void
  /** For a server that has found out the account itself. Never throws and never rejects. */
  receive(req: IncomingMessage, res: ServerResponse, account: string): Promise<void>
}

/** What happened, for the answer and for the log line. */
interface Result {
  code?: ErrorCode
  retryAfterS?: number
  close?: boolean
  fields: Record<string, unknown>
}

export function createCallbackHandler(deps: CallbackHandlerDeps): CallbackHandler {
  const { providers, limiter, clock, logger } = deps
  let underWay = 0

  async function handle(req: IncomingMessage, provider: AccountProvider | undefined): Promise<Result> {
    if (!provider) return { code: 'no-such-account', fields: {} }
    if (req.method !== 'POST') return { code: 'method-not-allowed', fields: {} }
    if (isEncoded(req)) return { code: 'unsupported-media-type', close: true, fields: {} }
    if (underWay >= deps.underWayMax)
      return { code: 'too-many-in-flight', retryAfterS: 1, close: true, fields: {} }

    underWay++
    const budget = new AbortController()
    const timer = setTimeout(() => budget.abort(), provider.budgetMs)
    try {
      return await take(req, provider, budget.signal)
    } finally {
      clearTimeout(timer)
      underWay--
    }
  }

  async function take(req: IncomingMessage, provider: AccountProvider, signal: AbortSignal): Promise<Result> {
    const read = await readBody(req, bodyBytesMax, deps.senderMsMax)
    switch (read.outcome) {
      case 'too-large':
        return { code: 'body-too-large', close: true, fields: {} }
      case 'too-slow':
        return { code: 'too-slow', close: true, fields: {} }
      case 'gone':
        return { code: 'too-slow', close: true, fields: { gone: true } }
      case 'read':
        break
    }
    const request = { path: pathOf(req), header: headersOf(req), body: read.body, now: clock() }
    const outcome = await deps.intake(provider, request, signal)
    const source = req.socket.remoteAddress ?? 'unknown'
    if (outcome.outcome === 'durable') {
      limiter.verified(source)
      deps.usage.note(provider.account, outcome.keyId, request.now)
    }
    if (outcome.outcome === 'not-authentic') return refuse(req, provider, source, request, outcome)
    return describeOutcome(outcome, read.body.length)
  }

  function refuse(
    req: IncomingMessage,
    { account }: AccountProvider,
    source: string,
    { path, body, now }: CallbackRequest,
    { reason, digest }: Extract<IntakeOutcome, { outcome: 'not-authentic' }>,
  ): Result {
    const fields = { reason, digest, bytes: body.length, source }
    deps.usage.noteRefusal(account, reason, now)
    const waitMs = limiter.waitMs(source)
    limiter.failed(source)
    if (waitMs > 0) {
      return { code: 'too-many-failures', retryAfterS: Math.ceil(waitMs / 1000), close: true, fields }
    }
    deps.quarantine({
      account,
      reason,
      digest,
      source,
      receivedAt: now,
      path,
      headers: allHeaders(req),
      body,
    })
    return { code: 'not-authentic', fields }
  }

  async function receive(req: IncomingMessage, res: ServerResponse, account: string): Promise<void> {
    const startedAt = clock()
    const provider = providers.get(account)
    let result: Result
    try {
      result = await handle(req, provider)
    } catch (error) {
      logger.error('callback.broke', { account: provider?.account, error })
      result = { code: 'internal-error', fields: {} }
    }
    const status = answer(res, provider, result)
    // An account that is not ours is whatever somebody typed; it stays out of the log.
    const fields = { account: provider?.account, status, durationMs: clock() - startedAt, ...result.fields }
    if (status >= 500) logger.error('callback.received', { outcome: result.code, ...fields })
    else if (status >= 400) logger.warn('callback.received', { outcome: result.code, ...fields })
    else logger.info('callback.received', { outcome: 'durable', ...fields })
  }

  return {
    receive,
    middleware(req, res, next) {
      const account = /^\/([^/?]+)\/?(?:\?|$)/.exec(req.url ?? '')?.[1]
      if (account === undefined) return next()
      void receive(req, res, account)
    },
  }
}

function describeOutcome(
  outcome: Exclude<IntakeOutcome, { outcome: 'not-authentic' }>,
  bytes: number,
): Result {
  const { receiptId, digest } = outcome
  if (outcome.outcome === 'durable') return { fields: { receiptId, digest, keyId: outcome.keyId, bytes } }
  return { code: outcome.code, retryAfterS: 1, fields: { receiptId, digest, bytes } }
}

function answer(res: ServerResponse, provider: AccountProvider | undefined, result: Result): number {
  const status = result.code ? errorCodes[result.code].status : 200
  if (res.headersSent || res.destroyed) return status
  const { contentType, body } = bodyOf(provider, result.code)
  res.statusCode = status
  res.setHeader('content-type', contentType)
  res.setHeader('content-length', Buffer.byteLength(body))
  res.setHeader('x-content-type-options', 'nosniff')
  res.setHeader('cache-control', 'no-store')
  if (status === 405) res.setHeader('allow', 'POST')
  if (result.retryAfterS !== undefined) res.setHeader('retry-after', result.retryAfterS)
  if (result.close) res.setHeader('connection', 'close')
  res.end(body)
  return status
}

/** The title alone: which check failed is for our log, and not for whoever forges. */
function bodyOf(provider: AccountProvider | undefined, code: ErrorCode | undefined): Ack {
  if (code === undefined) return provider?.accepted ?? { contentType: 'text/plain', body: '' }
  if (provider) return provider.refused(errorCodes[code].title)
  return { contentType: 'application/problem+json', body: JSON.stringify(toProblem(new AppError(code))) }
}

function isEncoded(req: IncomingMessage): boolean {
  const encoding = req.headers['content-encoding']
  return encoding !== undefined && encoding.toLowerCase() !== 'identity'
}

/** Mounted in Express, `url` has lost the mount's own part; what the provider signed is the whole. */
function pathOf(req: IncomingMessage): string {
  const url = (req as { originalUrl?: string }).originalUrl ?? req.url ?? ''
  const query = url.indexOf('?')
  return query < 0 ? url : url.slice(0, query)
}

function headersOf(req: IncomingMessage): (name: string) => string | undefined {
  return (name) => {
    const value = req.headers[name]
    return typeof value === 'string' ? value : undefined
  }
}

/** What it takes to verify it again. The quarantine seals them, cookies apart, and shows none. */
function allHeaders(req: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(req.headers)) {
    if (typeof value === 'string') headers[name] = value
  }
  return headers
}
