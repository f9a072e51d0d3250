/**
 * Where the live run of a subscription stands: all before it was taken, was given up, or is not wanted. That is its cursor,
 * or, where something has stepped aside into a line and waits there, right before the earliest of that. What was taken
 * behind it lies beyond this place all the same.
 */
import { comparePositions } from '../domain/position.ts'
import type { Positions, Subscription } from '../domain/subscription.ts'
import type { LogPlaces } from './log-places.ts'
import type { Runs } from './runs.ts'

export interface StoodAtDeps {
  runs: Pick<Runs, 'progressOf' | 'earliestWaiting'>
  places: Pick<LogPlaces, 'lastBefore'>
}

export function createStoodAt({ runs, places }: StoodAtDeps) {
  return async ({ live: { run, from } }: Pick<Subscription, 'live'>): Promise<Positions> => {
    // The cursor first: what it passes meanwhile is beyond what was read of it.
    const progress = await runs.progressOf(run)
    return Promise.all(
      from.map(async (begin, partition) => {
        const cursor = progress[partition]?.position ?? begin
        const earliest = await runs.earliestWaiting({ partition, run })
        if (earliest === undefined) return cursor
        const before = await places.lastBefore(partition, earliest)
        return comparePositions(before, cursor) < 0 ? before : cursor
      }),
    )
  }
}
