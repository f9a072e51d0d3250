/**
 * Who walks the same stretch of the log at about the same time gets the same events: of several subscriptions that are
 * behind, one reads and opens each page. Pages are kept for a moment, and only while there is more than one who walks;
 * at the head the tail answers. For much shorter than the tail keeps its events: an erasure by another process, and a log
 * that a failover cut short, must be heeded soon.
 */
import { comparePositions } from './position.ts'
import type { PublishedEvent, PublishedLog } from './published.ts'

export interface ShareReadingDeps {
  log: Pick<PublishedLog, 'readAfter'> & {
    /** From memory; undefined where memory cannot tell. */
    recall(partition: number, position: string, limit: number): readonly PublishedEvent[] | undefined
  }
  clock: () => number
  limits?: { bytes: number; ageMs: number }
}

interface Page {
  partition: number
  /** Where it was read after. */
  after: string
  events: readonly PublishedEvent[]
  at: number
  bytes: number
}

interface Place {
  page: Page
  /** Of the first event behind the position. */
  index: number
}

const usualLimits = { bytes: 8 * 1024 * 1024, ageMs: 2_000 }
/** After somebody read what another had read. */
const severalMs = 10_000

export function createShareReading({
  log,
  clock,
  limits = usualLimits,
}: ShareReadingDeps): PublishedLog['readAfter'] {
  /** The oldest first. */
  const pages = new Set<Page>()
  let bytes = 0
  const places = new Map<string, Place>()
  const reading = new Map<string, Promise<PublishedEvent[]>>()
  /** By partition, the furthest that was asked for lately. */
  const furthest = new Map<number, { position: string; at: number }>()
  let severalUntil = Number.NEGATIVE_INFINITY

  const nameOf = (partition: number, position: string) => `${partition} ${position}`

  function noteReader(partition: number, position: string, now: number): void {
    const known = furthest.get(partition)
    const isAhead = !known || comparePositions(position, known.position) > 0
    if (!isAhead && now - known.at < limits.ageMs) severalUntil = now + severalMs
    if (isAhead || now - known.at >= limits.ageMs) furthest.set(partition, { position, at: now })
  }

  function letGo(page: Page): void {
    pages.delete(page)
    bytes -= page.bytes
    for (const position of positionsOf(page)) {
      const name = nameOf(page.partition, position)
      if (places.get(name)?.page === page) places.delete(name)
    }
  }

  function trim(now: number): void {
    for (const page of pages) {
      if (bytes <= limits.bytes && now - page.at < limits.ageMs) return
      letGo(page)
    }
  }

  function keep(page: Page): void {
    pages.add(page)
    bytes += page.bytes
    for (const [index, position] of positionsOf(page).entries())
      places.set(nameOf(page.partition, position), { page, index })
    trim(page.at)
  }

  async function read(partition: number, position: string, limit: number): Promise<PublishedEvent[]> {
    const at = clock()
    const events = await log.readAfter(partition, position, limit)
    // The end of the log grows; the tail follows it.
    if (events.length === limit && at < severalUntil) {
      const size = events.reduce((sum, { json }) => sum + json.length, 0)
      keep({ partition, after: position, events, at, bytes: size })
    }
    return events
  }

  return async (partition, position, limit) => {
    const recalled = log.recall(partition, position, limit)
    if (recalled) return [...recalled]
    const now = clock()
    noteReader(partition, position, now)
    trim(now)
    const place = places.get(nameOf(partition, position))
    // What is left of a page: with the next reading both stand at its end.
    if (place) return place.page.events.slice(place.index, place.index + limit)
    const name = `${nameOf(partition, position)} ${limit}`
    const known = reading.get(name)
    if (known !== undefined) return known
    const begun = read(partition, position, limit).finally(() => reading.delete(name))
    reading.set(name, begun)
    return begun
  }
}

/** Behind each of them there is something in the page. */
function positionsOf({ after, events }: Page): string[] {
  return [after, ...events.slice(0, -1).map(({ position }) => position)]
}
