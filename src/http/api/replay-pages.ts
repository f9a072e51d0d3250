/**
 * Pages of the log as they are written to a stream. Readers who come by the same place within moments share a page: who is
 * behind another catches up with it, and from then on what they read is read once.
 */
import type { FeedReader } from '../../events/feed.ts'
import { type EventFilter, nameOf } from '../../events/filter.ts'
import { type Chunk, inChunks, makeChunk, makeFrame } from './stream-frames.ts'

export interface Page {
  chunks: readonly Chunk[]
  /** Behind it. */
  cursor: string
}

export interface ReplayPages {
  /** The next for this reader, who stands behind it then. */
  read(reader: FeedReader, filter: EventFilter): Promise<Page>
  keptBytes(): number
}

export interface PageLimits {
  bytes: number
  /** What is personal may be erased by another process, which tells nobody. */
  ageMs: number
}

export const pageLimits: PageLimits = { bytes: 8 * 1024 * 1024, ageMs: 5_000 }
export const emptyPage: Page = { chunks: [], cursor: '' }

const eventsAtOnce = 128
/** A filter that matches little must not keep the others waiting. */
const scannedMax = 2_000
const lookMs = 1_000

interface Kept {
  page: Promise<Page>
  at: number
  bytes: number
}

export function createReplayPages({
  clock,
  limits = pageLimits,
}: {
  clock: () => number
  limits?: PageLimits
}): ReplayPages {
  /** The oldest first. */
  const kept = new Map<string, Kept>()
  let bytes = 0
  let timer: NodeJS.Timeout | undefined

  function drop(name: string, one: Kept): void {
    if (kept.get(name) !== one) return
    kept.delete(name)
    bytes -= one.bytes
  }

  function trim(): void {
    const oldest = clock() - limits.ageMs
    for (const [name, one] of kept) {
      if (bytes <= limits.bytes && one.at > oldest) break
      drop(name, one)
    }
    if (kept.size > 0) return
    clearInterval(timer)
    timer = undefined
  }

  async function make(reader: FeedReader, one: Kept, name: string): Promise<Page> {
    try {
      const page = await readPage(reader)
      // Where the log ends the next reading may find more.
      if (!reader.hasMore()) drop(name, one)
      else if (kept.get(name) === one) {
        one.bytes = page.chunks.reduce((sum, { framed }) => sum + framed.length, 0)
        bytes += one.bytes
        trim()
      }
      return page
    } catch (error) {
      drop(name, one)
      throw error
    }
  }

  return {
    keptBytes: () => bytes,
    async read(reader, filter) {
      const name = `${reader.cursor()} ${nameOf(filter)}`
      const known = kept.get(name)
      if (known && known.at > clock() - limits.ageMs) {
        const page = await known.page
        reader.moveTo(page.cursor)
        // It costs next to nothing, so whoever catches up lets others have their turn.
        await new Promise((resolve) => setImmediate(resolve))
        return page
      }
      if (known) drop(name, known)
      const one: Kept = { page: Promise.resolve(emptyPage), at: clock(), bytes: 0 }
      kept.set(name, one)
      timer ??= setInterval(trim, lookMs)
      one.page = make(reader, one, name)
      return one.page
    },
  }
}

async function readPage(reader: FeedReader): Promise<Page> {
  const events = await reader.read(eventsAtOnce, scannedMax)
  const cursors = reader.cursorsOf(events)
  const frames = events.map((event, i) => makeFrame(event, cursors[i] as string))
  const chunks = inChunks(frames, ({ text }) => text.length).map(makeChunk)
  return { chunks, cursor: reader.cursor() }
}
