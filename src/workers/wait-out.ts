/**
 * Redis's own trouble is no fault of a job: while Redis is full, away, or changing its master, jobs wait and no attempt
 * is used up, however long it lasts. Three things make it so:
 *   - a job that met the trouble is moved to "delayed" by BullMQ's own step that counts no attempt. The step removes the
 *     lock first, and a script that has removed something may go on on a full Redis. Where even this cannot be done, the job
 *     is left where it is: its lock runs out and the stalled check gives it to the next, which counts no attempt either;
 *   - a job that is done, and whose completion meets the trouble, is left where it is in the same way. BullMQ would count a
 *     failed attempt, and of the last one make a failed job; applying a receipt a second time changes nothing;
 *   - the worker fetches nothing for a moment. BullMQ would ask again at once, and as often as it can.
 */
import { DelayedError, type Job, type Worker } from 'bullmq'
import { AppError } from '../domain/errors.ts'
import { describeRedisTrouble } from '../redis/trouble.ts'

/** How long Redis is left alone before it is asked again. */
export const waitOutMs = 1_000

export function readTrouble(error: unknown): AppError | undefined {
  if (!(error instanceof AppError)) return describeRedisTrouble(error)
  return error.code === 'redis-full' || error.code === 'redis-away' ? error : undefined
}

export type DelayableJob = Pick<Job, 'moveToDelayed' | 'moveToCompleted'>

/** What it returns is to be thrown: it tells BullMQ that the job has been taken care of. */
export async function putBack(job: DelayableJob, token: string | undefined, until: number): Promise<Error> {
  // Its failure changes nothing: the job stays active, without anybody who renews its lock.
  await job.moveToDelayed(until, token).catch(() => {})
  return new DelayedError()
}

/** Set up before the job is worked on. */
export function leaveWhenNotCompleted(job: Pick<Job, 'moveToCompleted'>): void {
  const complete = job.moveToCompleted.bind(job)
  job.moveToCompleted = async (...args) => {
    try {
      return await complete(...args)
    } catch (error) {
      throw readTrouble(error) ? new DelayedError() : error
    }
  }
}

export interface Breather {
  /** Asked with every error of the worker or of a job; pauses the worker where Redis is the trouble. */
  consider(error: unknown): void
  stop(): void
}

export function createBreather(worker: Pick<Worker, 'pause' | 'resume'>): Breather {
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  return {
    consider(error) {
      if (timer || stopped || !readTrouble(error)) return
      void worker.pause(true).catch(() => {})
      timer = setTimeout(() => {
        timer = undefined
        void worker.resume().catch(() => {})
      }, waitOutMs)
    },
    stop() {
      stopped = true
      clearTimeout(timer)
    },
  }
}
