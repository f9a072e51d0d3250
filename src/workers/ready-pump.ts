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
import { type Rounds, startRounds } from './rounds.ts'

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

/** Runs the pump now and then on. */
export function startSweep(pump: ReadyPump, intervalMs: number, logger: Logger): Rounds {
  const round = async () => {
    const pumped = await pump()
    if (pumped > 0) logger.info('ready.pumped', { receipts: pumped })
  }
  return startRounds({ round, intervalMs, failed: 'ready.not-pumped', logger })
}
