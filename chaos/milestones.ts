/** A count that can be waited for. */
export type Milestones = ReturnType<typeof createMilestones>

export function createMilestones() {
  let count = 0
  let waiting: { at: number; reached(): void }[] = []
  return {
    get count() {
      return count
    },
    add(): void {
      count++
      const due = waiting.filter(({ at }) => count >= at)
      if (due.length === 0) return
      waiting = waiting.filter(({ at }) => count < at)
      for (const { reached } of due) reached()
    },
    /** Resolves when so many more have been counted. */
    more(by: number): Promise<void> {
      if (by <= 0) return Promise.resolve()
      return new Promise((reached) => waiting.push({ at: count + by, reached }))
    },
  }
}
