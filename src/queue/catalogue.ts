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
import type { OpenReceipt, Receipt, ReceiptHead } from '../domain/receipt.ts'

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

/**
 * Two forms. What was parked or split out holds receipts that are each sealed by itself (1); what a group commit wrote
 * holds their bodies sealed together (2), since a seal for each was a tenth of what a callback cost the receiver.
 */
export type CallbackJob = { v: 1; receipts: Receipt[] } | { v: 2; receipts: ReceiptHead[]; bodies: string }

/** What this folder needs of the keyring. */
export interface Sealer {
  seal(plain: Uint8Array, place: string): string
  open(sealed: string, place: string): Buffer
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
  const heads = receipts.map(({ opened: _, ...head }) => head)
  const bodies = seal(joinBodies(receipts.map(({ opened }) => opened)), placeOf(jobId))
  return {
    name: 'apply-callbacks',
    data: { v: 2, receipts: heads, bodies },
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

const headSchema = z.object({
  id: z.string().transform((id) => id as ReceiptId),
  account: z.string(),
  receivedAt: z.number(),
  keyId: z.string(),
  digest: z.string(),
  headers: z.record(z.string(), z.string()),
  unverified: z.literal(true).optional(),
})
const jobSchema = z.discriminatedUnion('v', [
  z.object({
    v: z.literal(1),
    receipts: z
      .array(headSchema.extend({ body: z.string() }))
      .min(1)
      .max(groupSizeMax),
  }),
  z.object({ v: z.literal(2), receipts: z.array(headSchema).min(1).max(groupSizeMax), bodies: z.string() }),
])

export function readCallbackJob(data: unknown): CallbackJob {
  const parsed = jobSchema.safeParse(data)
  if (parsed.success) return parsed.data
  const where = parsed.error.issues.map((issue) => issue.path.join('.')).join(', ')
  throw notReadable(`at ${where || 'the root'}`)
}

/** The receipts of a job, as it holds them: each still sealed, or all of them open. */
export function takeReceipts(
  jobId: string,
  job: CallbackJob,
  open: Sealer['open'],
): readonly Receipt[] | readonly OpenReceipt[] {
  if (job.v === 1) return job.receipts
  const bodies = splitBodies(open(job.bodies, placeOf(jobId)))
  if (bodies.length !== job.receipts.length) throw notReadable('it holds another number of bodies')
  return job.receipts.map((head, index) => ({ ...head, opened: bodies[index] ?? Buffer.alloc(0) }))
}

const placeOf = (jobId: string) => `job:${jobId}`

const lengthBytes = 4

/** Each behind its length. */
function joinBodies(bodies: readonly Buffer[]): Buffer {
  const joined = Buffer.allocUnsafe(bodies.reduce((sum, body) => sum + lengthBytes + body.length, 0))
  let at = 0
  for (const body of bodies) {
    at = joined.writeUInt32BE(body.length, at)
    at += body.copy(joined, at)
  }
  return joined
}

function splitBodies(joined: Buffer): Buffer[] {
  const bodies: Buffer[] = []
  for (let at = 0; at + lengthBytes <= joined.length; ) {
    const from = at + lengthBytes
    at = from + joined.readUInt32BE(at)
    bodies.push(joined.subarray(from, at))
  }
  return bodies
}

function notReadable(why: string): AppError {
  return new AppError('job-not-readable', { detail: `The job is not readable by this version (${why}).` })
}

/** What an operator sees of a job's data: everything but headers and sealed bodies, of which only the size. */
export function maskJobData(data: unknown): unknown {
  const parsed = jobSchema.safeParse(data)
  if (!parsed.success) return { masked: 'This data is not of a form that can be shown.' }
  const job = parsed.data
  const sealed = (text: string) => `sealed, ${text.length} characters`
  return {
    v: job.v,
    receipts: job.receipts.map((receipt) => ({
      id: receipt.id,
      account: receipt.account,
      receivedAt: new Date(receipt.receivedAt).toISOString(),
      keyId: receipt.keyId,
      digest: receipt.digest,
      ...('body' in receipt && { body: sealed(receipt.body) }),
    })),
    ...(job.v === 2 && { bodies: sealed(job.bodies) }),
  }
}
