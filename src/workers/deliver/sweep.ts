/**
 * Finds what is to be done and nobody was told of: each second the runs that ask to be looked at, because a line of theirs is
 * due or because somebody began them, and the endpoints that may be tried again; now and then the runs that are behind.
 */
import { breakerAt } from '../../domain/endpoint-health.ts'
import type { RunId, SubscriptionId } from '../../domain/ids.ts'
import type { Subscription } from '../../domain/subscription.ts'
import { comparePositions } from '../../events/position.ts'
import type { Endpoints } from '../../store/endpoints.ts'
import type { Replays } from '../../store/replays.ts'
import type { Runs } from '../../store/runs.ts'
import type { SubscriptionDirectory } from '../../store/subscription-directory.ts'
import type { TurnJobs } from './turn-jobs.ts'

export interface SweepDeps {
  partitions: number
  runs: Pick<Runs, 'due' | 'cursors'>
  endpoints: Pick<Endpoints, 'readAll'>
  directory: Pick<SubscriptionDirectory, 'enabled'>
  replays: Pick<Replays, 'running'>
  newest(): Promise<string[]>
  jobs: Pick<TurnJobs, 'ask'>
  clock: () => number
}

export interface Sweep {
  /** Each second. */
  sweep(): Promise<void>
  /** At the start, and each minute. */
  sweepAll(): Promise<void>
  /** Of one subscription, whatever there may be. */
  wake(id: SubscriptionId): Promise<void>
}

const dueMax = 1_000

/** A run of a subscription that is enabled. */
interface KnownRun {
  run: RunId
  subscription: SubscriptionId
  /** Of a replay, as its subscription stands by itself. */
  from: readonly string[]
  until?: readonly string[]
}

export function createSweep(deps: SweepDeps): Sweep {
  const { runs, endpoints, directory, replays, jobs, clock } = deps
  const partitions = Array.from({ length: deps.partitions }, (_, partition) => partition)
  let open = new Set<SubscriptionId>()

  async function knownRuns(): Promise<KnownRun[]> {
    const [enabled, running] = await Promise.all([directory.enabled(), replays.running()])
    const ids = new Set(enabled.map(({ id }) => id))
    return [
      ...enabled.map(({ subscription }) => liveOf(subscription)),
      ...running
        .filter(({ subscription }) => ids.has(subscription))
        .map(({ id, subscription, from, until }) => ({ run: id, subscription, from, until })),
    ]
  }

  /** Those whose breaker is open now; and asks for turns where it may be tried again. */
  async function lookAtEndpoints(): Promise<Set<SubscriptionId>> {
    const all = await endpoints.readAll()
    const before = open
    open = new Set([...all].flatMap(([id, health]) => (breakerAt(health, clock()) === 'open' ? [id] : [])))
    for (const id of before) if (!open.has(id)) await wake(id)
    return open
  }

  async function wake(id: SubscriptionId): Promise<void> {
    for (const { run, subscription } of await knownRuns()) {
      if (subscription !== id) continue
      for (const partition of partitions) jobs.ask({ run, subscription, partition })
    }
  }

  return {
    wake,

    async sweep() {
      const shut = await lookAtEndpoints()
      const due = await Promise.all(partitions.map((partition) => runs.due(partition, clock(), dueMax)))
      if (due.every((one) => one.length === 0)) return
      const known = new Map((await knownRuns()).map((one) => [one.run, one]))
      for (const [partition, ids] of due.entries()) {
        for (const run of ids) {
          const found = known.get(run)
          if (found && !shut.has(found.subscription)) {
            jobs.ask({ run, subscription: found.subscription, partition })
          }
        }
      }
    },

    async sweepAll() {
      const shut = await lookAtEndpoints()
      const newest = await deps.newest()
      const known = (await knownRuns()).filter(({ subscription }) => !shut.has(subscription))
      for (const partition of partitions) {
        const cursors = await runs.cursors(partition)
        for (const { run, subscription, from, until } of known) {
          const at = cursors.get(run)?.position ?? from[partition] ?? '0-0'
          const end = until?.[partition] ?? newest[partition] ?? '0-0'
          // Who stands behind the end is behind as well: the log lost what it had seen. A replay that has nothing to do
          // here has to say so.
          if (comparePositions(at, end) !== 0 || until) jobs.ask({ run, subscription, partition })
        }
      }
    },
  }
}

function liveOf({ id, live }: Subscription): KnownRun {
  return { run: live.run, subscription: id, from: live.from }
}
