/**
 * One request and its answer, on undici's own handler: it alone says when the first byte is about to leave. Until then nothing
 * was sent, whatever fails; from then on it may have arrived.
 */
import type { Dispatcher } from 'undici'
import { AppError } from '../domain/errors.ts'

export interface ExchangeRequest {
  method: string
  headers: Record<string, string>
  body: string | Uint8Array | null
  /** The connection stands and the request is about to be written to it. If this throws, nothing is sent. */
  onSend?: (() => void) | undefined
}

export interface ExchangeLimits {
  dispatcher: Dispatcher
  signal: AbortSignal
  bodyBytesMax: number
}

export interface ExchangeAnswer {
  status: number
  headers: Headers
  body: Uint8Array<ArrayBuffer>
}

type AnswerHeaders = Record<string, string | string[] | undefined>

export function exchange(
  url: URL,
  request: ExchangeRequest,
  { dispatcher, signal, bodyBytesMax }: ExchangeLimits,
): Promise<ExchangeAnswer> {
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | undefined
    let head: { status: number; headers: Headers } | undefined
    const chunks: Uint8Array[] = []
    let bytes = 0

    /** A signal alone does not end a look-up or a connection that is still being made: whoever waits is let go at once. */
    const stop = () => fail(signal.reason)
    const fail = (error: Error) => {
      signal.removeEventListener('abort', stop)
      reject(error)
      controller?.abort(error)
    }
    if (signal.aborted) return fail(signal.reason)
    signal.addEventListener('abort', stop, { once: true })

    const { method, headers, body, onSend } = request
    dispatcher.dispatch(
      { origin: url.origin, path: url.pathname + url.search, method: method as 'GET', headers, body },
      {
        onRequestStart(started) {
          // What was given up while it was being connected does not leave any more, and nothing leaves a second time.
          if (signal.aborted) throw signal.reason
          if (controller) throw new Error('The request was sent once already.')
          onSend?.()
          controller = started
        },
        onResponseStart(_, status, answered) {
          if (status < 200) return
          const problem = findProblem(status, answered)
          if (problem) return fail(new AppError('outbound-failed', { detail: `${url.origin} ${problem}` }))
          head = { status, headers: toHeaders(answered) }
        },
        onResponseData(_, chunk) {
          bytes += chunk.length
          if (bytes <= bodyBytesMax) return void chunks.push(chunk)
          const detail = `${url.origin} answered more than ${bodyBytesMax} bytes.`
          fail(new AppError('outbound-failed', { detail }))
        },
        onResponseEnd() {
          signal.removeEventListener('abort', stop)
          if (head) resolve({ ...head, body: join(chunks, bytes) })
          else reject(new Error('The answer has no head.'))
        },
        onResponseError: (_, error) => fail(error),
      },
    )
  })
}

function findProblem(status: number, headers: AnswerHeaders): string | undefined {
  if (status >= 300 && status < 400 && status !== 304)
    return `answered ${status}; redirects are not followed.`
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity')
    return 'answered in an encoding that was not asked for.'
  return undefined
}

function toHeaders(headers: AnswerHeaders): Headers {
  const copy = new Headers()
  for (const [name, value] of Object.entries(headers)) {
    for (const one of [value ?? []].flat()) copy.append(name, one)
  }
  return copy
}

function join(chunks: readonly Uint8Array[], bytes: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(bytes)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}
