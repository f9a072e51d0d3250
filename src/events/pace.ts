/**
 * How much of the process those may take who read far back. One page is made at a time, for whoever has waited longest.
 * While the process has nothing else to do the next follows at once; while it has, the pages together get a share of
 * the time and no more. What else it does is seen between two pages, when none of it is theirs.
 */
export interface Pace {
  /** Does the work when it is its turn. */
  turn<T>(work: () => Promise<T>): Promise<T>
}

export interface PaceDeps {
  /** Milliseconds of the processor that this process has used. Not by the clock: another may have had the processor. */
  usedMs?: () => number
  now?: () => number
  rest?: (ms: number) => Promise<void>
}

/** Of the time, while there is other work. */
const share = 0.2
/** More than this is other work. */
const quietMax = 0.05
/** To see whether there is other work. */
const lookMs = 1
/** However much a page took. */
const restMsMax = 500
/** How much of what was seen before still counts. */
const memory = 0.7

export function createPace({
  usedMs = readUsedMs,
  now = () => performance.now(),
  rest = sleep,
}: PaceDeps = {}): Pace {
  let last: Promise<void> = Promise.resolve()
  let endedAt = Number.NEGATIVE_INFINITY
  /** Of late: what others took, of how long. */
  let busyMs = 0
  let allMs = 0

  async function restAfter(page: { tookMs: number; usedMs: number }): Promise<void> {
    const [startedAt, usedBefore] = [now(), usedMs()]
    const isQuiet = busyMs <= allMs * quietMax
    await rest(isQuiet ? lookMs : Math.min(page.usedMs * (1 / share - 1), restMsMax))
    busyMs = busyMs * memory + usedMs() - usedBefore
    // What waited for the page to end is done in the rest after it, so the time of the page counts as well.
    allMs = allMs * memory + now() - startedAt + page.tookMs
  }

  return {
    async turn(work) {
      const before = last
      let end = () => {}
      last = new Promise((resolve) => {
        end = resolve
      })
      await before
      const [startedAt, usedBefore] = [now(), usedMs()]
      // What was seen long ago says nothing of now.
      if (startedAt - endedAt > restMsMax * 2) busyMs = allMs = 0
      try {
        return await work()
      } finally {
        endedAt = now()
        void restAfter({ tookMs: endedAt - startedAt, usedMs: usedMs() - usedBefore }).then(end)
      }
    },
  }
}

function readUsedMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
