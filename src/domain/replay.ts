/** Which stretch of the log a replay sends again, and what of it. */
import { comparePositions } from './position.ts'
import type { Missed, Positions, Replay, Subscription } from './subscription.ts'
import { matcherOf, typeMatcherOf } from './subscription-match.ts'

export interface ReplayedEvent {
  partition: number
  position: string
  id: string
  type: string
  account: string | undefined
}

export type ReplayRange = Pick<Replay, 'from' | 'until' | 'within'>

/** What a replay takes: for who counts it and for who sends it, so that they cannot differ. */
export function replayMatcherOf(
  replay: Pick<Replay, 'types' | 'event' | 'within'>,
  subscription: Pick<Subscription, 'types' | 'accounts'>,
): (event: ReplayedEvent) => boolean {
  const { event: only, within } = replay
  // Somebody asked for this one by its name, whatever the subscription takes by now.
  if (only !== undefined) return ({ id }) => id === only
  const takes = matcherOf(subscription)
  const takesType = typeMatcherOf(replay.types ?? [])
  return (event) => takes(event) && takesType(event.type) && (!within || isWithin(within, event))
}

function isWithin(stretches: NonNullable<Replay['within']>, { partition, position }: ReplayedEvent): boolean {
  return stretches.some(
    ({ from, until }) =>
      comparePositions(position, from[partition] ?? '0-0') > 0 &&
      comparePositions(position, until[partition] ?? '0-0') <= 0,
  )
}

/** What was missed in several stretches is sent in one walk, since two at once would not keep the order of an intent. */
export function rangeOfMissed(missed: readonly Missed[]): ReplayRange {
  const stretches = missed.map(({ from, until }) => ({ from, until }))
  const [first] = stretches
  if (!first) return { from: [], until: [] }
  const range = {
    from: first.from.map((_, i) => oldest(stretches.map(({ from }) => from[i] ?? '0-0'))),
    until: first.until.map((_, i) => newest(stretches.map(({ until }) => until[i] ?? '0-0'))),
  }
  return stretches.length === 1 ? range : { ...range, within: stretches }
}

/** One event alone, which comes right after `before`. `end`, a position of every partition, stands for nothing elsewhere. */
export function rangeOfOne(
  { partition, before, position }: { partition: number; before: string; position: string },
  end: Positions,
): ReplayRange {
  return {
    from: end.map((each, i) => (i === partition ? before : each)),
    until: end.map((each, i) => (i === partition ? position : each)),
  }
}

/** It ends where the log ends now, and never before it began. */
export function clampRange({ from, until, within }: ReplayRange, end: Positions): ReplayRange {
  const ends = until.map((each, i) => oldest([each, end[i] ?? each]))
  const begins = from.map((each, i) => oldest([each, ends[i] ?? each]))
  return { from: begins, until: ends, ...(within && { within }) }
}

function oldest(positions: readonly string[]): string {
  return positions.reduce((a, b) => (comparePositions(a, b) <= 0 ? a : b))
}

function newest(positions: readonly string[]): string {
  return positions.reduce((a, b) => (comparePositions(a, b) >= 0 ? a : b))
}
