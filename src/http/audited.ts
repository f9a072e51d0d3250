/**
 * Puts what people do on record, before it is done and after. It stands before all routes, and what is safe or merely
 * registers is taken out by name: a route that is new is on record without anybody's doing. What cannot be put on record
 * is not done.
 */
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express'
import type { AuditEnd, AuditedAction, AuditFacts } from '../domain/audit.ts'
import { AppError, asAppError } from '../domain/errors.ts'
import { describeRedisTrouble } from '../redis/trouble.ts'
import type { AskedAction, AuditLog } from '../store/audit-log.ts'
import type { Logger } from '../telemetry/logger.ts'

export interface AuditedDeps {
  audit: Pick<AuditLog, 'ask' | 'end'>
  /** What is asked for; undefined for what is not to be on record. */
  describe(req: Request, res: Response): AuditedAction | undefined | Promise<AuditedAction | undefined>
  logger: Logger
}

export interface Audited {
  handle: RequestHandler
  /** Resolves once all that has been answered is on record. */
  drain(): Promise<void>
}

interface AuditLocals {
  auditFacts?: { before?: AuditFacts; after?: AuditFacts }
  problem?: string
}

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

export function createAudited({ audit, describe, logger }: AuditedDeps): Audited {
  const ending = new Set<Promise<unknown>>()

  function endWith(asked: AskedAction, res: Response): void {
    const ended = audit.end(asked, describeEnd(res)).then(
      ({ number, outcome }) => {
        const { who, via, action, target } = asked.action
        logger.info('action.ended', { audit: number, principal: who, via, action, target, outcome })
      },
      (error: unknown) => logger.warn('audit.end-not-kept', { audit: asked.number, error }),
    )
    ending.add(ended)
    void ended.finally(() => ending.delete(ended))
  }

  return {
    handle: async (req, res, next) => {
      const action = safeMethods.has(req.method) ? undefined : await describe(req, res)
      if (action) {
        const asked = await askFor(audit, action)
        res.once('close', () => endWith(asked, res))
      }
      next()
    },
    drain: async () => void (await Promise.all(ending)),
  }
}

/** On record, or an error that says that it is not. */
export async function askFor(audit: Pick<AuditLog, 'ask'>, action: AuditedAction): Promise<AskedAction> {
  return audit.ask(action).catch((cause: unknown) => {
    if (cause instanceof AppError) throw cause
    throw describeRedisTrouble(cause) ?? new AppError('not-on-record', { cause })
  })
}

/** For routes: what changed, where it is small and not personal. */
export function noteFacts(res: Response, facts: { before?: AuditFacts; after?: AuditFacts }): void {
  ;(res.locals as AuditLocals).auditFacts = facts
}

/** Stands before the handler that answers errors. */
export const noteProblem: ErrorRequestHandler = (error: unknown, _req, res, next) => {
  noteCode(res, asAppError(error).code)
  next(error)
}

export function noteCode(res: Response, code: string): void {
  ;(res.locals as AuditLocals).problem = code
}

function describeEnd(res: Response): AuditEnd {
  const { auditFacts = {}, problem: code } = res.locals as AuditLocals
  const status = res.statusCode
  // Whoever hung up does not know how it ended, and nor do we: the route may have been in the middle of it.
  if (!res.writableFinished) return { outcome: 'failed', code: 'cut-off', ...auditFacts }
  if (status < 400) return { outcome: 'done', status, ...auditFacts }
  return { outcome: status < 500 ? 'refused' : 'failed', status, code, ...auditFacts }
}

const shownPattern = /^[\w.:@/-]{1,160}$/

/** Ids of ours alone: what else stands in a path is anybody's word, and may be somebody's name. */
export function readTarget(parts: readonly string[]): string | undefined {
  const target = parts.join('/')
  return shownPattern.test(target) ? target : undefined
}

/** One line, as it was given. */
export function readReason(body: unknown): string | undefined {
  const reason = (Object(body) as { reason?: unknown }).reason
  if (typeof reason !== 'string') return undefined
  const line = reason.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim()
  return line === '' ? undefined : line.slice(0, 500)
}
