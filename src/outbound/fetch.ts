/**
 * The requests that we make ourselves: for keys and certificates, later queries and pushes. Where they go may be chosen
 * by others, so they are kept to the public internet over https, unless the configuration says more; no redirect is
 * followed, since it would be a second choice of theirs; time and size are bounded as a whole. Not protected here: what a
 * host of the public internet answers.
 */
import { lookup } from 'node:dns/promises'
import { Agent, type Dispatcher, request } from 'undici'
import { AppError } from '../domain/errors.ts'
import { createConnector, type Resolve } from './connector.ts'
import { createAddressCheck, createLoopbackCheck } from './networks.ts'

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
  resolve?: Resolve
}

export interface OutboundInit {
  method?: string
  headers?: Headers | Record<string, string>
  body?: string | Uint8Array
  signal?: AbortSignal | null
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
    resolve: options.resolve ?? ((host: string) => lookup(host, { all: true })),
    connectMsMax: totalMsMax,
  }
  const internet = new Agent({
    connect: createConnector({ ...connectorDeps, mayReach: createAddressCheck(options.allow) }),
  })
  const loopback = new Agent({
    connect: createConnector({ ...connectorDeps, mayReach: createLoopbackCheck() }),
  })

  return async (address, init = {}) => {
    const url = readUrl(address)
    const isLoopbackOrigin = url.origin === options.loopbackOrigin
    if (url.protocol !== 'https:' && !(url.protocol === 'http:' && (options.http || isLoopbackOrigin))) {
      throw new AppError('outbound-refused', {
        detail: `${url.protocol}//${url.host} is not https, and outbound.http does not allow more.`,
      })
    }
    const tooLate = AbortSignal.timeout(totalMsMax)
    const signal = init.signal ? AbortSignal.any([init.signal, tooLate]) : tooLate
    const dispatcher = isLoopbackOrigin ? loopback : internet
    try {
      return await orAborted(signal, exchange(url, init, { dispatcher, signal, bodyBytesMax }))
    } catch (error) {
      throw explain(error, url, tooLate.aborted ? `It took longer than ${totalMsMax} ms.` : undefined)
    }
  }
}

async function exchange(
  url: URL,
  init: OutboundInit,
  limits: { dispatcher: Dispatcher; signal: AbortSignal; bodyBytesMax: number },
): Promise<Response> {
  const headers = new Headers(init.headers)
  headers.set('accept-encoding', 'identity')
  const answer = await request(url, {
    method: (init.method ?? 'GET') as Dispatcher.HttpMethod,
    headers: Object.fromEntries(headers),
    body: init.body ?? null,
    dispatcher: limits.dispatcher,
    signal: limits.signal,
  })
  const { statusCode: status } = answer
  const problem = findProblem(answer)
  if (problem) {
    answer.body.on('error', () => {}).destroy()
    throw new AppError('outbound-failed', { detail: `${url.origin} ${problem}` })
  }
  const body = await readBody(answer.body, limits.bodyBytesMax, url)
  return new Response(statusesWithoutBody.has(status) ? null : body, {
    status,
    headers: toHeaders(answer.headers),
  })
}

function findProblem({ statusCode, headers }: Dispatcher.ResponseData): string | undefined {
  if (statusCode >= 300 && statusCode < 400 && statusCode !== 304) {
    return `answered ${statusCode}; redirects are not followed.`
  }
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity')
    return 'answered in an encoding that was not asked for.'
  return undefined
}

async function readBody(
  body: Dispatcher.ResponseData['body'],
  bytesMax: number,
  url: URL,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  // Leaving the loop destroys the body, and the connection with it.
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    bytes += chunk.length
    if (bytes > bytesMax) {
      throw new AppError('outbound-failed', { detail: `${url.origin} answered more than ${bytesMax} bytes.` })
    }
    chunks.push(chunk)
  }
  const whole = new Uint8Array(bytes)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}

function toHeaders(headers: Dispatcher.ResponseData['headers']): Headers {
  const copy = new Headers()
  for (const [name, value] of Object.entries(headers)) {
    for (const one of [value ?? []].flat()) copy.append(name, one)
  }
  return copy
}

function readUrl(address: string | URL): URL {
  if (!URL.canParse(String(address))) {
    throw new AppError('outbound-refused', { detail: 'What was to be called is not a URL.' })
  }
  const url = new URL(address)
  if (url.username !== '' || url.password !== '') {
    throw new AppError('outbound-refused', { detail: 'A URL with a user or a password in it is not called.' })
  }
  return url
}

/** A signal alone does not end a look-up or a connection that is still being made. */
function orAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

function explain(error: unknown, url: URL, reason: string | undefined): AppError {
  if (error instanceof AppError) return error
  return new AppError('outbound-failed', {
    detail: reason ? `${url.origin}: ${reason}` : `${url.origin} gave no answer.`,
    cause: error,
  })
}
