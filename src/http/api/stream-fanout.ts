/**
 * Those who read at the head: they stand at the same place and get the same bytes, which are made once, as are those of
 * each filter. Whoever does not take them at once falls behind: what comes meanwhile is kept once for all of them, within bounds,
 * and who has fallen further behind goes back to reading the log.
 */
import { type EventFilter, nameOf, type Wanted, wantedBy } from '../../events/filter.ts'
import type { FollowHead, Following, Ordered } from '../../events/head-order.ts'
import type { PacedWriter } from './paced-writer.ts'
import { type Chunk, type Frame, inChunks, makeChunk, makeFrame } from './stream-frames.ts'

export interface FanoutLimits {
  /** Kept for those who have fallen behind, together. */
  bytes: number
  /** What is personal may be erased by another process, which tells nobody. It is looked for each second. */
  ageMs: number
}

export const fanoutLimits: FanoutLimits = { bytes: 4 * 1024 * 1024, ageMs: 9_000 }

export interface Rider {
  writer: PacedWriter
  filter: EventFilter
  /** Where it stands. */
  cursor: string
  /** Something was written, up to this id. */
  onWritten(id: string): void
}

export interface Ride {
  /** Where it stands now. */
  cursor(): string
  /** Resolves when it has to read the log again, or there is nobody to write to. */
  left: Promise<void>
  leave(): void
  /** What it was given last is still to be taken. */
  waits(): boolean
}

export interface Fanout {
  /** Undefined where it does not stand at the head as the others see it. */
  ride(rider: Rider): Ride | undefined
  /** What is kept for those who have fallen behind. */
  keptBytes(): number
}

export interface FanoutDeps {
  follow: FollowHead
  clock: () => number
  limits?: FanoutLimits
}

interface Group {
  name: string
  wanted: Wanted | undefined
  size: number
}

interface Batch {
  chunks: Map<Group, Chunk>
  cursor: string
  at: number
  bytes: number
}

interface Seat extends Rider {
  group: Group
  /** The number of the batch that it gets next. */
  next: number
  waits: boolean
  leave(): void
}

/** Others get their turn between so many. */
const writesAtOnce = 64
const lookMs = 1_000

export function createFanout({ follow, clock, limits = fanoutLimits }: FanoutDeps): Fanout {
  const seats = new Set<Seat>()
  const groups = new Map<string, Group>()
  let following: Following | undefined
  let timer: NodeJS.Timeout | undefined
  /** The first of these has the number `first`. */
  let batches: Batch[] = []
  let first = 0
  let bytes = 0

  function take(events: readonly Ordered[]): void {
    const at = clock()
    for (const part of inChunks(events, ({ event }) => event.json.length)) {
      const batch = makeBatch(part, groups.values(), at)
      batches.push(batch)
      bytes += batch.bytes
    }
    void giveAll([...seats])
  }

  async function giveAll(all: readonly Seat[]): Promise<void> {
    for (let i = 0; i < all.length; i += writesAtOnce) {
      if (i > 0) await new Promise((resolve) => setImmediate(resolve))
      for (const seat of all.slice(i, i + writesAtOnce)) give(seat)
    }
    trim()
  }

  function give(seat: Seat): void {
    while (!seat.waits && seats.has(seat) && seat.next < first + batches.length) {
      const batch = batches[seat.next - first]
      if (!batch) {
        seat.leave()
        return
      }
      seat.next++
      seat.cursor = batch.cursor
      const chunk = batch.chunks.get(seat.group)
      if (!chunk) continue
      seat.onWritten(chunk.lastId)
      if (!seat.writer.push(chunk)) void wait(seat)
    }
  }

  async function wait(seat: Seat): Promise<void> {
    seat.waits = true
    const goesOn = await seat.writer.drained()
    seat.waits = false
    if (!goesOn) return seat.leave()
    give(seat)
    trim()
  }

  /** What everybody has, and what is too much or too old. */
  function trim(): void {
    const end = first + batches.length
    let needed = end
    for (const { next } of seats) needed = Math.min(needed, next)
    const oldest = clock() - limits.ageMs
    let count = 0
    for (const batch of batches) {
      if (first + count >= needed && bytes <= limits.bytes && batch.at > oldest) break
      bytes -= batch.bytes
      count++
    }
    if (count === 0) return
    first += count
    batches = batches.slice(count)
  }

  function begin(cursor: string): Following {
    timer = setInterval(trim, lookMs)
    return follow(cursor, {
      onEvents: take,
      onLost: () => {
        for (const seat of [...seats]) seat.leave()
      },
    })
  }

  function end(): void {
    clearInterval(timer)
    following?.end()
    following = undefined
    first += batches.length
    batches = []
    bytes = 0
  }

  function join(filter: EventFilter): Group {
    const name = nameOf(filter)
    const group = groups.get(name) ?? { name, wanted: wantedBy(filter), size: 0 }
    groups.set(name, group)
    group.size++
    return group
  }

  return {
    keptBytes: () => bytes,
    ride(rider) {
      // Whoever joins has read what was gathered for the others.
      following ??= begin(rider.cursor)
      if (following.flush() !== rider.cursor) return undefined
      let resolve = () => {}
      const left = new Promise<void>((done) => {
        resolve = done
      })
      const group = join(rider.filter)
      const seat: Seat = {
        ...rider,
        group,
        next: first + batches.length,
        waits: false,
        leave() {
          if (!seats.delete(seat)) return
          if (--group.size === 0) groups.delete(group.name)
          if (seats.size === 0) end()
          resolve()
        },
      }
      seats.add(seat)
      return { cursor: () => seat.cursor, left, leave: seat.leave, waits: () => seat.waits }
    },
  }
}

function makeBatch(events: readonly Ordered[], groups: Iterable<Group>, at: number): Batch {
  const frames = events.map(({ event, cursor }) => makeFrame(event, cursor))
  const chunks = new Map<Group, Chunk>()
  let bytes = 0
  let whole: Chunk | undefined
  for (const group of groups) {
    const wanted = takenBy(group, events, frames)
    if (wanted.length === 0) continue
    const isAll = wanted.length === frames.length
    const chunk = isAll && whole ? whole : makeChunk(wanted)
    if (chunk !== whole) bytes += chunk.framed.length
    if (isAll) whole = chunk
    chunks.set(group, chunk)
  }
  return { chunks, cursor: (events.at(-1) as Ordered).cursor, at, bytes }
}

function takenBy({ wanted }: Group, events: readonly Ordered[], frames: Frame[]): Frame[] {
  return wanted ? frames.filter((_, i) => wanted((events[i] as Ordered).event)) : frames
}
