/**
 * Counts of this process by labels. Adding to one is a look into a map: it stands on the way of every callback. The labels are
 * accounts of the configuration, codes and reasons of our own, and names of queues, so there are few.
 */
import type { Counted, CountedDurations } from './counted.ts'

/** No account's id, code or reason holds one. */
const separator = '\n'

function toLabels(names: readonly string[], key: string): Record<string, string> {
  const values = key.split(separator)
  return Object.fromEntries(names.map((name, i) => [name, values[i] ?? '']))
}

export interface Tally {
  add(...values: string[]): void
  read(): Counted[]
}

export function createTally(names: readonly string[]): Tally {
  const counts = new Map<string, number>()
  return {
    add(...values) {
      const key = values.join(separator)
      counts.set(key, (counts.get(key) ?? 0) + 1)
    },
    read: () => [...counts].map(([key, count]) => ({ labels: toLabels(names, key), count })),
  }
}

export interface Durations {
  add(ms: number, ...values: string[]): void
  read(): CountedDurations[]
}

export function createDurations(names: readonly string[], boundsMs: readonly number[]): Durations {
  const series = new Map<string, { counts: number[]; sumMs: number }>()
  return {
    add(ms, ...values) {
      const key = values.join(separator)
      let one = series.get(key)
      if (!one) {
        one = { counts: new Array(boundsMs.length + 1).fill(0), sumMs: 0 }
        series.set(key, one)
      }
      let index = 0
      while (index < boundsMs.length && ms > (boundsMs[index] as number)) index++
      one.counts[index] = (one.counts[index] as number) + 1
      one.sumMs += ms
    },
    read: () => [...series].map(([key, one]) => ({ labels: toLabels(names, key), ...one })),
  }
}
