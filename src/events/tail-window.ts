/**
 * The newest events of one partition, as far as they are kept in memory: bounded by count, by bytes and by age. By age,
 * since what is personal in them may be erased by another process, which tells nobody.
 */
import type { PublishedEvent } from './published.ts'

export interface WindowLimits {
  events: number
  bytes: number
  ageMs: number
}

export interface TailWindow {
  /** Of the newest event, or where the window was begun. */
  last(): string
  /** What came after this position; undefined where that is not known here. */
  after(position: string, limit: number): readonly PublishedEvent[] | undefined
  append(events: readonly PublishedEvent[], now: number): void
  /** Lets go of what is too old. */
  age(now: number): void
  size(): { events: number; bytes: number }
}

interface Kept {
  event: PublishedEvent
  at: number
}

const none: readonly PublishedEvent[] = []

export function createTailWindow(start: string, limits: WindowLimits): TailWindow {
  /** What is before `first` was let go of, and is cut off now and then. */
  let kept: Kept[] = []
  let first = 0
  let cut = 0
  let before = start
  let newest = start
  let bytes = 0
  /** By position, how many events came before it and with it. */
  const places = new Map<string, number>()

  function drop(): void {
    const { event } = kept[first] as Kept
    places.delete(event.position)
    bytes -= event.json.length
    before = event.position
    first++
  }

  function trim(surplus: () => boolean): void {
    while (first < kept.length && surplus()) drop()
    if (first < 1024 && first < kept.length) return
    kept = kept.slice(first)
    cut += first
    first = 0
  }

  return {
    last: () => newest,
    after(position, limit) {
      if (position === newest) return none
      const place = position === before ? cut + first : places.get(position)
      if (place === undefined) return undefined
      const from = place - cut
      return kept.slice(from, from + limit).map(({ event }) => event)
    },
    append(events, now) {
      for (const event of events) {
        kept.push({ event, at: now })
        places.set(event.position, cut + kept.length)
        bytes += event.json.length
        newest = event.position
      }
      trim(() => kept.length - first > limits.events || bytes > limits.bytes)
    },
    age: (now) => trim(() => (kept[first] as Kept).at <= now - limits.ageMs),
    size: () => ({ events: kept.length - first, bytes }),
  }
}
