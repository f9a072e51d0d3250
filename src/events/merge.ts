/**
 * One list of all partitions, oldest first. Each position moves past what was taken and no further, so that nothing is
 * skipped whatever the partitions' clocks say; within a partition the order never changes.
 */
import type { Wanted } from './filter.ts'
import { comparePositions } from './position.ts'
import { type Entry, headOf } from './published.ts'
import type { Tail } from './tail.ts'

export interface MergeRequest {
  limit: number
  /** Undefined: everything. */
  wanted?: Wanted | undefined
  /** A filter that matches little must not read the whole log for one answer. */
  scannedMax: number
}

export interface Merged {
  page: Entry[]
  /** Past what was taken, and what was left out. */
  positions: string[]
  /** There was nothing after these. */
  ended: boolean
}

interface Lane {
  partition: number
  entries: readonly Entry[]
  at: number
  ended: boolean
}

const partMin = 16
const partMax = 256

/** Nothing is after these positions: from memory alone, and at once. */
export function isAtHead(log: Pick<Tail, 'recall'>, positions: readonly string[]): boolean {
  return positions.every((position, partition) => log.recall(partition, position, 1)?.length === 0)
}

/** Something of what comes next is there, so that next to nothing has to be read for a page. */
export function isInMemory(log: Pick<Tail, 'recall'>, positions: readonly string[]): boolean {
  return positions.every((position, partition) => log.recall(partition, position, 1))
}

export async function takeOldest(
  log: Pick<Tail, 'recall' | 'scan'>,
  from: readonly string[],
  { limit, wanted, scannedMax }: MergeRequest,
): Promise<Merged> {
  const positions = [...from]
  const part = partOf(positions.length, limit, wanted !== undefined)
  const lanes = positions.map((_, partition): Lane => ({ partition, entries: [], at: 0, ended: false }))
  const page: Entry[] = []

  function put(lane: Lane, more: readonly Entry[]): void {
    const rest = lane.entries.slice(lane.at)
    lane.entries = rest.length > 0 ? [...rest, ...more] : more
    lane.at = 0
    lane.ended = more.length < part
  }

  /** Those that run low are filled too, so that there are few round trips. At the head there is none, and nothing to wait for. */
  async function fill(): Promise<void> {
    const asked: Promise<void>[] = []
    for (const lane of lanes) {
      if (lane.ended || lane.entries.length - lane.at >= part / 2) continue
      const position = lane.entries.at(-1)?.position ?? (positions[lane.partition] as string)
      const recalled = log.recall(lane.partition, position, part)
      if (recalled) put(lane, recalled)
      else asked.push(log.scan(lane.partition, position, part).then((more) => put(lane, more)))
    }
    if (asked.length > 0) await Promise.all(asked)
  }

  for (let scanned = 0; page.length < limit && scanned < scannedMax; scanned++) {
    if (lanes.some(({ ended, entries, at }) => !ended && at === entries.length)) await fill()
    const lane = oldestOf(lanes)
    if (!lane) return { page, positions, ended: true }
    const entry = lane.entries[lane.at++] as Entry
    positions[lane.partition] = entry.position
    if (!wanted || wanted(headOf(entry))) page.push(entry)
  }
  return { page, positions, ended: false }
}

/** Somewhat more than each partition's share of a page; where most is left out, as much as one reading may take. */
function partOf(partitions: number, limit: number, filtered: boolean): number {
  if (filtered) return partMax
  return Math.min(Math.max(Math.ceil((limit / partitions) * 1.5), Math.min(limit, partMin)), partMax)
}

function oldestOf(lanes: readonly Lane[]): Lane | undefined {
  let oldest: Lane | undefined
  for (const lane of lanes) {
    const next = lane.entries[lane.at]
    if (!next) continue
    const first = oldest?.entries[oldest.at]
    if (!first || comparePositions(next.position, first.position) < 0) oldest = lane
  }
  return oldest
}
