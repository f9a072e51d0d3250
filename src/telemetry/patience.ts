/**
 * How long somebody waits for an answer. It does what an AbortSignal with a time-out does, for one listener and without
 * an event target: making one of those for each callback was a tenth of what the callback cost.
 */
export interface Patience {
  readonly over: boolean
  /** Calls back when it is over, or at once if it is. A later listener takes the place of an earlier one. */
  onOver(callback: () => void): void
}

export interface RunningPatience extends Patience {
  /** The answer is there: the listener is let go. */
  stop(): void
}

export function startPatience(ms: number): RunningPatience {
  let listener: (() => void) | undefined
  const timer = setTimeout(() => {
    patience.over = true
    listener?.()
  }, ms)
  const patience = {
    over: false,
    onOver(callback: () => void) {
      if (patience.over) callback()
      else listener = callback
    },
    stop() {
      clearTimeout(timer)
      listener = undefined
    },
  }
  return patience
}

/** The outcome of the work, or undefined when the patience ends first. The work itself is not stopped by that. */
export function whilePatient<T>(patience: Patience, work: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    patience.onOver(() => resolve(undefined))
    work.then(resolve, reject)
  })
}
