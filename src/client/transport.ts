/**
 * One request to the API, and again where that does no harm. What is not idempotent is made once: whether an unanswered one
 * was done, only the caller can find out.
 */
import { TallyhookError } from './errors.ts'
import { delayOf, joinSignals, type Patience, systemPatience } from './patience.ts'
import { readFailure } from './read-failure.ts'

export type Fetch = (url: string, init: RequestInit) => Promise<Response>

export interface TransportOptions {
  /** Of the API listener, as `http://127.0.0.1:8081`. A path before `/v1` is kept. */
  baseUrl: string
  /** A function is asked before each attempt, for tokens that change. */
  token: string | (() => string | Promise<string>)
  fetch?: Fetch | undefined
  /** Of one attempt, with its whole answer: 10 s. */
  timeoutMs?: number | undefined
  /** For how long what is idempotent is tried again: 20 s. 0: never. */
  retryBudgetMs?: number | undefined
  /** Ends everything that is under way. */
  signal?: AbortSignal | undefined
  patience?: Patience | undefined
}

export interface Call {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Behind `/v1`. */
  path: string
  query?: Readonly<Record<string, string | number | undefined>>
  headers?: Readonly<Record<string, string>>
  body?: unknown
  /** Made twice it does what it does made once. */
  idempotent: boolean
  /** For how long the service may wait before it answers. */
  waitMs?: number
  signal?: AbortSignal | undefined
}

/** An answer whose body goes on. */
export interface Opened {
  answer: Response
  /** Aborted by the caller, or by the end. */
  signal: AbortSignal
  /** Lets go of it. */
  end(): void
}

export interface Transport {
  /** The answer's JSON; undefined where it has none. */
  call<T>(call: Call): Promise<T>
  /** One attempt, and no time-out once it was answered. */
  open(call: Call): Promise<Opened>
}

const steps = { firstMs: 200, mostMs: 5_000 }

export function createTransport(options: TransportOptions): Transport {
  const { timeoutMs = 10_000, retryBudgetMs = 20_000, patience = systemPatience } = options
  const fetch = options.fetch ?? ((url, init) => globalThis.fetch(url, init))
  const base = readBaseUrl(options.baseUrl)

  async function attempt<T>(call: Call, read: (opened: Opened) => T): Promise<Awaited<T>> {
    const joined = joinSignals(options.signal, call.signal)
    const late = new Error('late')
    const timer = setTimeout(() => joined.abort(late), timeoutMs + (call.waitMs ?? 0))
    try {
      joined.signal.throwIfAborted()
      const token = typeof options.token === 'string' ? options.token : await options.token()
      const answer = await fetch(
        `${base}${call.path}${describeQuery(call.query)}`,
        describeRequest(call, token, joined.signal),
      )
      if (!answer.ok) throw await readFailure(answer, call.idempotent)
      const end = () => {
        joined.end()
        joined.abort()
      }
      return await read({ answer, signal: joined.signal, end })
    } catch (cause) {
      joined.end()
      throw explain(cause, joined.signal.reason === late, call)
    } finally {
      clearTimeout(timer)
    }
  }

  function explain(cause: unknown, isLate: boolean, call: Call): unknown {
    if (cause instanceof TallyhookError) return cause
    for (const signal of [options.signal, call.signal]) if (signal?.aborted) return signal.reason
    return new TallyhookError({
      code: isLate ? 'timed-out' : 'no-answer',
      detail: isLate ? 'The service did not answer in time.' : 'The service could not be reached.',
      retryable: call.idempotent,
      cause,
    })
  }

  async function waitBefore(
    next: number,
    error: TallyhookError,
    deadline: number,
    call: Call,
  ): Promise<void> {
    const delay = Math.max(error.retryAfterMs ?? 0, delayOf(next, steps, patience.random))
    if (patience.clock() + delay > deadline) throw error
    const joined = joinSignals(options.signal, call.signal)
    await patience.sleep(delay, joined.signal)
    joined.end()
    joined.signal.throwIfAborted()
  }

  return {
    async call<T>(call: Call): Promise<T> {
      const deadline = patience.clock() + retryBudgetMs
      for (let tried = 0; ; tried++) {
        try {
          return await attempt(call, async ({ answer, end }) => {
            const value = await readJson<T>(answer)
            end()
            return value
          })
        } catch (error) {
          // It was there, the answer was lost, and now it is gone: that is what was asked for.
          if (call.method === 'DELETE' && tried > 0 && isNotFound(error)) return undefined as T
          if (!(error instanceof TallyhookError && error.retryable)) throw error
          await waitBefore(tried, error, deadline, call)
        }
      }
    },
    open: (call) => attempt(call, (opened) => opened),
  }
}

function describeRequest(call: Call, token: string, signal: AbortSignal): RequestInit {
  const hasBody = call.body !== undefined
  return {
    method: call.method,
    headers: {
      accept: 'application/json',
      ...(hasBody && { 'content-type': 'application/json' }),
      ...call.headers,
      authorization: `Bearer ${token}`,
    },
    ...(hasBody && { body: JSON.stringify(call.body) }),
    // The token goes to this address and to no other.
    redirect: 'manual',
    signal,
  }
}

function readBaseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const fits = url && /^https?:$/.test(url.protocol) && !url.username && !url.search && !url.hash
  if (!fits) throw new TypeError('`baseUrl` is not the address of an API, as http://127.0.0.1:8081.')
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}/v1`
}

function describeQuery(query: Call['query'] = {}): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.set(name, String(value))
  }
  return parameters.size > 0 ? `?${parameters}` : ''
}

async function readJson<T>(answer: Response): Promise<T> {
  const text = await answer.text()
  if (text === '') return undefined as T
  try {
    return JSON.parse(text) as T
  } catch (cause) {
    const detail = 'The answer is not JSON.'
    throw new TallyhookError({ status: answer.status, code: 'not-understood', detail, cause })
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof TallyhookError && error.status === 404
}
