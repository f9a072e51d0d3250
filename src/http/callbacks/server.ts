/**
 * The public listener. It serves the callback URL and `/healthz` and nothing else; a callback goes to the handler
 * before Express is asked, which is most of the speed.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { AppError } from '../../domain/errors.ts'
import { sendProblem } from '../problem.ts'
import type { CallbackHandler } from './handler.ts'

const prefix = '/callbacks/'

/** A sender that takes longer for its headers, or for the whole request, is answered 408 and closed. */
export interface SenderPatience {
  headersMs: number
  requestMs: number
  /** How often Node looks. */
  sweepMs: number
}
const patienceByDefault: SenderPatience = { headersMs: 5_000, requestMs: 10_000, sweepMs: 1_000 }

/** More are closed as they come. A provider tries again; the process keeps its file descriptors and its memory. */
const connectionsMax = 10_000

export function createCallbackServer(handler: CallbackHandler, patience = patienceByDefault): Server {
  const options = {
    headersTimeout: patience.headersMs,
    requestTimeout: patience.requestMs,
    connectionsCheckingInterval: patience.sweepMs,
    keepAliveTimeout: 65_000,
    maxHeaderSize: 16 * 1024,
  }
  const server = createServer(options, (req, res) => {
    req.url = originForm(req.url ?? '')
    const account = accountOf(req.url)
    if (account !== undefined) void handler.receive(req, res, account)
    else serveRest(req, res)
  })
  server.maxConnections = connectionsMax
  return server
}

/** A proxy may send the whole URL in the first line (RFC 9112, section 3.2.2); what stands before the path is not ours to read. */
function originForm(url: string): string {
  return /^https?:\/\/[^/?#]*(?<path>\/.*)$/i.exec(url)?.groups?.path ?? url
}

/** The one segment after the prefix, as it was sent: no account's id needs decoding. */
function accountOf(url: string): string | undefined {
  if (!url.startsWith(prefix)) return undefined
  const query = url.indexOf('?')
  const account = url.slice(prefix.length, query < 0 ? undefined : query)
  return account === '' || account.includes('/') ? undefined : account
}

function serveRest(req: IncomingMessage, res: ServerResponse): void {
  res.setHeader('x-content-type-options', 'nosniff')
  if (req.url !== '/healthz') {
    sendProblem(res, new AppError('not-found'))
  } else if (req.method !== 'GET' && req.method !== 'HEAD') {
    res.setHeader('allow', 'GET, HEAD')
    sendProblem(res, new AppError('method-not-allowed'))
  } else {
    res.setHeader('content-type', 'application/json')
    res.end('{"status":"ok"}')
  }
}
