/**
 * Puts on the queue what became ready when its transfer was registered. The registration does so itself at once; this
 * sweep is for the case that the process died in between.
 *
 * The jobs are minted, not named for their receipts: the job that parked a receipt may bear its name and not have ended
 * yet, and adding another of that name would do nothing. Applying a receipt twice changes nothing.
 */

import type { IdMaker } from '../domain/ids.ts'
import type { Receipt } from '../domain/receipt.ts'
import { groupJob, type JobDraft } from '../queue/catalogue.ts'
import { groupReceipts } from '../queue/producer.ts'
import type { ReadyReceipts } from '../store/ready-receipts.ts'
import type { Logger } from '../telemetry/logger.ts'

export interface ReadyPumpDeps {
  ready: ReadyReceipts
  addJobs(jobs: JobDraft[]): Promise<unknown>
  ids: Pick<IdMaker, 'jobId'>
}

export type ReadyPump = () => Promise<number>

export function createReadyPump({ ready, addJobs, ids }: ReadyPumpDeps): ReadyPump {
  const enqueue = async (receipts: Receipt[]) => {
    const groups = groupReceipts(receipts, ({ body }) => body.length)
    await addJobs(groups.map((group) => groupJob(ids.jobId(), group)))
  }
  return () => ready.pump(enqueue)
}

const sweepNames = {
  ready: { done: 'ready.pumped', failed: 'ready.not-pumped' },
  links: { done: 'links.finished', failed: 'links.not-finished' },
} as const

/** Runs the work now and then on; a round that fails is simply followed by the next. */
export function startSweep(
  work: () => Promise<number>,
  intervalMs: number,
  logger: Logger,
  about: keyof typeof sweepNames = 'ready',
): { stop(options?: { force?: boolean }): Promise<void> } {
  let round: Promise<void> = Promise.resolve()
  let busy = false

  const run = async () => {
    busy = true
    try {
      const count = await work()
      if (count > 0) logger.info(sweepNames[about].done, { count })
    } catch (error) {
      logger.warn(sweepNames[about].failed, { error })
    } finally {
      busy = false
    }
  }
  const tick = () => {
    if (!busy) round = run()
  }
  tick()
  const timer = setInterval(tick, intervalMs)
  return {
    async stop({ force = false } = {}) {
      clearInterval(timer)
      if (!force) await round
    },
  }
}
