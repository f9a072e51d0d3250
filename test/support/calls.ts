/** A provider's HTTP server that does as it is told, and clients of it as two processes would have them. */
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import type { Redis } from 'ioredis'
import type { CallBudget } from '../../src/outbound/budget.ts'
import { createCalls } from '../../src/outbound/calls.ts'
import { createOutboundFetch } from '../../src/outbound/fetch.ts'
import type { CallRequest, Endpoint } from '../../src/providers/client.ts'
import { type BreakerSettings, createCallLimits } from '../../src/store/call-limits.ts'
import { createKeys } from '../../src/store/keys.ts'
import { loadScripts } from '../../src/store/scripts.ts'
import { createMemoryLogger } from './log.ts'

export interface Host {
  url: string
  /** `GET /path body`, as they came. */
  seen: string[]
  answer(listener: RequestListener): void
  stop(): void
}

export function createHosts() {
  const servers: Server[] = []
  return {
    async start(listener: RequestListener = (_, res) => res.end('ok')): Promise<Host> {
      const seen: string[] = []
      let current = listener
      const server = createServer(async (req, res) => {
        const chunks: Buffer[] = []
        for await (const chunk of req) chunks.push(chunk)
        seen.push(`${req.method} ${req.url} ${Buffer.concat(chunks)}`.trim())
        current(req, res)
      })
      servers.push(server)
      await once(server.listen(0, '127.0.0.1'), 'listening')
      const stop = () => {
        server.closeAllConnections()
        server.close()
      }
      const answer = (next: RequestListener) => {
        current = next
      }
      return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, answer, stop }
    },
    stopAll() {
      for (const server of servers.splice(0)) {
        server.closeAllConnections()
        server.close()
      }
    },
  }
}

/** An origin at which nobody listens. */
export async function deadOrigin(): Promise<string> {
  const server = createTcpServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return `http://127.0.0.1:${port}`
}

export interface ProcessOptions {
  breaker?: BreakerSettings
  perSecond?: number
  clock?: () => number
  budget?: CallBudget
}

/** What one process has: its own connection to Redis, and the same keys as the others of the test. */
export function createCallProcess(redis: Redis, prefix: string, options: ProcessOptions = {}) {
  const { breaker, perSecond, clock = Date.now } = options
  const limits = createCallLimits({
    redis,
    scripts: loadScripts(redis),
    keys: createKeys(prefix, 4),
    ...(breaker && { breaker }),
  })
  const logger = createMemoryLogger()
  const calls = createCalls({
    budget: options.budget ?? limits,
    fetchFor: (origin, more) =>
      createOutboundFetch({ allow: [], http: false, loopbackOrigin: origin, ...more }),
    perSecondOf: () => perSecond,
    clock,
    random: Math.random,
    logger,
  })
  const connect = (baseUrl: string, more: Partial<Endpoint> = {}) =>
    calls.connectTo({ account: 'a', baseUrl, limits: [], timeoutMs: 5_000, ...more })
  return { limits, calls, logger, connect }
}

export function question(more: Partial<CallRequest> = {}): CallRequest {
  return { method: 'GET', path: '/status', headers: () => ({}), repeatable: true, bucket: 'ask', ...more }
}

export function order(more: Partial<CallRequest> = {}): CallRequest {
  return {
    method: 'POST',
    path: '/pay',
    body: 'money',
    headers: () => ({ 'content-type': 'text/plain' }),
    repeatable: false,
    bucket: 'order',
    ...more,
  }
}
