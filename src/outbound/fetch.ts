/**
 * The requests that we make ourselves: for keys and certificates, orders and questions; pushes go by `post.ts`. Where they go may be chosen
 * by others, so they are kept to the public internet over https, unless the configuration says more; no redirect is
 * followed, since it would be a second choice of theirs; time and size are bounded as a whole. Not protected here: what a
 * host of the public internet answers.
 */
import { Agent } from 'undici'
import { AppError } from '../domain/errors.ts'
import { anySignal } from '../telemetry/any-signal.ts'
import { createConnector, type Resolve, resolveBySystem } from './connector.ts'
import { type ExchangeLimits, exchange } from './exchange.ts'
import { createAddressCheck, createLoopbackCheck } from './networks.ts'
import { isProtocolAllowed, readTarget } from './target.ts'

export interface OutboundOptions {
  /** Networks, as CIDR, that may be reached besides the public internet. */
  allow: readonly string[]
  /** Whether plain http may be used. */
  http: boolean
  /** An origin that may be at a loopback address and speak plain http: the base URL of an account, as an operator wrote it. */
  loopbackOrigin?: string | undefined
  /** From the call to the last byte of the answer, the look-up of the name included. */
  totalMsMax?: number
  bodyBytesMax?: number
  /**
   * False: each request has a connection of its own. One that is kept may be closed by the other side at the very moment
   * at which it is used, and then nobody knows whether the request was read.
   */
  keepAlive?: boolean
  resolve?: Resolve
}

export interface OutboundInit {
  method?: string
  headers?: Headers | Record<string, string>
  body?: string | Uint8Array
  signal?: AbortSignal | null
  /**
   * Called at the last moment before the first byte leaves: what fails without it was certainly not sent. If it throws,
   * nothing is sent.
   */
  onSend?: () => void
}

/** As `fetch`, with an answer that is read to its end already. */
export type OutboundFetch = (url: string | URL, init?: OutboundInit) => Promise<Response>

/** Beyond any set of keys or certificates, and any answer to a query. */
const defaultBodyBytesMax = 1024 * 1024
const defaultTotalMsMax = 10_000

const statusesWithoutBody = new Set([204, 205, 304])

export function createOutboundFetch(options: OutboundOptions): OutboundFetch {
  const { totalMsMax = defaultTotalMsMax, bodyBytesMax = defaultBodyBytesMax } = options
  const connectorDeps = {
    resolve: options.resolve ?? resolveBySystem,
    connectMsMax: totalMsMax,
  }
  // Without pipelining a connection is closed behind its request.
  const shared = options.keepAlive === false ? { pipelining: 0 } : {}
  const internet = new Agent({
    ...shared,
    connect: createConnector({ ...connectorDeps, mayReach: createAddressCheck(options.allow) }),
  })
  const loopback = new Agent({
    ...shared,
    connect: createConnector({ ...connectorDeps, mayReach: createLoopbackCheck() }),
  })

  return async (address, init = {}) => {
    const url = readTarget(address)
    const isLoopbackOrigin = url.origin === options.loopbackOrigin
    if (!isProtocolAllowed(url, options.http || isLoopbackOrigin)) {
      throw new AppError('outbound-refused', {
        detail: `${url.protocol}//${url.host} is not https, and outbound.http does not allow more.`,
      })
    }
    const tooLate = AbortSignal.timeout(totalMsMax)
    const signal = init.signal ? anySignal(init.signal, tooLate) : tooLate
    const dispatcher = isLoopbackOrigin ? loopback : internet
    try {
      return await send(url, init, { dispatcher, signal, bodyBytesMax })
    } catch (error) {
      throw explain(error, url, tooLate.aborted ? `It took longer than ${totalMsMax} ms.` : undefined)
    }
  }
}

async function send(url: URL, init: OutboundInit, limits: ExchangeLimits): Promise<Response> {
  const headers = new Headers(init.headers)
  headers.set('accept-encoding', 'identity')
  const request = {
    method: init.method ?? 'GET',
    headers: Object.fromEntries(headers),
    body: init.body ?? null,
    onSend: init.onSend,
  }
  const { status, body, ...answer } = await exchange(url, request, limits)
  return new Response(statusesWithoutBody.has(status) ? null : body, { status, headers: answer.headers })
}

function explain(error: unknown, url: URL, reason: string | undefined): AppError {
  if (error instanceof AppError) return error
  return new AppError('outbound-failed', {
    detail: reason ? `${url.origin}: ${reason}` : `${url.origin} gave no answer.`,
    cause: error,
  })
}
