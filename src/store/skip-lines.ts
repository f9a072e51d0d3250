/**
 * Lets go of the lines of a run that is walked no more: what stood in them is noted as skipped, so that who wants it can
 * read that. What a replay has delivered meanwhile is not, and a line whose request is still on its way is left to that.
 */
import type { RunId, SubscriptionId } from '../domain/ids.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { DeliveryHistory } from './delivery-history.ts'
import type { KeptLine, RunPlace, Runs } from './runs.ts'

export interface SkipLinesDeps {
  runs: Pick<Runs, 'listLines' | 'commitLines'>
  history: Pick<DeliveryHistory, 'deliveredIn'>
  clock: () => number
  logger: Logger
}

/** `next`: of a live run, the one that follows it, whose figures tell of it. True where nothing is left. */
export type SkipLines = (place: RunPlace, subscription: SubscriptionId, next?: RunId) => Promise<boolean>

const linesAtOnce = 100

export function createSkipLines({ runs, history, clock, logger }: SkipLinesDeps): SkipLines {
  return async (place, subscription, next) => {
    let delivered: ReadonlySet<string> | undefined
    let offset = 0
    for (;;) {
      const all = await runs.listLines(place, { limit: linesAtOnce, offset })
      if (all.length === 0) return offset === 0
      const at = clock()
      const lines = all.filter(({ line }) => !line.underWay || line.nextAt <= at)
      offset += all.length - lines.length
      if (lines.length === 0) continue
      // What a replay did not come to may well have been delivered before it.
      delivered ??= next ? await history.deliveredIn(place.partition, subscription) : new Set()
      const notes = lines
        .flatMap((kept) => skippedOf(kept, place.run))
        .filter(({ event }) => !delivered?.has(event))
      const gone = lines.map(({ subject, text }) => ({ subject, text, after: undefined }))
      const done = await runs.commitLines(place, { subscription, lines: gone, notes, at, countIn: next })
      if (done && notes.length > 0)
        logger.warn('delivery.lines-skipped', { ...place, subscription, count: notes.length })
    }
  }
}

function skippedOf({ subject, line }: KeptLine, run: RunId) {
  return line.events.map(({ id, type, position }, i) => ({
    event: id,
    type,
    subject,
    position,
    run,
    number: i === 0 ? line.attempts : 0,
    outcome: 'skipped' as const,
  }))
}
