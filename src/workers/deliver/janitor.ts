/**
 * Lets go of what runs have left that are no more: of a subscription that was deleted, of a replay that ended, and of a run
 * that was followed by another when its subscription was enabled anew; of that one, what stood in lines is noted as skipped.
 */
import type { RunId, SubscriptionId } from '../../domain/ids.ts'
import type { Subscription } from '../../domain/subscription.ts'
import type { Endpoints } from '../../store/endpoints.ts'
import type { Replays } from '../../store/replays.ts'
import type { KeptLine, RunPlace, Runs } from '../../store/runs.ts'
import type { SubscriptionDirectory } from '../../store/subscription-directory.ts'
import type { Logger } from '../../telemetry/logger.ts'

export interface JanitorDeps {
  partitions: number
  runs: Runs
  endpoints: Pick<Endpoints, 'forget' | 'readAll'>
  directory: Pick<SubscriptionDirectory, 'fresh'>
  replays: Pick<Replays, 'find' | 'remove' | 'running' | 'end'>
  clock: () => number
  logger: Logger
}

const linesAtOnce = 100

export function createJanitor(deps: JanitorDeps): (stopping: AbortSignal) => Promise<void> {
  const { runs, endpoints, directory, replays, clock, logger } = deps
  const partitions = Array.from({ length: deps.partitions }, (_, partition) => partition)

  /** Its lines go, and who wants them can read that they were skipped. */
  async function skipLines(place: RunPlace, subscription: SubscriptionId): Promise<void> {
    for (;;) {
      const lines = await runs.listLines(place, { limit: linesAtOnce })
      if (lines.length === 0) return
      const notes = lines.flatMap((kept) => skippedOf(kept, place.run))
      const gone = lines.map(({ subject, text }) => ({ subject, text, after: undefined }))
      const done = await runs.commitLines(place, { subscription, lines: gone, notes, at: clock() })
      if (done) logger.warn('delivery.lines-skipped', { ...place, subscription, count: notes.length })
    }
  }

  async function lookAt(
    place: RunPlace,
    subscription: SubscriptionId,
    known: ReadonlyMap<SubscriptionId, Subscription>,
  ): Promise<void> {
    const owner = known.get(subscription)
    if (!owner) {
      await runs.forget(place)
      await runs.forgetHistory(place.partition, subscription)
      await endpoints.forget(subscription)
      await replays.remove(subscription)
      return
    }
    if (owner.live.run === place.run) return
    const replay = await replays.find(subscription, place.run)
    // How far one came that has ended is kept as long as it is.
    if (replay && !replay.ended) return
    await skipLines(place, subscription)
    if (!replay) await runs.forget(place)
  }

  /** Those of a subscription to which nothing is sent any more do not go on when it is enabled again. */
  async function endReplays(): Promise<void> {
    // They are read before what there is: whoever was disabled after that has none that is newer.
    const running = await replays.running()
    const known = new Map((await directory.fresh()).map((one) => [one.id, one]))
    for (const { id, subscription } of running) {
      const owner = known.get(subscription)
      if (!owner) await replays.remove(subscription)
      else if (owner.disabled) await replays.end(subscription, id, 'disabled')
    }
  }

  return async (stopping) => {
    await endReplays()
    for (const partition of partitions) {
      if (stopping.aborted) return
      // What is left is read before what there is: a subscription is written before it leaves anything.
      const cursors = await runs.cursors(partition)
      const waiting = await runs.waiting(partition)
      const known = new Map((await directory.fresh()).map((one) => [one.id, one]))
      for (const [run, { subscription }] of cursors) await lookAt({ partition, run }, subscription, known)
      const running = new Set<RunId>([
        ...[...known.values()].map(({ live }) => live.run),
        ...(await replays.running()).map(({ id }) => id),
      ])
      for (const run of waiting) {
        if (!running.has(run) && !cursors.has(run)) await runs.forget({ partition, run })
      }
    }
    const known = new Set((await directory.fresh()).map(({ id }) => id))
    for (const id of (await endpoints.readAll()).keys()) if (!known.has(id)) await endpoints.forget(id)
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
