/** Runs something now and then on, one run at a time; one that fails is simply followed by the next. */
export interface Every {
  stop(options?: { force?: boolean }): Promise<void>
}

export function startEvery(
  intervalMs: number,
  run: (signal: AbortSignal) => Promise<void>,
  onError: (error: unknown) => void,
): Every {
  const stopping = new AbortController()
  let current: Promise<void> | undefined

  const tick = () => {
    current ??= run(stopping.signal)
      .catch(onError)
      .finally(() => {
        current = undefined
      })
  }
  tick()
  const timer = setInterval(tick, intervalMs)
  return {
    async stop({ force = false } = {}) {
      clearInterval(timer)
      stopping.abort()
      if (!force) await current
    },
  }
}
