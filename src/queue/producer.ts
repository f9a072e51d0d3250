/**
 * Group commit. Callbacks that arrive together become one job and share one write and one fsync: while a write is
 * under way the next arrivals gather, so the group grows with the load and is of one receipt when it is quiet.
 *
 * `enqueue` settles after Redis has answered for the job that holds the receipt, which with `appendfsync always` is
 * after the fsync. An error or a lost answer rejects every member of the group: its outcome is unknown, the provider
 * is told to come again, and a repeat changes nothing.
 */
import { AppError, asAppError } from '../domain/errors.ts'
import type { IdMaker } from '../domain/ids.ts'
import type { Receipt } from '../domain/receipt.ts'
import { within } from '../telemetry/within.ts'
import { groupBytesMax, groupJob, groupSizeMax, type JobDraft } from './catalogue.ts'

export interface ProducerDeps {
  addJobs(jobs: JobDraft[]): Promise<unknown>
  ids: IdMaker
  /** Receipts that wait or are being written; beyond it the caller is told to come again. */
  inFlightMax: number
  /** And their bytes, so that large bodies cannot fill the memory while Redis hangs. */
  inFlightBytesMax: number
  /** A write that has not answered by then counts as lost, so that it does not hold up those behind it. */
  writeMsMax: number
}

export interface CallbackProducer {
  /** The signal is the caller's patience: a receipt still waiting when it ends is not written at all. */
  enqueue(receipt: Receipt, signal?: AbortSignal): Promise<void>
  /** Resolves when nothing is under way. */
  drain(): Promise<void>
  inFlight(): number
}

interface Waiting {
  receipt: Receipt
  signal: AbortSignal | undefined
  resolve(): void
  reject(error: AppError): void
}

export function createCallbackProducer(deps: ProducerDeps): CallbackProducer {
  let waiting: Waiting[] = []
  let writing: Promise<void> | undefined
  let inFlight = 0
  let inFlightBytes = 0

  async function writeAll(): Promise<void> {
    // Everything of this turn of the event loop joins the first group.
    await new Promise((resolve) => setImmediate(resolve))
    while (waiting.length > 0) {
      const taken = waiting
      waiting = []
      await write(taken.filter(stillWanted))
    }
    writing = undefined
  }

  async function write(members: Waiting[]): Promise<void> {
    if (members.length === 0) return
    const groups = groupReceipts(members.map(({ receipt }) => receipt))
    try {
      await within(
        deps.writeMsMax,
        deps.addJobs(groups.map((receipts) => groupJob(deps.ids.jobId(), receipts))),
      )
      for (const member of members) member.resolve()
    } catch (error) {
      const unknown = new AppError('not-durable-yet', { cause: asAppError(error).cause ?? error })
      for (const member of members) member.reject(unknown)
    }
  }

  return {
    async enqueue(receipt, signal) {
      const bytes = receipt.body.length
      if (inFlight >= deps.inFlightMax || inFlightBytes + bytes > deps.inFlightBytesMax) {
        throw new AppError('too-many-in-flight')
      }
      inFlight++
      inFlightBytes += bytes
      try {
        await new Promise<void>((resolve, reject) => {
          waiting.push({ receipt, signal, resolve, reject })
          writing ??= writeAll()
        })
      } finally {
        inFlight--
        inFlightBytes -= bytes
      }
    },
    async drain() {
      while (inFlight > 0 && writing !== undefined) await writing
    },
    inFlight: () => inFlight,
  }
}

function stillWanted(member: Waiting): boolean {
  if (!member.signal?.aborted) return true
  member.reject(new AppError('not-durable-yet'))
  return false
}

/** In order of arrival, at most 64 to a job and about 1 MiB. */
export function groupReceipts(receipts: readonly Receipt[]): Receipt[][] {
  const groups: Receipt[][] = []
  let bytes = 0
  for (const receipt of receipts) {
    const current = groups.at(-1)
    bytes += receipt.body.length
    if (!current || current.length >= groupSizeMax || bytes > groupBytesMax) {
      groups.push([receipt])
      bytes = receipt.body.length
    } else {
      current.push(receipt)
    }
  }
  return groups
}
