/**
 * The endpoint that providers call, as a plain `(req, res, next)` handler: Express mounts it like any middleware, and
 * our own server hands it the request before Express is asked. Every answer of the callback listener is decided here.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { digestBody } from '../../providers/digest.ts'
import type { AccountProvider, CallbackRequest, RefusalReason } from '../../providers/provider.ts'
import type { KeyUsage } from '../../store/key-usage.ts'
import type { RefusedCallback } from '../../store/quarantine.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { type RunningPatience, startPatience } from '../../telemetry/patience.ts'
import type { ProcessFigures } from '../../telemetry/process-figures.ts'
import { type Answer, createAnswer } from './answer.ts'
import type { FailureLimiter } from './failure-limiter.ts'
import { allHeaders, isEncoded, singleHeaders } from './headers.ts'
import type { Intake, IntakeOutcome } from './intake.ts'
import { readBody } from './read-body.ts'
import type { Room } from './room.ts'
import type { SourceOf, SourceRule } from './source.ts'

export const bodyBytesMax = 256 * 1024

export interface CallbackHandlerDeps {
  providers: ReadonlyMap<string, AccountProvider>
  intake: Intake
  limiter: FailureLimiter
  sourceOf: SourceOf
  isSourceAllowed: SourceRule
  quarantine(refused: RefusedCallback): void
  /** Rightly signed and too late: something happened, and the provider can be asked what. Never throws, never waits. */
  askForQuery(provider: AccountProvider, body: Buffer): void
  /** Counts, and never fails or waits. */
  usage: Pick<KeyUsage, 'note' | 'noteRefusal'>
  /** For the monitor; in memory alone. */
  figures?: Pick<ProcessFigures, 'callback'>
  /** For the bodies of all requests together. */
  room: Room
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

/** Of no wall clock: an answer takes less than its milliseconds. */
const now = () => performance.now()

/** What happened, for the answer and for the log line. */
interface Result extends Answer {
  fields: Record<string, unknown>
}

export function createCallbackHandler(deps: CallbackHandlerDeps): CallbackHandler {
  const { providers, limiter, clock, logger } = deps
  const answer = createAnswer(providers.values())
  let underWay = 0

  async function take(
    req: IncomingMessage,
    provider: AccountProvider,
    patience: RunningPatience,
  ): Promise<Result> {
    const graceMs = Math.max(0, deps.senderMsMax - provider.budgetMs)
    const read = await readBody(req, bodyBytesMax, patience, graceMs, deps.room)
    switch (read.outcome) {
      case 'too-large':
        return { code: 'body-too-large', close: true, fields: {} }
      case 'no-room':
        return { code: 'too-many-in-flight', retryAfterS: 1, close: true, fields: {} }
      case 'too-slow':
        return { code: 'too-slow', close: true, fields: {} }
      case 'gone':
        return { code: 'too-slow', close: true, fields: { gone: true } }
      case 'read':
        break
    }
    try {
      return await judge(req, provider, patience, read.body)
    } finally {
      deps.room.give(read.body.length)
    }
  }

  async function judge(
    req: IncomingMessage,
    provider: AccountProvider,
    patience: RunningPatience,
    body: Buffer,
  ): Promise<Result> {
    const request = { path: pathOf(req), header: singleHeaders(req), body, now: clock() }
    const source = deps.sourceOf(req)
    if (!deps.isSourceAllowed(provider.account, source))
      return refuse(req, provider, source, request, 'source-not-allowed')
    const outcome = await deps.intake(provider, request, patience)
    if (outcome.outcome === 'durable') {
      if (!outcome.unverified) limiter.verified(source)
      deps.usage.note(provider.account, outcome.keyId, request.now)
    }
    if (outcome.outcome === 'not-authentic') {
      return refuse(req, provider, source, request, outcome.reason, outcome.digest)
    }
    return describeOutcome(outcome, body.length)
  }

  function refuse(
    req: IncomingMessage,
    provider: AccountProvider,
    source = 'unknown',
    { path, body, now }: CallbackRequest,
    reason: RefusalReason,
    digest = digestBody(body),
  ): Result {
    const { account } = provider
    const fields = { reason, digest, bytes: body.length, source }
    deps.usage.noteRefusal(account, reason, now)
    // Also where the source has to wait: something happened, whoever else fails beside it.
    if (reason === 'outside-window') deps.askForQuery(provider, body)
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
    const begun = now()
    const provider = providers.get(account)
    let result: Result
    const refusal = refuseAtOnce(req, provider, underWay >= deps.underWayMax)
    if (refusal || !provider) {
      result = refusal ?? { code: 'no-such-account', fields: {} }
    } else {
      underWay++
      const patience = startPatience(provider.budgetMs)
      try {
        result = await take(req, provider, patience)
      } catch (error) {
        logger.error('callback.broke', { account: provider.account, error })
        result = { code: 'internal-error', fields: {} }
      } finally {
        patience.stop()
        underWay--
      }
    }
    const status = answer(res, provider, result)
    deps.figures?.callback({
      account: provider?.account,
      status,
      reason: reasonOf(result),
      ms: now() - begun,
    })
    log(provider, status, startedAt, result)
  }

  function log(
    provider: AccountProvider | undefined,
    status: number,
    startedAt: number,
    result: Result,
  ): void {
    const level = status >= 500 ? 'error' : status >= 400 ? 'warn' : 'info'
    if (!logger.isOn(level)) return
    // An account that is not ours is whatever somebody typed; it stays out of the log.
    const account = provider?.account
    const outcome = result.code ?? 'durable'
    logger[level]('callback.received', {
      outcome,
      account,
      status,
      durationMs: clock() - startedAt,
      ...result.fields,
    })
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

/** Why it was not accepted; of a forgery, which check failed. */
function reasonOf({ code, fields }: Result): string {
  return code === 'not-authentic' ? String(fields.reason) : (code ?? '')
}

/** What can be said before the body is read. */
function refuseAtOnce(
  req: IncomingMessage,
  provider: AccountProvider | undefined,
  tooMany: boolean,
): Result | undefined {
  if (!provider) return { code: 'no-such-account', fields: {} }
  if (req.method !== 'POST') return { code: 'method-not-allowed', fields: {} }
  if (isEncoded(req)) return { code: 'unsupported-media-type', close: true, fields: {} }
  if (tooMany) return { code: 'too-many-in-flight', retryAfterS: 1, close: true, fields: {} }
  return undefined
}

function describeOutcome(
  outcome: Exclude<IntakeOutcome, { outcome: 'not-authentic' }>,
  bytes: number,
): Result {
  const { receiptId, digest } = outcome
  if (outcome.outcome === 'durable') return { fields: { receiptId, digest, keyId: outcome.keyId, bytes } }
  return { code: outcome.code, retryAfterS: 1, fields: { receiptId, digest, bytes } }
}

/** Mounted in Express, `url` has lost the mount's own part; what the provider signed is the whole. */
function pathOf(req: IncomingMessage): string {
  const url = (req as { originalUrl?: string }).originalUrl ?? req.url ?? ''
  const query = url.indexOf('?')
  return query < 0 ? url : url.slice(0, query)
}
