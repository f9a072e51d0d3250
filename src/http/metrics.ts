/** The listener of a process that serves nothing else: its figures, and whether it lives and can work. Private, as the API is. */
import { createServer, type Server, type ServerResponse } from 'node:http'
import { AppError } from '../domain/errors.ts'
import type { RedisState } from '../queue/redis-guard.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { sendProblem } from './problem.ts'

export interface MetricsServerDeps {
  metrics: Metrics
  redisState(): RedisState
  logger: Logger
}

export function createMetricsServer({ metrics, redisState, logger }: MetricsServerDeps): Server {
  async function answer(path: string, res: ServerResponse): Promise<void> {
    const redis = redisState()
    if (path === '/metrics') return send(res, 200, metrics.contentType, await metrics.render())
    // The process lives; whether it can work is for /readyz. A restart would not bring Redis back.
    if (path === '/healthz') return sendJson(res, 200, { status: 'ok', redis })
    if (path !== '/readyz') return sendProblem(res, new AppError('not-found'))
    if (redis.state === 'ok') sendJson(res, 200, { status: 'ready', redis })
    else sendJson(res, 503, { status: 'not-ready', redis })
  }

  return createServer((req, res) => {
    res.setHeader('x-content-type-options', 'nosniff')
    res.setHeader('cache-control', 'no-store')
    if (req.method !== 'GET' && req.method !== 'HEAD') {
      res.setHeader('allow', 'GET, HEAD')
      return sendProblem(res, new AppError('method-not-allowed'))
    }
    answer((req.url ?? '').split('?', 1)[0] ?? '', res).catch((error) => {
      logger.error('metrics.broke', { error })
      res.destroy()
    })
  })
}

function sendJson(res: ServerResponse, status: number, body: object): void {
  send(res, status, 'application/json', JSON.stringify(body))
}

function send(res: ServerResponse, status: number, type: string, body: string): void {
  res.writeHead(status, { 'content-type': type }).end(body)
}
