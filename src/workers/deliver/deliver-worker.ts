/**
 * Turns on BullMQ. What a job says is only whose turn it is, so one that is lost, or comes twice, does no harm. A turn sends
 * as long as it is sure that its job is its own: until shortly before the lock would run out, counted from when it was last
 * renewed. Trouble of Redis is waited out, as with callbacks.
 */
import { setMaxListeners } from 'node:events'
import { type Job, Worker } from 'bullmq'
import { backoffMs, deliveryQueueName, type TurnJob } from '../../queue/catalogue.ts'
import type { RedisClient } from '../../redis/client.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { lockMs, stalledCheckMs } from '../reconcile-worker.ts'
import { createBreather, leaveWhenNotCompleted, putBack, readTrouble, waitOutMs } from '../wait-out.ts'
import { fieldsOf, type Leave } from './deps.ts'
import type { FindWalk, FoundWalk } from './find-walk.ts'
import type { TakeTurn, TurnOutcome } from './turn.ts'
import type { TurnJobs } from './turn-jobs.ts'

export interface DeliverWorkerDeps {
  findWalk: FindWalk
  takeTurn: TakeTurn
  jobs: TurnJobs
  /** A replay has come to its end in one partition. */
  onReplayEnd(walk: FoundWalk): Promise<void>
  /** Of the whole program. */
  leave: Leave
  connection: RedisClient
  prefix: string
  concurrency: number
  clock: () => number
  random: () => number
  logger: Logger
}

export interface DeliverWorker {
  stop(options?: { force?: boolean }): Promise<void>
}

/** Before the lock runs out, for a renewal that was on its way. */
const lockMarginMs = 2_000
const runRetryMs = 1_000

/** Not of the wall clock, which may be set while a lock runs out. */
const now = () => performance.now()

interface Hold {
  until: number
  ended: AbortController
}

export function createDeliverWorker(deps: DeliverWorkerDeps): DeliverWorker {
  const { findWalk, takeTurn, jobs, clock, logger } = deps
  const holds = new Map<string, Hold>()

  /** Of requests that go on though their turn is over. */
  const outliving = new Set<{ ended: AbortController }>()

  const end = () => {
    for (const { ended } of [...holds.values(), ...outliving]) ended.abort()
  }
  // It stays beyond the worker's end, for requests that outlive it.
  deps.leave.signal.addEventListener('abort', end, { once: true })

  function leaveOf(hold: Hold): Leave {
    return {
      maySend: () => deps.leave.maySend() && now() < hold.until && !hold.ended.signal.aborted,
      signal: hold.ended.signal,
      outlive(request) {
        const one = { ended: hold.ended }
        outliving.add(one)
        const forget = () => void outliving.delete(one)
        request.then(forget, forget)
      },
    }
  }

  async function take(place: TurnJob, hold: Hold): Promise<TurnOutcome | undefined> {
    const walk = await findWalk(place)
    if (!walk) return undefined
    const startedAt = clock()
    const { counts, ...done } = await takeTurn(walk, leaveOf(hold))
    const { outcome } = done
    const durationMs = clock() - startedAt
    if (logger.isOn('debug'))
      logger.debug('delivery.turn', { ...fieldsOf(walk), ...counts, outcome, durationMs })
    if (outcome === 'at-end') {
      jobs.reached(place, done.position)
      if (walk.replay && !done.lines) await deps.onReplayEnd(walk)
    }
    return done
  }

  async function work(job: Job<TurnJob>, token?: string): Promise<void> {
    leaveWhenNotCompleted(job)
    const id = job.id ?? ''
    const hold = { until: now() + lockMs - lockMarginMs, ended: new AbortController() }
    setMaxListeners(0, hold.ended.signal)
    holds.set(id, hold)
    jobs.begun(job.data)
    try {
      const done = await take(job.data, hold)
      // A turn that lost its lock, or was not sure of it any more, is followed by another at once, wherever it is.
      const isUnsure = done?.outcome === 'stopped' && deps.leave.maySend()
      if (done?.outcome === 'more' || done?.outcome === 'lost' || isUnsure) jobs.again(job.data)
    } catch (error) {
      if (!readTrouble(error)) throw error
      breather.consider(error)
      logger.warn('job.put-back', { jobId: id, error })
      jobs.ended(id)
      throw await putBack(job, token, Date.now() + waitOutMs)
    } finally {
      if (holds.get(id) === hold) holds.delete(id)
    }
  }

  const worker = new Worker<TurnJob>(deliveryQueueName, work, {
    connection: deps.connection,
    prefix: deps.prefix,
    concurrency: deps.concurrency,
    lockDuration: lockMs,
    stalledInterval: stalledCheckMs,
    maxStalledCount: Number.MAX_SAFE_INTEGER,
    runRetryDelay: runRetryMs,
    settings: { backoffStrategy: (attemptsMade) => backoffMs(attemptsMade, deps.random) },
  })
  const breather = createBreather(worker)
  worker.on('completed', (job) => jobs.ended(job.id ?? ''))
  worker.on('failed', (job, error) => {
    logger.error('delivery.turn-failed', { jobId: job?.id, error })
    jobs.ended(job?.id ?? '')
  })
  worker.on('locksRenewed', ({ jobIds }) => {
    for (const id of jobIds) {
      const hold = holds.get(id)
      if (hold) hold.until = now() + lockMs - lockMarginMs
    }
  })
  worker.on('lockRenewalFailed', (ids) => {
    for (const id of ids) {
      logger.warn('delivery.turn-lost', { jobId: id })
      holds.get(id)?.ended.abort()
      jobs.ended(id)
    }
  })
  worker.on('stalled', (jobId) => logger.warn('job.stalled', { jobId }))
  worker.on('error', (error) => {
    logger.warn('worker.troubled', { error })
    breather.consider(error)
  })
  return {
    async stop({ force = false } = {}) {
      breather.stop()
      await worker.close(force)
    },
  }
}
