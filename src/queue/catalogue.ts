/**
 * Every job there is, once: its name, and how it is tried again. What it carries is in job-data.ts.
 *
 * A group is what arrived together and was committed together; it is never left failed, because one that holds a
 * receipt that cannot be applied splits it out as an `apply-callback` first. So a failed job is always one callback,
 * and retrying it is replaying that callback.
 */
import type { JobsOptions } from 'bullmq'
import type { RunId, SubscriptionId } from '../domain/ids.ts'
import type { OpenReceipt, Receipt } from '../domain/receipt.ts'
import { type CallbackJob, type Sealer, sealBodies } from './job-data.ts'

export const callbackQueueName = 'callbacks'
export const deliveryQueueName = 'deliveries'
export const backoffName = 'tallyhook'

/** A group's bytes are bounded too: 64 bodies of 256 KiB would make one job of 22 MB. */
export const groupBytesMax = 1024 * 1024

export type JobName = 'apply-callbacks' | 'apply-callback'

const keep: JobsOptions = { removeOnComplete: true, removeOnFail: false, backoff: { type: backoffName } }

export const jobOptions: Record<JobName, JobsOptions> = {
  // Only trouble with Redis itself fails a group, and it has to outlast any such trouble.
  'apply-callbacks': { ...keep, attempts: Number.MAX_SAFE_INTEGER },
  // About five minutes of trying; then a person looks.
  'apply-callback': { ...keep, attempts: 12 },
}

const backoffMsFirst = 250
const backoffMsMax = 60_000

/** Doubling, with half of it left to chance, so that jobs that failed together do not come back together. */
export function backoffMs(attemptsMade: number, random: () => number): number {
  const full = Math.min(backoffMsFirst * 2 ** Math.min(attemptsMade - 1, 20), backoffMsMax)
  return Math.round(full / 2 + (full / 2) * random())
}

export interface JobDraft {
  name: JobName
  data: CallbackJob
  opts: JobsOptions & { jobId: string }
}

export function sealedGroupJob(
  jobId: string,
  receipts: readonly OpenReceipt[],
  seal: Sealer['seal'],
): JobDraft {
  return {
    name: 'apply-callbacks',
    data: sealBodies(jobId, receipts, seal),
    opts: { ...jobOptions['apply-callbacks'], jobId },
  }
}

export function groupJob(jobId: string, receipts: Receipt[]): JobDraft {
  return draft('apply-callbacks', jobId, receipts)
}

/** Under the receipt's own id: splitting it out a second time, after a crash, adds nothing. */
export function singleJob(receipt: Receipt): JobDraft {
  return draft('apply-callback', receipt.id, [receipt])
}

function draft(name: JobName, jobId: string, receipts: Receipt[]): JobDraft {
  return { name, data: { v: 1, receipts }, opts: { ...jobOptions[name], jobId } }
}

/**
 * A turn at delivering: it says whose it is, and nothing else. What is to be sent and how far one has come is the run's own
 * (`store/runs.ts`).
 */
export interface TurnJob {
  v: 1
  run: RunId
  subscription: SubscriptionId
  partition: number
}

export interface TurnDraft {
  name: 'deliver'
  data: TurnJob
  opts: JobsOptions & { jobId: string }
}

/**
 * Its id is derived, as no callback's may be: adding it while there is one does nothing, so there is one turn of each run
 * and partition at a time. It carries nothing that could be lost by that; and neither a finished nor a failed one is
 * kept, which would keep the next from being added.
 */
export function turnJob(run: RunId, subscription: SubscriptionId, partition: number): TurnDraft {
  return {
    name: 'deliver',
    data: { v: 1, run, subscription, partition },
    opts: {
      jobId: turnIdOf(run, partition),
      removeOnComplete: true,
      removeOnFail: true,
      attempts: Number.MAX_SAFE_INTEGER,
      backoff: { type: backoffName },
    },
  }
}

export function turnIdOf(run: RunId, partition: number): string {
  return `${run}-p${partition}`
}
