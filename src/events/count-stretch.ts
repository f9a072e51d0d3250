/** How many events of a stretch of the log there are that somebody takes: by reading it, since nothing else knows. */
import type { LoggedEvent } from '../domain/event.ts'
import { eventIdOf } from '../domain/ids.ts'
import { comparePositions } from '../domain/position.ts'
import type { ReplayedEvent, ReplayRange } from '../domain/replay.ts'
import { accountOf, subjectOf, typeOf } from './envelope.ts'

export interface StretchCount {
  count: number
  /** There may be more: it was left off. */
  atLeast?: true
}

export interface CountStretchDeps {
  /** Throws where entries after the position have left, or the log does not go through it. */
  readPartition(
    partition: number,
    position: string,
    limit: number,
  ): Promise<readonly { partition: number; position: string; event: LoggedEvent }[]>
  /** Entries that are read for one answer. */
  readMax?: number
}

export type CountStretch = (
  range: ReplayRange,
  takes: (event: ReplayedEvent) => boolean,
) => Promise<StretchCount>

const usualReadMax = 1_000_000
/** Others are served between two pages. */
const pageSize = 500

export function createCountStretch({
  readPartition,
  readMax = usualReadMax,
}: CountStretchDeps): CountStretch {
  return async ({ from, until }, takes) => {
    let count = 0
    let left = readMax
    for (const [partition, end] of until.entries()) {
      let position = from[partition] ?? end
      while (comparePositions(position, end) < 0) {
        if (left <= 0) return { count, atLeast: true }
        const page = await readPartition(partition, position, Math.min(pageSize, left))
        const inside = page.filter((entry) => comparePositions(entry.position, end) <= 0)
        count += inside.filter(({ position, event }) => takes(headOf(partition, position, event))).length
        left -= inside.length
        const last = inside.at(-1)
        if (!last || inside.length < page.length) break
        position = last.position
      }
    }
    return { count }
  }
}

function headOf(partition: number, position: string, event: LoggedEvent): ReplayedEvent {
  const id = eventIdOf(subjectOf(event), event.fact.sequence)
  return { partition, position, id, type: typeOf(event), account: accountOf(event) }
}
