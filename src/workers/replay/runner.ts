/**
 * Who does the replays that were begun: any working process, one of them at a time for each, under a lease. If it dies, the
 * lease runs out and another goes on. Several replays are done side by side.
 */
import type { CallbackReplay } from '../../domain/callback-replay.ts'
import type { ReplayId } from '../../domain/ids.ts'
import type { Lease } from '../../store/lease.ts'
import type { ReplayPlans } from '../../store/replay-plans.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { type Rounds, startRounds } from '../rounds.ts'
import type { RunSteps } from './run.ts'

export interface ReplayRunnerDeps {
  plans: Pick<ReplayPlans, 'running' | 'find' | 'readSteps' | 'advance'>
  runSteps: RunSteps
  leaseOf(id: ReplayId): Lease
  intervalMs: number
  clock: () => number
  logger: Logger
}

/** In one go: few enough that an abort is heeded soon, and that they are done well within a lease. */
const atOnceMax = 64
/** Goes of a second, where so many are allowed. */
const goesPerSecond = 10

export function startReplayRunner(deps: ReplayRunnerDeps): Rounds {
  const { plans, clock, logger } = deps
  const stopping = new AbortController()
  const underWay = new Map<ReplayId, Promise<void>>()

  async function goOn(id: ReplayId, lease: Lease): Promise<void> {
    while (!stopping.signal.aborted) {
      const replay = await plans.find(id)
      if (replay?.state !== 'running' || !(await lease.renew())) return
      const startedAt = clock()
      const steps = await plans.readSteps(id, replay.done, sizeOf(replay))
      const { outcomes, failures } = await deps.runSteps(steps)
      const after = await plans.advance(id, replay.done, outcomes, failures)
      if (after?.state === 'done') {
        const { count, outcomes: all } = after
        logger.info('replay.done', { replayId: id, callbacks: count, outcomes: all })
      }
      if (after?.state !== 'running') return
      await pause(startedAt + (steps.length / replay.perSecond) * 1_000 - clock(), stopping.signal)
    }
  }

  async function work(id: ReplayId): Promise<void> {
    const lease = deps.leaseOf(id)
    if (!(await lease.take())) return
    try {
      await goOn(id, lease)
    } finally {
      await lease.release()
    }
  }

  async function round(): Promise<void> {
    for (const id of await plans.running()) {
      if (underWay.has(id) || stopping.signal.aborted) continue
      const working = work(id)
        .catch((error: unknown) => logger.warn('replay.interrupted', { replayId: id, error }))
        .finally(() => underWay.delete(id))
      underWay.set(id, working)
    }
  }

  const rounds = startRounds({ round, intervalMs: deps.intervalMs, failed: 'replay.interrupted', logger })
  return {
    async stop(options) {
      stopping.abort()
      await rounds.stop(options)
      if (!options?.force) await Promise.all(underWay.values())
    },
  }
}

function sizeOf({ perSecond }: CallbackReplay): number {
  return Math.min(atOnceMax, Math.max(1, Math.ceil(perSecond / goesPerSecond)))
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })
}
