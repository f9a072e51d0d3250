/**
 * The log as a reader sees it: one list, oldest first, though it rests in partitions. A page takes the oldest entries
 * of all partitions together and moves each partition's position past what was taken and no further, so that nothing
 * is skipped whatever the partitions' clocks say.
 */
import type { LoggedEvent } from '../domain/event.ts'
import type { Intent } from '../domain/intent.ts'
import { anySignal } from '../telemetry/any-signal.ts'
import type { CloudEvent, EventType } from './catalogue.ts'
import { comparePositions, decodeCursor, encodeCursor, type Positions } from './cursor.ts'
import { accountOf, toCloudEvent, typeOf } from './envelope.ts'

export interface FeedEntry {
  partition: number
  position: string
  event: LoggedEvent
}

/** What the feed needs of the store. */
export interface FeedLog {
  partitions: number
  /** Where it begins. */
  oldest(): Promise<string[]>
  /** Throws where entries after a position have left. */
  readAfter(positions: readonly string[], limit: number): Promise<FeedEntry[][]>
}

/** Resolves when the log may have grown, or after the time given, or when the signal ends the wait. */
export type WaitForGrowth = (ms: number, signal: AbortSignal) => Promise<void>

export interface FeedRequest {
  after?: string | undefined
  limit: number
  types?: EventType[] | undefined
  account?: string | undefined
  waitMs: number
  signal: AbortSignal
}

export interface FeedPage {
  events: CloudEvent[]
  next: string
}

export interface Feed {
  read(request: FeedRequest): Promise<FeedPage>
}

export interface FeedDeps {
  log: FeedLog
  /** What is sealed of each, in order; undefined where it was erased. */
  openAllSecrets(intents: readonly Intent[]): Promise<readonly unknown[]>
  waitForGrowth: WaitForGrowth
  clock: () => number
}

/** A filter that matches little must not read the whole log for one answer; the cursor goes on from where it stopped. */
const scannedPerRequestMax = 10_000

export function createFeed({ log, openAllSecrets, waitForGrowth, clock }: FeedDeps): Feed {
  async function readPage(positions: Positions, request: FeedRequest): Promise<FeedEntry[]> {
    const page: FeedEntry[] = []
    const wanted = wantedBy(request)
    for (let scanned = 0; page.length < request.limit && scanned < scannedPerRequestMax; ) {
      const next = oldestFirst(await log.readAfter(positions, request.limit), request.limit)
      if (next.length === 0) return page
      for (const entry of next) {
        if (page.length === request.limit) break
        positions[entry.partition] = entry.position
        if (wanted(entry.event)) page.push(entry)
      }
      scanned += next.length
    }
    return page
  }

  async function present(page: readonly FeedEntry[]): Promise<CloudEvent[]> {
    const intents = page.flatMap(({ event }) => ('intent' in event ? [event.intent] : []))
    const opened = await openAllSecrets(intents)
    const secrets = new Map(intents.map((intent, i) => [intent, opened[i]]))
    return page.map(({ partition, event }) =>
      toCloudEvent(event, partition, 'intent' in event && secrets.get(event.intent)),
    )
  }

  return {
    async read(request) {
      const positions = request.after ? decodeCursor(request.after, log.partitions) : await log.oldest()
      const deadline = clock() + request.waitMs
      for (;;) {
        // Waiting begins before reading, so that what is written between the two is not slept through.
        const grown = new AbortController()
        const left = deadline - clock()
        const growth = left > 0 ? waitForGrowth(left, anySignal(request.signal, grown.signal)) : undefined
        const page = await readPage(positions, request)
        const done = page.length > 0 || !growth || request.signal.aborted
        if (done) {
          grown.abort()
          return { events: await present(page), next: encodeCursor(positions) }
        }
        await growth
      }
    },
  }
}

function wantedBy({ types, account }: FeedRequest): (event: LoggedEvent) => boolean {
  return (event) => (!types || types.includes(typeOf(event))) && (!account || accountOf(event) === account)
}

/**
 * Of each partition at most `limit` entries were read, so the oldest `limit` of all are among them. Within a partition
 * the order never changes.
 */
function oldestFirst(byPartition: FeedEntry[][], limit: number): FeedEntry[] {
  return byPartition
    .flat()
    .sort((a, b) => comparePositions(a.position, b.position) || a.partition - b.partition)
    .slice(0, limit)
}
