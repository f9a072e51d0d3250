/**
 * Middleware that takes deliveries: 2xx is answered only once `handle` has done its work, so whatever goes wrong before
 * brings the delivery again. It works in Express and under a plain Node.js server.
 */
import { DeliveryNotVerified, type NotVerifiedCode } from './errors.ts'
import { type DeliveryRequest, readRawBody } from './raw-body.ts'
import type { SeenStore } from './seen.ts'
import type { TallyhookEvent, TestEvent } from './types/events.ts'
import { isTestEvent, readSecrets, type VerifyOptions, verifyDelivery } from './verify.ts'

/** What is used of a response of Node.js or Express. */
export interface DeliveryResponse {
  statusCode: number
  setHeader(name: string, value: string): unknown
  end(body?: string): unknown
}

export interface ReceiveOptions extends VerifyOptions {
  /** One, or all that may have signed while they rotate. A function is asked for each delivery. */
  secrets: string | readonly string[] | (() => readonly string[] | Promise<readonly string[]>)
  /** Resolves when the event is dealt with for good. Throw, and it comes again later; `RetryLater` says when. */
  handle(event: TallyhookEvent): Promise<void> | void
  /** What `/test` sends. It is verified and answered, and no event. */
  onTest?: ((event: TestEvent) => Promise<void> | void) | undefined
  /** Remembers what was handled, so that a repeat is answered and not handled again. */
  seen?: SeenStore | undefined
  /** Of a body: 1 MiB. */
  maxBytes?: number | undefined
  /** For the log: why a delivery was not taken. */
  onRefused?: ((reason: NotVerifiedCode | 'too-large' | 'not-post') => void) | undefined
  /** For the log: what `handle` threw, or the body was parsed by something before. */
  onFailed?: ((error: unknown, event: TallyhookEvent | TestEvent | undefined) => void) | undefined
}

/** Thrown by `handle`: not now, but after so long. */
export class RetryLater extends Error {
  readonly afterSeconds: number

  constructor(afterSeconds: number, message = `Not now, but in ${afterSeconds} s.`) {
    super(message)
    this.name = 'RetryLater'
    this.afterSeconds = afterSeconds
  }
}

const statusOf: Record<NotVerifiedCode, 400 | 401> = {
  'missing-header': 400,
  'malformed-header': 400,
  'no-signature-matches': 401,
  'too-old': 401,
  'too-new': 401,
  'body-not-raw': 400,
  'not-an-event': 400,
}

const maxBytesDefault = 1024 * 1024

export function receiveDeliveries(options: ReceiveOptions) {
  const { secrets, seen, maxBytes = maxBytesDefault, onRefused, onFailed } = options
  const underWay = new Map<string, Promise<void>>()
  // A secret that is none shows at the start, and not with the first delivery.
  if (typeof secrets !== 'function') readSecrets(secrets)

  async function take(request: DeliveryRequest, response: DeliveryResponse): Promise<void> {
    if (request.method !== 'POST') {
      response.setHeader('allow', 'POST')
      return refuse(response, 405, 'not-post')
    }
    const body = await readRawBody(request, maxBytes)
    if (body.outcome === 'too-large') {
      // The rest of it is not read.
      response.setHeader('connection', 'close')
      return refuse(response, 413, 'too-large')
    }
    if (body.outcome === 'parsed') throw new Error(parsedBefore)
    const keys = typeof secrets === 'function' ? await secrets() : secrets
    const event = verifyDelivery(request.headers, body.bytes, keys, options)
    try {
      await (isTestEvent(event) ? options.onTest?.(event) : handleOnce(event))
    } catch (error) {
      return fail(response, error, event)
    }
    response.statusCode = 204
    response.end()
  }

  /** Two copies that arrive together share one handling, and its outcome. */
  function handleOnce(event: TallyhookEvent): Promise<void> {
    const before = underWay.get(event.id)
    if (before !== undefined) return before
    const handling = handleUnlessSeen(event).finally(() => underWay.delete(event.id))
    underWay.set(event.id, handling)
    return handling
  }

  async function handleUnlessSeen(event: TallyhookEvent): Promise<void> {
    if (await seen?.isSeen(event.id)) return
    await options.handle(event)
    await seen?.remember(event.id)
  }

  function refuse(
    response: DeliveryResponse,
    status: number,
    reason: Parameters<NonNullable<typeof onRefused>>[0],
  ): void {
    onRefused?.(reason)
    answer(response, status, reason)
  }

  function fail(response: DeliveryResponse, error: unknown, event?: TallyhookEvent | TestEvent): void {
    onFailed?.(error, event)
    if (error instanceof RetryLater) {
      response.setHeader('retry-after', String(Math.max(0, Math.ceil(error.afterSeconds))))
      answer(response, 503, 'not-now')
    } else answer(response, 500, 'not-handled')
  }

  return async (request: DeliveryRequest, response: DeliveryResponse): Promise<void> => {
    try {
      await take(request, response)
    } catch (error) {
      if (error instanceof DeliveryNotVerified) refuse(response, statusOf[error.code], error.code)
      else fail(response, error)
    }
  }
}

/** Nothing of why `handle` failed: the answer is kept by the sender, and shown to others. */
function answer(response: DeliveryResponse, status: number, code: string): void {
  response.statusCode = status
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ code }))
}

const parsedBefore =
  'The body was parsed before it could be verified: mount receiveDeliveries before express.json(), or express.raw() before it.'
