/** One connection to the stream of events, read frame by frame. It ends or throws when the connection does. */
import { TallyhookError } from './errors.ts'
import { createSseParser, type Frame, FrameTooLong } from './sse.ts'
import type { Opened } from './transport.ts'
import type { TallyhookEvent } from './types/events.ts'

/** A place in the log, and the event that led there; none where only others went by that were not asked for. */
export interface StreamItem {
  cursor: string
  event?: TallyhookEvent
}

export interface StreamOptions {
  /** The longest that nothing may come, heartbeats included: 45 s. */
  silenceMs?: number | undefined
  /** Of one event, in characters: 4 Mi. */
  maxLength?: number | undefined
  /** How long the service wants to be left alone after a disconnect. */
  onRetry?: ((ms: number) => void) | undefined
}

/** Nothing is fetched ahead of who reads but what the connection itself holds: a slow reader slows the sender. */
export async function* readStream(opened: Opened, options: StreamOptions = {}): AsyncGenerator<StreamItem> {
  const { silenceMs = 45_000, maxLength, onRetry } = options
  try {
    const reader = readBody(opened.answer)
    const parser = createSseParser({ maxLength, onRetry })
    for (;;) {
      const { done, value } = await readInTime(reader, silenceMs)
      if (done) return
      for (const frame of parser.push(value)) yield toItem(frame)
    }
  } catch (cause) {
    throw explain(cause, opened.signal)
  } finally {
    opened.end()
  }
}

function readBody({ status, body, headers }: Response) {
  if (body && headers.get('content-type')?.startsWith('text/event-stream')) return body.getReader()
  throw notUnderstood('The answer is not a stream of events.', { status })
}

async function readInTime(reader: ReadableStreamDefaultReader<Uint8Array>, silenceMs: number) {
  let timer: NodeJS.Timeout | undefined
  const silence = new Promise<never>((_, reject) => {
    const detail = `Nothing came for ${silenceMs} ms, not even a heartbeat.`
    timer = setTimeout(
      () => reject(new TallyhookError({ code: 'timed-out', detail, retryable: true })),
      silenceMs,
    )
  })
  const reading = reader.read()
  // When it is given up its connection is closed, and what it says then is of no interest.
  reading.catch(() => {})
  try {
    return await Promise.race([reading, silence])
  } finally {
    clearTimeout(timer)
  }
}

function toItem({ id, data }: Frame): StreamItem {
  if (data === undefined && id !== undefined) return { cursor: id }
  const value = parse(data ?? '')
  if (value.specversion === '1.0' && id !== undefined)
    return { cursor: id, event: value as unknown as TallyhookEvent }
  // The stream was begun, so what goes wrong later cannot be said by its status any more.
  if (typeof value.code === 'string' && typeof value.status === 'number') throw toError(value)
  throw notUnderstood('The stream says something that is no event.')
}

function toError(problem: Record<string, unknown>): TallyhookError {
  const { code, status, detail } = problem as { code: string; status: number; detail?: string }
  return new TallyhookError({
    status,
    code,
    detail: String(detail ?? code),
    retryable: status >= 500,
    problem,
  })
}

function parse(data: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(data)) as Record<string, unknown>
  } catch (cause) {
    throw notUnderstood('The stream says something that is not JSON.', { cause })
  }
}

function explain(cause: unknown, signal: AbortSignal): unknown {
  if (cause instanceof TallyhookError) return cause
  if (signal.aborted) return signal.reason
  if (cause instanceof FrameTooLong)
    return new TallyhookError({ code: cause.code, detail: cause.message, cause })
  return new TallyhookError({ code: 'no-answer', detail: 'The stream was cut.', retryable: true, cause })
}

function notUnderstood(detail: string, fields: { status?: number; cause?: unknown } = {}): TallyhookError {
  return new TallyhookError({ code: 'not-understood', detail, ...fields })
}
