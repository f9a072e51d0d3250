/**
 * Lets go of what runs have left that are no more: of a subscription that was deleted, of a replay that ended, and of a run
 * that was followed by another when its subscription was enabled anew; of that one, what stood in lines is noted as skipped.
 */
import type { RunId, SubscriptionId } from '../../domain/ids.ts'
import type { Subscription } from '../../domain/subscription.ts'
import type { DeliveryHistory } from '../../store/delivery-history.ts'
import type { Endpoints } from '../../store/endpoints.ts'
import type { Replays } from '../../store/replays.ts'
import type { RunPlace, Runs } from '../../store/runs.ts'
import { createSkipLines } from '../../store/skip-lines.ts'
import type { SubscriptionDirectory } from '../../store/subscription-directory.ts'
import type { Logger } from '../../telemetry/logger.ts'

export interface JanitorDeps {
  partitions: number
  runs: Runs
  history: Pick<DeliveryHistory, 'deliveredIn'>
  endpoints: Pick<Endpoints, 'forget' | 'readAll'>
  directory: Pick<SubscriptionDirectory, 'fresh'>
  replays: Pick<Replays, 'find' | 'remove' | 'running' | 'end'>
  clock: () => number
  logger: Logger
}

export function createJanitor(deps: JanitorDeps): (stopping: AbortSignal) => Promise<void> {
  const { runs, endpoints, directory, replays } = deps
  const skipLines = createSkipLines(deps)
  const partitions = Array.from({ length: deps.partitions }, (_, partition) => partition)

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
    // A replay tells of its own; what a run has passed over that is no more is told of by the one that follows.
    const isEmpty = await skipLines(place, subscription, replay ? undefined : owner.live.run)
    if (!replay && isEmpty) await runs.forget(place)
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
