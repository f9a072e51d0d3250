/** The operators' side of the private listener: sign-in, and Bull Board behind it. Mounted at /ops. */
import type { Queue } from 'bullmq'
import { type ErrorRequestHandler, Router } from 'express'
import { AppError } from '../../domain/errors.ts'
import { scopesOfRole } from '../../domain/roles.ts'
import type { Scope } from '../../domain/scopes.ts'
import type { AuditLog } from '../../store/audit-log.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { type Audited, createAudited, noteProblem } from '../audited.ts'
import type { Principal } from '../principal.ts'
import { createBoard } from './board.ts'
import { type BoardRetryDeps, createBoardRetry } from './board-retry.ts'
import { type BoardAccess, findBoardAccess } from './board-routes.ts'
import { boardStyles } from './board-styles.ts'
import type { CreateConsole } from './console/router.ts'
import { createDescribeAction } from './describe-action.ts'
import { createFormTokens } from './form-token.ts'
import { createGuard, createWhoAsks, type Guard } from './guard.ts'
import type { OidcSignIn } from './oidc-sign-in.ts'
import type { LocalOperators } from './operator-sign-in.ts'
import { boardPath, opsPath } from './paths.ts'
import { setSecurityHeaders } from './security-headers.ts'
import { createSessions, type SessionClaims } from './session.ts'
import { createSignInRoutes, readForm } from './sign-in.ts'
import { createSignInRecord } from './sign-in-record.ts'

export interface OpsRouterDeps extends Pick<BoardRetryDeps, 'callbackReplays'> {
  queues: Queue[]
  authenticate(token: string): Principal | null
  /** So that a token that is taken away ends its sessions. */
  principalById(id: string): Principal | null
  /** 32 bytes, the same in every process. */
  sessionKey: Uint8Array
  operators?: LocalOperators
  oidc?: OidcSignIn | undefined
  maskJobData(data: unknown): unknown
  console?: CreateConsole
  audit: AuditLog
  clock: () => number
  logger: Logger
}

export interface Ops {
  router: Router
  /** Resolves once all that has been answered is on record. */
  drain: Audited['drain']
}

export function createOpsRouter(deps: OpsRouterDeps): Ops {
  const sessions = createSessions({ ...deps, principalOf: createPrincipalOf(deps) })
  const guard = createGuard({ ...deps, sessions })
  const audited = createAudited({ ...deps, describe: createDescribeAction(createWhoAsks(deps, sessions)) })
  const router = Router()
  router.use(setSecurityHeaders, readForm, audited.handle, createFormTokens(sessions))
  router.get('/board.css', (_req, res) => void res.type('css').send(boardStyles))
  router.use(createSignInRoutes({ ...deps, sessions, record: createSignInRecord(deps) }))
  router.use('/queues', createBoardRoutes(deps, guard))
  if (deps.console) router.use(deps.console(guard))
  else router.get('/', (_req, res) => res.redirect(boardPath))
  router.use(noteProblem, sendToSignIn)
  return { router, drain: audited.drain }
}

/** Who somebody is now who signed in before. */
function createPrincipalOf({ principalById, operators, oidc }: OpsRouterDeps) {
  return async ({ id, via, tokenId, role }: SessionClaims): Promise<Principal | null> => {
    if (via === 'oidc') return oidc && role ? { id, via, role, scopes: scopesOfRole[role] } : null
    const principal =
      via === 'token' ? principalById(id) : via === 'operator' ? await operators?.principalOf(id) : null
    return principal && principal.tokenId === tokenId ? principal : null
  }
}

/** Two boards over the same queues: one offers the retry, the other nothing but reading. */
function createBoardRoutes({ queues, maskJobData, callbackReplays }: OpsRouterDeps, guard: Guard): Router {
  const forOperators = createBoard({ queues, maskJobData, basePath: boardPath, mayRetry: true })
  const forViewers = createBoard({ queues, maskJobData, basePath: boardPath, mayRetry: false })
  const names = queues.map(({ name }) => name)
  const retry = createBoardRetry({ queues, callbackReplays })
  const scopeOf: Record<BoardAccess, Scope> = { read: 'ops:read', retry: 'ops:act' }

  const router = Router()
  router.use(async (req, res, next) => {
    const access = findBoardAccess(req.method, req.path, names)
    const principal = await guard(req, access ? scopeOf[access] : 'ops:read')
    if (!access)
      throw new AppError('not-allowed-here', {
        detail: 'The queues can be read and failed jobs retried; nothing else.',
      })
    const answer = access === 'retry' && (await retry(req.path, principal.id))
    if (answer) {
      res.status(answer.status).send(answer.body)
      return
    }
    const board = principal.scopes.includes('ops:act') ? forOperators : forViewers
    board(req, res, next)
  })
  return router
}

/** A person without a session is shown where to get one; a program gets the problem. */
const sendToSignIn: ErrorRequestHandler = (error: unknown, req, res, next) => {
  const wantsPage = req.method === 'GET' && req.accepts(['json', 'html']) === 'html'
  if (!(error instanceof AppError) || error.code !== 'unauthenticated' || !wantsPage) return next(error)
  res.redirect(`${opsPath}/sign-in?next=${encodeURIComponent(req.originalUrl)}`)
}
