/** Waiting, and when to try again. Time and chance are arguments, so that a test decides about them. */

export interface Patience {
  clock: () => number
  random: () => number
  /** Resolves after the time, or as soon as the signal ends the wait. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemPatience: Patience = { clock: Date.now, random: Math.random, sleep }

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done)
  })
}

/** Doubles with each attempt (from 0), up to the most; half of it is chance, so that many clients do not come back as one. */
export function delayOf(
  attempt: number,
  { firstMs, mostMs }: { firstMs: number; mostMs: number },
  random: () => number,
): number {
  const ms = Math.min(mostMs, firstMs * 2 ** Math.min(attempt, 30))
  return Math.round(ms * (0.5 + random() / 2))
}

export interface JoinedSignals {
  signal: AbortSignal
  abort(reason?: unknown): void
  end(): void
}

/**
 * One signal of several, for one piece of work. `AbortSignal.any` of Node.js 20 forgets signals that nobody else holds, so
 * this listens by itself, and `end` takes the listeners away from signals that live longer than the work.
 */
export function joinSignals(...signals: (AbortSignal | undefined)[]): JoinedSignals {
  const controller = new AbortController()
  const ends: (() => void)[] = []
  for (const signal of signals) {
    if (!signal) continue
    const abort = () => controller.abort(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort)
    ends.push(() => signal.removeEventListener('abort', abort))
  }
  return {
    signal: controller.signal,
    abort: (reason?: unknown) => controller.abort(reason),
    end(): void {
      for (const end of ends) end()
    },
  }
}
