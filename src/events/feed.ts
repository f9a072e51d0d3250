/**
 * The log as a reader sees it: one list, oldest first, though it rests in partitions. A reader stands at a cursor; one that the
 * log does not go through any more is refused, with the cursor from which to go on.
 */
import { AppError } from '../domain/errors.ts'
import { type Cursor, decodeCursor, encodeCursor, type Positions } from './cursor.ts'
import { type EventFilter, wantedBy } from './filter.ts'
import { createHeadOrder, type FollowHead } from './head-order.ts'
import { isAtHead, isInMemory, takeOldest } from './merge.ts'
import { createPace, type Pace } from './pace.ts'
import type { PublishedEvent } from './published.ts'
import type { Tail } from './tail.ts'

export interface FeedRequest extends EventFilter {
  after?: string | undefined
  limit: number
  waitMs: number
  signal: AbortSignal
}

export interface FeedPage {
  events: PublishedEvent[]
  next: string
}

/** A place from which a reader goes on, page by page. */
export interface FeedReader {
  /** What is there now; empty where nothing is, or what is there was left out. At most `scannedMax` are looked through. */
  read(limit: number, scannedMax?: number): Promise<PublishedEvent[]>
  /** Resolves when there may be more, or after the time given, or when the signal ends the wait. */
  wait(signal: AbortSignal, ms: number): Promise<void>
  /** Where it stands now. */
  cursor(): string
  /** Where it would stand after each of the events that were read last. */
  cursorsOf(events: readonly PublishedEvent[]): string[]
  /** A page was looked through up to its bound: there is more behind it. */
  hasMore(): boolean
  /** Nothing is behind it, as memory has it at this moment: from here it may follow the head. */
  isAtHead(): boolean
  /** To a place that this feed gave out. */
  moveTo(cursor: string): void
}

export interface Feed {
  read(request: FeedRequest): Promise<FeedPage>
  /** Throws where `after` is no cursor. */
  open(after: string | undefined, filter: EventFilter): Promise<FeedReader>
  /** What comes from now on, in one order for all who follow; `from` is where a reader at the head stands. */
  follow: FollowHead
}

export interface FeedDeps {
  log: Tail
  /** Of the log: another after it was lost. */
  epoch: string
  clock: () => number
  pace?: Pace
}

/** The cursor goes on from where it stopped. */
const scannedPerRequestMax = 10_000
/** Where a partition is not followed in memory nobody hears that it grows. */
const blindMsMax = 1_000

export function createFeed({ log, epoch, clock, pace = createPace() }: FeedDeps): Feed {
  async function open(after: string | undefined, filter: EventFilter): Promise<FeedReader> {
    let positions = after === undefined ? await log.oldest() : await openCursor(after)
    const wanted = wantedBy(filter)
    let before = positions
    let seen = -1
    let more = false

    return {
      async read(limit, scannedMax = scannedPerRequestMax) {
        // Counted before reading, so that what is written between reading and waiting is not slept through.
        seen = log.growth()
        more = false
        before = positions
        if (isAtHead(log, positions)) return []
        const take = async () => {
          const merged = await takeOldest(log, positions, { limit, wanted, scannedMax })
          return { ...merged, events: await log.publish(merged.page) }
        }
        try {
          const merged = await (isInMemory(log, positions) ? take() : pace.turn(take))
          // Only now: who tries again after a failure must find everything where it was.
          positions = merged.positions
          more = !merged.ended
          return merged.events
        } catch (error) {
          throw await withBegin(error, positions)
        }
      },
      wait: (signal, ms) => log.whenGrown(signal, Math.min(ms, blindMsMax), seen),
      cursor: () => encodeCursor(positions, epoch),
      cursorsOf(events) {
        const at = [...before]
        return events.map(({ partition, position }) => {
          at[partition] = position
          return encodeCursor(at, epoch)
        })
      },
      hasMore: () => more,
      isAtHead: () => isAtHead(log, positions),
      moveTo(cursor) {
        positions = decodeCursor(cursor, log.partitions).positions
        before = positions
        more = true
      },
    }
  }

  async function openCursor(text: string): Promise<Positions> {
    const cursor: Cursor = decodeCursor(text, log.partitions)
    if (cursor.epoch === undefined || cursor.epoch === epoch) return cursor.positions
    throw new AppError('cursor-superseded', {
      detail:
        'This cursor is of another log: what Redis held when it was given out is gone. Go on with `begin`; some events come again, and what they say is what holds.',
      extra: { begin: encodeCursor(await log.oldest(), epoch) },
    })
  }

  async function withBegin(error: unknown, positions: Positions): Promise<unknown> {
    const refused =
      error instanceof AppError && (error.code === 'cursor-expired' || error.code === 'cursor-superseded')
    if (!refused) return error
    const standing = await Promise.all(
      positions.map((position, partition) => log.standing(partition, position)),
    )
    const { code, detail } = error
    return new AppError(code, { detail, cause: error, extra: { begin: encodeCursor(standing, epoch) } })
  }

  return {
    open,
    follow: createHeadOrder({ log, epoch }),
    async read({ after, limit, waitMs, signal, ...filter }) {
      const reader = await open(after, filter)
      const deadline = clock() + waitMs
      // Who does not wait is told what is there as of now, which memory may hear of a moment later.
      if (waitMs === 0) await log.freshen()
      for (;;) {
        const events = await reader.read(limit)
        const left = deadline - clock()
        const done = events.length > 0 || reader.hasMore() || left <= 0 || signal.aborted
        if (done) return { events, next: reader.cursor() }
        await reader.wait(signal, left)
      }
    },
  }
}
