/** The private listener: the API, its health, and the operators' pages. */
import { randomUUID } from 'node:crypto'
import express, { type ErrorRequestHandler, type Express, type RequestHandler, type Router } from 'express'
import { AppError } from '../../domain/errors.ts'
import type { RedisState } from '../../queue/redis-guard.ts'
import { describeRedisTrouble } from '../../redis/trouble.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { Metrics } from '../../telemetry/metrics.ts'
import { noteCode } from '../audited.ts'
import type { Principal } from '../principal.ts'
import { sendProblem } from '../problem.ts'
import { principalIdOf, requireToken } from './authorize.ts'

export interface ApiAppDeps {
  routes: Router[]
  ops: Router
  /** What describes all this. */
  documents?: Router
  metrics?: Metrics
  /** Puts on record what is asked for, before it is done. */
  audit?: RequestHandler
  authenticate(token: string): Principal | null
  redisState(): RedisState
  clock: () => number
  logger: Logger
}

const bodyMax = '8mb'

export function createApiApp({
  routes,
  ops,
  documents,
  metrics,
  audit,
  authenticate,
  redisState,
  clock,
  logger,
}: ApiAppDeps): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  // A browser asks for it beside every page; that is no request of anybody's.
  app.use('/favicon.ico', (_req, res) => void res.status(204).end())
  app.use(logRequests(clock, logger), setHeaders)
  app.get('/healthz', (_req, res) => {
    // The process lives; whether it can work is for /readyz. A restart would not bring Redis back.
    res.json({ status: 'ok', redis: redisState() })
  })
  app.get('/readyz', (_req, res) => {
    const redis = redisState()
    res
      .status(redis.state === 'ok' ? 200 : 503)
      .json({ status: redis.state === 'ok' ? 'ready' : 'not-ready', redis })
  })
  if (metrics) {
    app.get('/metrics', async (_req, res) => {
      res.type(metrics.contentType).send(await metrics.render())
    })
  }
  app.use('/ops', ops)
  if (documents) app.use(documents)
  app.use(
    '/v1',
    requireToken(authenticate),
    requireJson,
    express.json({ limit: bodyMax, type: () => true, inflate: false }),
  )
  // Where a route throws, the request has left the place where its router is mounted by the time it is logged.
  app.use('/v1', (req, res, next) => {
    res.locals.mountedAt = req.baseUrl
    next()
  })
  if (audit) app.use('/v1', audit)
  for (const router of routes) app.use('/v1', router)
  app.use((_req, _res, next) => next(new AppError('not-found')))
  app.use(answerErrors(logger))
  return app
}

const setHeaders: RequestHandler = (_req, res, next) => {
  res.setHeader('x-content-type-options', 'nosniff')
  res.setHeader('cache-control', 'no-store')
  next()
}

/** A form post from some page cannot pass for JSON: browsers send this type only after asking. */
const requireJson: RequestHandler = (req, _res, next) => {
  const type = req.headers['content-type']
  const hasBody =
    req.headers['content-length'] !== undefined || req.headers['transfer-encoding'] !== undefined
  if (
    hasBody &&
    req.headers['content-length'] !== '0' &&
    !/^application\/([\w.+-]+\+)?json\b/i.test(type ?? '')
  ) {
    throw new AppError('unsupported-media-type', { detail: 'The body must be sent as application/json.' })
  }
  next()
}

function logRequests(clock: () => number, logger: Logger): RequestHandler {
  return (req, res, next) => {
    const startedAt = clock()
    const requestId = randomUUID()
    res.setHeader('x-request-id', requestId)
    logger.debug('request.started', { requestId, method: req.method, path: req.path })
    res.on('close', () => {
      const route = (req.route as { path?: string } | undefined)?.path
      // The route and never the URL: a query may hold a reference that is somebody's name.
      logger.info('request.finished', {
        requestId,
        method: req.method,
        route: route === undefined ? undefined : `${res.locals.mountedAt ?? req.baseUrl}${route}`,
        status: res.statusCode,
        principal: principalIdOf(req),
        durationMs: clock() - startedAt,
        aborted: !res.writableFinished || undefined,
      })
    })
    next()
  }
}

/** Body parsing fails with errors of its own; everything else that is not ours is ours to be ashamed of. */
function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error
  const type = (error as { type?: unknown }).type
  if (type === 'entity.parse.failed') return new AppError('malformed-json')
  if (type === 'entity.too.large')
    return new AppError('body-too-large', { detail: `A body is at most ${bodyMax}.` })
  if (type === 'encoding.unsupported' || type === 'charset.unsupported')
    return new AppError('unsupported-media-type')
  if (error instanceof URIError) return new AppError('not-found')
  return describeRedisTrouble(error) ?? new AppError('internal-error', { cause: error })
}

function answerErrors(logger: Logger): ErrorRequestHandler {
  return (error: unknown, req, res, _next) => {
    const known = toAppError(error)
    noteCode(res, known.code)
    if (known.code === 'internal-error') {
      const requestId = res.getHeader('x-request-id')
      logger.error('request.broke', { requestId, method: req.method, error: known, ...known.context })
    }
    if (res.headersSent) res.destroy()
    else sendProblem(res, known)
  }
}
