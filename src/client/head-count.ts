/**
 * Whether a reader of the whole log has everything: between two heads of the log each partition grew by so many events, and so
 * many must have come between the last event of the one and that of the other. A head is fetched while events come, so its last
 * event may be yet to come, or some have come after it already.
 */
import type { LogHead } from './types/requests.ts'

export interface PartitionReport {
  partition: number
  /**
   * complete: what was published up to this head has come. behind: the last of it has not come yet. missing: it came, and
   * others before it did not. unknown: there is no earlier head to count from yet.
   */
  state: 'complete' | 'behind' | 'missing' | 'unknown'
  /** Published since the head that is counted from, and how many of these have come. */
  published: number
  seen: number
  /** How many never came, over the reader's whole life. */
  missing: number
}

export interface HeadReport {
  /** Every partition is. */
  complete: boolean
  /** In some partition events never came. */
  missing: boolean
  partitions: PartitionReport[]
}

interface Mark {
  id: string
  count: number
}

interface Count {
  seen: number
  /** The last ids that came, with how many had come then. */
  recent: Map<string, number>
  base?: { count: number; seen: number } | undefined
  /** Last events of heads, oldest first, that are yet to come. */
  awaited: Mark[]
  missing: number
}

/** A head is answered within seconds: this many events of one partition do not come meanwhile. */
const recentMax = 1_000
const awaitedMax = 16

export function createHeadCount() {
  let epoch: string | undefined
  let cursor: string | undefined
  const counts = new Map<number, Count>()

  function countOf(partition: number): Count {
    const found = counts.get(partition) ?? { seen: 0, recent: new Map(), awaited: [], missing: 0 }
    counts.set(partition, found)
    return found
  }

  function report({ partition, count, lastId }: LogHead['partitions'][number], isAtHead: boolean) {
    const own = countOf(partition)
    if (count === null) return describe(partition, { ...own, base: undefined }, 0)
    if (count === 0) own.base ??= { count, seen: own.seen }
    else if (own.base?.count !== count) expect(own, { id: lastId ?? '', count }, isAtHead)
    return describe(partition, own, count)
  }

  return {
    saw(event: { id: string; partition: number }): void {
      const own = countOf(event.partition)
      own.seen++
      own.recent.set(event.id, own.seen)
      for (const oldest of own.recent.keys()) {
        if (own.recent.size <= recentMax) break
        own.recent.delete(oldest)
      }
      const passed = own.awaited.findIndex(({ id }) => id === event.id)
      const [mark] = own.awaited.slice(passed)
      if (passed === -1 || !mark) return
      // A head before it whose last event did not come shows in the count.
      own.awaited.splice(0, passed + 1)
      pass(own, mark, own.seen)
    },

    reached(place: string | undefined): void {
      cursor = place
    },

    compare(head: LogHead): HeadReport {
      if (epoch !== undefined && epoch !== head.epoch) counts.clear()
      epoch = head.epoch
      const partitions = head.partitions.map((one) => report(one, cursor === head.cursor))
      return {
        complete: partitions.every(({ state }) => state === 'complete'),
        missing: partitions.some(({ state }) => state === 'missing'),
        partitions,
      }
    },

    clear: () => counts.clear(),
  }
}

function expect(own: Count, mark: Mark, isAtHead: boolean): void {
  const seenThen = own.recent.get(mark.id) ?? (isAtHead ? own.seen : undefined)
  if (seenThen !== undefined) {
    // What was awaited is of heads before this one.
    own.awaited = []
    pass(own, mark, seenThen)
    return
  }
  if (own.awaited.at(-1)?.id === mark.id) return
  own.awaited.push(mark)
  if (own.awaited.length > awaitedMax) own.awaited.shift()
}

function pass(own: Count, { count }: Mark, seen: number): void {
  const { base } = own
  if (base) own.missing += Math.max(0, count - base.count - (seen - base.seen))
  own.base = { count, seen }
}

function describe(
  partition: number,
  { seen, base, missing, awaited }: Count,
  count: number,
): PartitionReport {
  const published = base ? count - base.count : 0
  const came = base ? Math.min(seen - base.seen, published) : 0
  const state = missing > 0 ? 'missing' : !base ? 'unknown' : awaited.length > 0 ? 'behind' : 'complete'
  return { partition, state, published, seen: came, missing }
}
