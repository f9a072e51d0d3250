/**
 * Every job there is, once: its name, and how it is tried again. What it carries is in job-data.ts.
 *
 * A group is what arrived together and was committed together; it is never left failed, because one that holds a
 * receipt that cannot be applied splits it out as an `apply-callback` first. So a failed job is always one callback,
 * and retrying it is replaying that callback.
 */
import type { JobsOptions } from 'bullmq'
import type { OpenReceipt, Receipt } from '../domain/receipt.ts'
import { type CallbackJob, type Sealer, sealBodies } from './job-data.ts'

export const callbackQueueName = 'callbacks'
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
