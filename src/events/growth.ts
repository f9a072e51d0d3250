/** Those who wait for the log to grow. It is counted, so that nothing is slept through that came between reading and waiting. */
export interface Growth {
  count(): number
  grown(): void
  /** Resolves when it has grown since that count, or after the time given, or when the signal ends the wait. Never rejects. */
  wait(signal: AbortSignal, ms: number, since?: number): Promise<void>
  isWaitedFor(): boolean
  /** Lets everybody go, from now on at once. */
  end(): void
}

export function createGrowth(): Growth {
  const waiting = new Set<() => void>()
  let count = 0
  let ended = false

  function wakeAll(): void {
    for (const wake of [...waiting]) wake()
  }

  return {
    count: () => count,
    grown() {
      count++
      wakeAll()
    },
    wait(signal, ms, since = count) {
      return new Promise((resolve) => {
        if (signal.aborted || ended || since !== count) return resolve()
        const done = () => {
          clearTimeout(timer)
          waiting.delete(done)
          signal.removeEventListener('abort', done)
          resolve()
        }
        const timer = setTimeout(done, ms)
        waiting.add(done)
        signal.addEventListener('abort', done, { once: true })
      })
    },
    isWaitedFor: () => waiting.size > 0,
    end() {
      ended = true
      wakeAll()
    },
  }
}
