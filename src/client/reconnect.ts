/** Reads on for ever: what breaks is begun again where it stopped, and what cannot be gone on with is said. */
import { EventsLost, type Loss, TallyhookError } from './errors.ts'
import { delayOf, type Patience } from './patience.ts'
import type { TallyhookEvent } from './types/events.ts'

/** Where to go on after this; missing only in the first page of one who began without a place and reads page by page. */
export interface Item {
  cursor: string | undefined
  event?: TallyhookEvent
}

export interface Interruption {
  /** Missing where the other side just ended it. */
  error: TallyhookError | undefined
  delayMs: number
}

export interface ReconnectOptions {
  /** One connection, or the pages as far as they come. `onRetry` tells how long the service wants to be left alone. */
  open(after: string | undefined, onRetry: (ms: number) => void): AsyncGenerator<Item>
  after: string | undefined
  onInterrupted?: ((interruption: Interruption) => void) | undefined
  onLost?: ((loss: Loss) => 'begin' | 'throw' | Promise<'begin' | 'throw'>) | undefined
  /** What was read so far is not what is read from here on. */
  onBeginAgain(): void
  patience: Patience
  signal?: AbortSignal | undefined
}

const mostMs = 15_000

export async function* readOn(options: ReconnectOptions): AsyncGenerator<Item> {
  const { patience, signal } = options
  let cursor = options.after
  let failures = 0
  let firstMs = 250
  const onRetry = (ms: number) => {
    firstMs = Math.min(ms, mostMs)
  }
  while (!signal?.aborted) {
    const source = options.open(cursor, onRetry)
    let error: TallyhookError | undefined
    try {
      for (let step = await next(source, signal); ; step = await next(source, signal)) {
        if ('broken' in step) {
          error = step.broken
          break
        }
        failures = 0
        yield step.item
        // Who asks for more has taken it.
        cursor = step.item.cursor ?? cursor
      }
    } finally {
      await source.return(undefined).catch(() => {})
    }
    if (signal?.aborted) return
    const loss = error && readLoss(error, cursor)
    if (loss) {
      if ((await options.onLost?.(loss)) !== 'begin') throw new EventsLost(loss)
      cursor = loss.begin
      options.onBeginAgain()
    } else if (error && !error.retryable) throw error
    const delayMs = Math.max(
      error?.retryAfterMs ?? 0,
      delayOf(failures++, { firstMs, mostMs }, patience.random),
    )
    options.onInterrupted?.({ error, delayMs })
    await patience.sleep(delayMs, signal)
  }
}

type Step = { item: Item } | { broken: TallyhookError | undefined }

/** Only faults of the service and of the way there are to be got over. Who ends it by the signal wants no fault. */
async function next(source: AsyncGenerator<Item>, signal: AbortSignal | undefined): Promise<Step> {
  try {
    const { done, value } = await source.next()
    return done ? { broken: undefined } : { item: value }
  } catch (error) {
    if (signal?.aborted) return { broken: undefined }
    if (error instanceof TallyhookError) return { broken: error }
    throw error
  }
}

function readLoss({ code, detail, problem }: TallyhookError, cursor: string | undefined): Loss | undefined {
  if (code !== 'cursor-expired' && code !== 'cursor-superseded') return undefined
  const begin = typeof problem?.begin === 'string' ? problem.begin : undefined
  return { code, cursor, begin, detail }
}
