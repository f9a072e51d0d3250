/**
 * Both make-believe providers behind one port, as their paths do not meet, and beside them what only a sandbox has: what
 * it believes of every payout, and a switch for its callbacks. It is for the loopback interface: these two need no token.
 */
import express, { type ErrorRequestHandler, type Express, type RequestHandler, type Router } from 'express'
import { z } from 'zod'
import { openDoor } from './door.ts'

/** A provider's own paths. Each body reaches them as the Buffer of its bytes, whatever its type. */
export interface ProviderServer {
  router: Router
  state(): unknown
  /** Waits for nothing more and calls nobody. */
  stop(): void
}

export interface CallbackSwitch {
  isOn(): boolean
  turn(on: boolean): void
}

export interface SandboxServerDeps {
  zenospay?: ProviderServer | undefined
  wechatpay?: ProviderServer | undefined
  callbacks: CallbackSwitch
}

export interface RunningServer {
  url: string
  stop(): Promise<void>
}

const bodyBytesMax = '16mb'
const switchSchema = z.strictObject({ on: z.boolean() })

export function createCallbackSwitch(): CallbackSwitch {
  let on = true
  return {
    isOn: () => on,
    turn(next) {
      on = next
    },
  }
}

export function createSandboxApp({ zenospay, wechatpay, callbacks }: SandboxServerDeps): Express {
  const calls = new Map<string, Record<string, number>>()
  const app = express()
  app.disable('x-powered-by').disable('etag')
  app.use(countCalls(calls), express.raw({ type: () => true, limit: bodyBytesMax }))

  app.get('/sandbox/state', (_req, res) => {
    res.json({ zenospay: zenospay?.state(), wechatpay: wechatpay?.state(), calls: Object.fromEntries(calls) })
  })
  app.post('/sandbox/callbacks', (req, res) => {
    const asked = switchSchema.safeParse(readBody(req.body))
    if (!asked.success)
      return res.status(422).json({ message: 'The body must be {"on": true} or {"on": false}.' })
    callbacks.turn(asked.data.on)
    return res.json({ on: callbacks.isOn() })
  })
  for (const provider of [zenospay, wechatpay]) if (provider) app.use(provider.router)
  app.use((_req, res) => void res.status(404).json({ message: 'Not Found' }))
  app.use(answerFault)
  return app
}

export async function listenSandbox(
  deps: SandboxServerDeps,
  address: { host: string; port: number },
): Promise<RunningServer> {
  const door = await openDoor(address)
  door.open(createSandboxApp(deps))
  return {
    url: door.url,
    async stop() {
      deps.zenospay?.stop()
      deps.wechatpay?.stop()
      await door.close()
    },
  }
}

/** Undefined where the bytes are not JSON, or where there are none. */
export function readBody(body: unknown): unknown {
  try {
    return Buffer.isBuffer(body) ? JSON.parse(body.toString('utf8')) : undefined
  } catch {
    return undefined
  }
}

/** A body that is too large, or that broke off. */
const answerFault: ErrorRequestHandler = (error: { status?: number }, _req, res, next) => {
  if (res.headersSent) next(error)
  else res.status(error.status ?? 500).json({ message: 'The request could not be read.' })
}

/** By the path's pattern and what was answered; `none` is what a caller gave up on. */
function countCalls(calls: Map<string, Record<string, number>>): RequestHandler {
  return (req, res, next) => {
    res.once('close', () => {
      const path: unknown = req.route?.path
      if (req.path.startsWith('/sandbox/')) return
      const name = `${req.method} ${typeof path === 'string' ? path : 'other'}`
      const status = res.writableFinished ? String(res.statusCode) : 'none'
      const counts = calls.get(name) ?? {}
      counts[status] = (counts[status] ?? 0) + 1
      calls.set(name, counts)
    })
    next()
  }
}
