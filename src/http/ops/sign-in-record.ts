/**
 * Who came in, who was refused and who left, in the log and in the audit log. To come in changes nothing, so it is not refused
 * where Redis is away: that is when one has to look.
 */
import type { Request } from 'express'
import type { SignInWay } from '../../domain/audit.ts'
import type { AuditLog } from '../../store/audit-log.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { Principal } from '../principal.ts'

export interface SignInRecord {
  signedIn(req: Request, principal: Principal): Promise<void>
  /** `who`: as far as it is known; not what somebody typed. */
  refused(req: Request, about: { who?: string | undefined; via: SignInWay; code: string }): Promise<void>
  signedOut(req: Request, principal: Principal): Promise<void>
}

export interface SignInRecordDeps {
  audit: Pick<AuditLog, 'note'>
  logger: Logger
}

/** Longer than a Redis takes that is there. */
const waitMsMax = 1_000

export function createSignInRecord({ audit, logger }: SignInRecordDeps): SignInRecord {
  async function keep(
    req: Request,
    action: Parameters<AuditLog['note']>[0],
    end: Parameters<AuditLog['note']>[1],
  ) {
    const request = String(req.res?.getHeader('x-request-id') ?? '') || undefined
    const kept = audit.note({ ...action, request }, end).catch((error: unknown) => {
      logger.warn('audit.not-kept', { action: action.action, principal: action.who, error })
    })
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, waitMsMax)
    })
    await Promise.race([kept, late])
    clearTimeout(timer)
  }
  const sourceOf = (req: Request) => req.socket.remoteAddress ?? 'unknown'

  return {
    async signedIn(req, { id, via = 'token' }) {
      logger.info('operator.signed-in', { principal: id, via })
      await keep(req, { who: id, via, action: 'session.begin', target: sourceOf(req) }, { outcome: 'done' })
    },
    async refused(req, { who, via, code }) {
      const source = sourceOf(req)
      logger.warn('operator.refused', { principal: who, via, code, source })
      const action = { who: who ?? 'unknown', via, action: 'session.begin', target: source }
      await keep(req, action, { outcome: 'refused', code })
    },
    async signedOut(req, { id, via = 'token' }) {
      logger.info('operator.signed-out', { principal: id, via })
      await keep(req, { who: id, via, action: 'session.end', target: sourceOf(req) }, { outcome: 'done' })
    },
  }
}
