/** The operators' side of the private listener: sign-in, and Bull Board behind it. Mounted at /ops. */
import type { Queue } from 'bullmq'
import { type ErrorRequestHandler, Router } from 'express'
import { AppError } from '../../domain/errors.ts'
import type { Scope } from '../../domain/scopes.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { Principal } from '../principal.ts'
import { createBoard } from './board.ts'
import { type BoardAccess, findBoardAccess } from './board-routes.ts'
import { boardStyles } from './board-styles.ts'
import type { CreateConsole } from './console/router.ts'
import { createGuard, type Guard } from './guard.ts'
import { boardPath, opsPath } from './paths.ts'
import { setSecurityHeaders } from './security-headers.ts'
import { createSessions } from './session.ts'
import { createSignInRoutes } from './sign-in.ts'

export interface OpsRouterDeps {
  queues: Queue[]
  authenticate(token: string): Principal | null
  /** So that a token that is taken away ends its sessions. */
  principalById(id: string): Principal | null
  /** 32 bytes, the same in every process. */
  sessionKey: Uint8Array
  maskJobData(data: unknown): unknown
  console?: CreateConsole
  clock: () => number
  logger: Logger
}

export function createOpsRouter(deps: OpsRouterDeps): Router {
  const sessions = createSessions(deps)
  const guard = createGuard({ ...deps, sessions })
  const router = Router()
  router.use(setSecurityHeaders)
  router.get('/board.css', (_req, res) => void res.type('css').send(boardStyles))
  router.use(createSignInRoutes({ ...deps, sessions }))
  router.use('/queues', createBoardRoutes(deps, guard))
  if (deps.console) router.use(deps.console(guard))
  else router.get('/', (_req, res) => res.redirect(boardPath))
  router.use(sendToSignIn)
  return router
}

/** Two boards over the same queues: one offers the retry, the other nothing but reading. */
function createBoardRoutes({ queues, maskJobData, logger }: OpsRouterDeps, guard: Guard): Router {
  const forOperators = createBoard({ queues, maskJobData, basePath: boardPath, mayRetry: true })
  const forViewers = createBoard({ queues, maskJobData, basePath: boardPath, mayRetry: false })
  const names = queues.map(({ name }) => name)
  const scopeOf: Record<BoardAccess, Scope> = { read: 'ops:read', retry: 'ops:act' }

  const router = Router()
  router.use(async (req, res, next) => {
    const access = findBoardAccess(req.method, req.path, names)
    const principal = await guard(req, access ? scopeOf[access] : 'ops:read')
    if (!access)
      throw new AppError('not-allowed-here', {
        detail: 'The queues can be read and failed jobs retried; nothing else.',
      })
    if (access === 'retry') logger.info('job.retry-asked', { principal: principal.id, path: req.path })
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
