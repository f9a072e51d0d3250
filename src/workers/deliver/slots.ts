/** So many requests at once to one endpoint, of this process. Who comes first is served first. */
export interface Slots {
  /** Resolves when there is one. */
  take(): Promise<void> | undefined
  release(): void
  free(): number
  /** How long an answer takes as a rule: milliseconds. */
  usualMs(): number
  noteTook(ms: number): void
}

/** Of each new answer in what is taken for usual. */
const share = 0.1

export function createSlots(max: number): Slots {
  let taken = 0
  let usual = 0
  const waiting: (() => void)[] = []
  let next = 0
  return {
    take() {
      if (taken < max) {
        taken++
        return undefined
      }
      return new Promise((resolve) => waiting.push(resolve))
    },
    release() {
      const one = waiting[next]
      if (!one) {
        taken--
        return
      }
      // Taken from the front by counting; the list is let go of when it is used up.
      next++
      if (next === waiting.length) {
        waiting.length = 0
        next = 0
      }
      one()
    },
    free: () => max - taken,
    usualMs: () => usual,
    noteTook(ms) {
      usual += (ms - usual) * share
    },
  }
}
