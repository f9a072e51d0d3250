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
import type { OpenReceipt } from '../domain/receipt.ts'
import type { Patience } from '../telemetry/patience.ts'
import { within } from '../telemetry/within.ts'
import { groupBytesMax, type JobDraft, sealedGroupJob } from './catalogue.ts'
import { groupSizeMax, type Sealer } from './job-data.ts'

export interface ProducerDeps {
  addJobs(jobs: JobDraft[]): Promise<unknown>
  seal: Sealer['seal']
  ids: IdMaker
  /** Receipts that wait or are being written; beyond it the caller is told to come again. */
  inFlightMax: number
  /** And their bytes, so that large bodies cannot fill the memory while Redis hangs. */
  inFlightBytesMax: number
  /** A write that has not answered by then counts as lost, so that it does not hold up those behind it. */
  writeMsMax: number
}

export interface CallbackProducer {
  /**
   * Rejects when the caller's patience is over, though the write may still be under way: its outcome is unknown to the
   * caller then. A receipt that has not begun to be written by that time is not written at all.
   */
  enqueue(receipt: OpenReceipt, patience?: Patience): Promise<void>
  /** Resolves when nothing is under way. */
  drain(): Promise<void>
  inFlight(): number
}

interface Waiting {
  receipt: OpenReceipt
  patience: Patience | undefined
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
      await write(taken.filter(({ patience }) => !patience?.over))
      for (const { receipt } of taken) inFlightBytes -= sizeOf(receipt)
      inFlight -= taken.length
    }
    writing = undefined
  }

  /** A member whose caller has given up meanwhile was told so; settling it again does nothing. */
  async function write(members: Waiting[]): Promise<void> {
    if (members.length === 0) return
    const groups = groupReceipts(
      members.map(({ receipt }) => receipt),
      sizeOf,
    )
    try {
      await within(
        deps.writeMsMax,
        deps.addJobs(groups.map((receipts) => sealedGroupJob(deps.ids.jobId(), receipts, deps.seal))),
      )
      for (const member of members) member.resolve()
    } catch (error) {
      const unknown = new AppError('not-durable-yet', { cause: asAppError(error).cause ?? error })
      for (const member of members) member.reject(unknown)
    }
  }

  return {
    enqueue(receipt, patience) {
      const bytes = sizeOf(receipt)
      if (inFlight >= deps.inFlightMax || inFlightBytes + bytes > deps.inFlightBytesMax) {
        return Promise.reject(new AppError('too-many-in-flight'))
      }
      inFlight++
      inFlightBytes += bytes
      return new Promise<void>((resolve, reject) => {
        waiting.push({ receipt, patience, resolve, reject })
        patience?.onOver(() => reject(new AppError('not-durable-yet')))
        writing ??= writeAll()
      })
    },
    async drain() {
      while (inFlight > 0 && writing !== undefined) await writing
    },
    inFlight: () => inFlight,
  }
}

const sizeOf = ({ opened }: OpenReceipt) => opened.length

/** In order of arrival, at most 64 to a job and about 1 MiB. */
export function groupReceipts<Each>(receipts: readonly Each[], sizeOf: (receipt: Each) => number): Each[][] {
  const groups: Each[][] = []
  let bytes = 0
  for (const receipt of receipts) {
    const current = groups.at(-1)
    bytes += sizeOf(receipt)
    if (!current || current.length >= groupSizeMax || bytes > groupBytesMax) {
      groups.push([receipt])
      bytes = sizeOf(receipt)
    } else {
      current.push(receipt)
    }
  }
  return groups
}
