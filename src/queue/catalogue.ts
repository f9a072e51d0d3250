/**
 * Every job there is, once: its name, what it carries and how it is tried again.
 *
 * A group is what arrived together and was committed together; it is never left failed, because one that holds a
 * receipt that cannot be applied splits it out as an `apply-callback` first. So a failed job is always one callback,
 * and retrying it is replaying that callback.
 */
import type { JobsOptions } from 'bullmq'
import { z } from 'zod'
import { AppError } from '../domain/errors.ts'
import type { ReceiptId } from '../domain/ids.ts'
import type { Receipt } from '../domain/receipt.ts'

export const callbackQueueName = 'callbacks'
export const backoffName = 'tallyhook'

export const groupSizeMax = 64

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

export interface CallbackJob {
  v: 1
  receipts: Receipt[]
}

export interface JobDraft {
  name: JobName
  data: CallbackJob
  opts: JobsOptions & { jobId: string }
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

const receiptSchema = z.object({
  id: z.string().transform((id) => id as ReceiptId),
  account: z.string(),
  receivedAt: z.number(),
  keyId: z.string(),
  digest: z.string(),
  headers: z.record(z.string(), z.string()),
  body: z.string(),
  unverified: z.literal(true).optional(),
})
const jobSchema = z.object({ v: z.literal(1), receipts: z.array(receiptSchema).min(1).max(groupSizeMax) })

export function readCallbackJob(data: unknown): CallbackJob {
  const parsed = jobSchema.safeParse(data)
  if (parsed.success) return parsed.data
  const where = parsed.error.issues.map((issue) => issue.path.join('.')).join(', ')
  throw new AppError('job-not-readable', {
    detail: `The job is not readable by this version (at ${where || 'the root'}).`,
  })
}

/** A job is found by its id, and only a receipt that was split out gives its own to one. */
export async function findQueuedReceipt(
  queue: { getJob(id: string): Promise<{ data: unknown } | undefined> },
  id: ReceiptId,
): Promise<Receipt | undefined> {
  const job = await queue.getJob(id)
  return job && readCallbackJob(job.data).receipts.find((receipt) => receipt.id === id)
}

/** What an operator sees of a job's data: everything but the sealed body, of which only the size. */
export function maskJobData(data: unknown): unknown {
  const parsed = jobSchema.safeParse(data)
  if (!parsed.success) return { masked: 'This data is not of a form that can be shown.' }
  return {
    v: parsed.data.v,
    receipts: parsed.data.receipts.map(({ id, account, receivedAt, keyId, digest, body }) => ({
      id,
      account,
      receivedAt: new Date(receivedAt).toISOString(),
      keyId,
      digest,
      body: `sealed, ${body.length} characters`,
    })),
  }
}
