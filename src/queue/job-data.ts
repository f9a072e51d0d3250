/** What a job carries, how it is sealed and read back, and what an operator sees of it. */
import { z } from 'zod'
import { AppError } from '../domain/errors.ts'
import { type ReceiptId, readReceiptId } from '../domain/ids.ts'
import type { Asked, OpenReceipt, Receipt, ReceiptHead } from '../domain/receipt.ts'

export const groupSizeMax = 64

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

/** The bodies of a group, sealed as one for the job that will hold them. */
export function sealBodies(
  jobId: string,
  receipts: readonly OpenReceipt[],
  seal: Sealer['seal'],
): CallbackJob {
  const heads = receipts.map(({ opened: _, ...head }) => head)
  return {
    v: 2,
    receipts: heads,
    bodies: seal(joinBodies(receipts.map(({ opened }) => opened)), jobPlace(jobId)),
  }
}

/** The place that a group's bodies are sealed for. */
export const jobPlace = (jobId: string) => `job:${jobId}`

/** What the schema does not name is dropped in reading, so that it has to name every field there is. */
type Shape<T> = Record<keyof T, z.ZodType>

const askedSchema = z.object({
  source: z.enum(['query', 'submission']),
  call: z.string(),
  status: z.number(),
  reference: z.string(),
  batch: z.string().optional(),
  again: z.literal(true).optional(),
} satisfies Shape<Asked>)
const headSchema = z.object({
  id: z.string().transform((id) => id as ReceiptId),
  account: z.string(),
  receivedAt: z.number(),
  keyId: z.string(),
  digest: z.string(),
  headers: z.record(z.string(), z.string()),
  unverified: z.literal(true).optional(),
  asked: askedSchema.optional(),
} satisfies Shape<ReceiptHead>)
const ownerSchema = z.object({
  id: z.string().transform((text, context): ReceiptId => {
    const id = readReceiptId(text)
    if (id) return id
    context.addIssue({ code: 'custom', message: 'It is not a receipt’s id.' })
    return z.NEVER
  }),
  account: z.string().min(1),
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

/** Whose callbacks a job holds, also one that can otherwise not be read: what of it still says so. */
export function readOwners(data: unknown): { id: ReceiptId; account: string }[] {
  const { receipts } = Object(data) as { receipts?: unknown }
  if (!Array.isArray(receipts)) return []
  return receipts.flatMap((one: unknown) => {
    const parsed = ownerSchema.safeParse(one)
    return parsed.success ? [parsed.data] : []
  })
}

/** The receipts of a job, as it holds them: each still sealed, or all of them open. */
export function takeReceipts(
  jobId: string,
  job: CallbackJob,
  open: Sealer['open'],
): readonly Receipt[] | readonly OpenReceipt[] {
  if (job.v === 1) return job.receipts
  const bodies = splitBodies(open(job.bodies, jobPlace(jobId)))
  if (bodies.length !== job.receipts.length) throw notReadable('it holds another number of bodies')
  return job.receipts.map((head, index) => ({ ...head, opened: bodies[index] ?? Buffer.alloc(0) }))
}

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

/** A job is found by its id, and only a receipt that was split out gives its own to one. */
export async function findQueuedReceipt(
  queue: { getJob(id: string): Promise<{ data: unknown } | undefined> },
  id: ReceiptId,
): Promise<Receipt | undefined> {
  const job = await queue.getJob(id)
  const data = job && readCallbackJob(job.data)
  return data?.v === 1 ? data.receipts.find((receipt) => receipt.id === id) : undefined
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
