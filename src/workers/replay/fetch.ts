/** Brings the receipt of a step from where it lies by now: it may have moved on since it was chosen. */
import type { ReplayStep } from '../../domain/callback-replay.ts'
import { AppError, asAppError } from '../../domain/errors.ts'
import { readCallbackJob, type Sealer, takeReceipts } from '../../queue/job-data.ts'
import type { Parked } from '../../store/parked.ts'
import type { OpenBody, ReceiptFinder } from '../../store/receipts.ts'
import { headOf } from '../case-receipts.ts'
import type { BroughtReceipt } from '../observe.ts'
import { readTrouble } from '../wait-out.ts'
import type { FailedJobs } from './failed-jobs.ts'

export interface FetchDeps {
  jobs: Pick<FailedJobs, 'read'>
  parked: Pick<Parked, 'find'>
  receipts: ReceiptFinder
  openBody: OpenBody
  sealer: Sealer
}

/** Throws only where Redis is the trouble. */
export type FetchReceipt = (step: ReplayStep) => Promise<BroughtReceipt | AppError>

export function createFetchReceipt(deps: FetchDeps): FetchReceipt {
  const { jobs, parked, receipts, openBody, sealer } = deps

  /** Of a group that was taken up again meanwhile each that failed is a job of its own, under its own id. */
  async function fromJobs({ job, receipt }: ReplayStep): Promise<BroughtReceipt | undefined> {
    return (job && (await fromJob(job, receipt))) || fromJob(receipt, receipt)
  }

  async function fromJob(job: string, receipt: string): Promise<BroughtReceipt | undefined> {
    const data = await jobs.read(job)
    if (data === undefined) return undefined
    const held: readonly BroughtReceipt[] = takeReceipts(job, readCallbackJob(data), sealer.open)
    return held.find(({ id }) => id === receipt)
  }

  async function fromStore({ receipt }: ReplayStep): Promise<BroughtReceipt | undefined> {
    const found = await receipts.find(receipt)
    if (!found) return undefined
    if (found.where === 'ready') return found.receipt
    const opened = await openBody(found.receipt)
    if (opened) return { ...headOf(found.receipt), opened }
    throw new AppError('receipt-erased', { detail: 'What this callback said was erased. Ask the provider.' })
  }

  return async (step) => {
    try {
      const waiting = step.parked && (await parked.find(step.parked, step.receipt))
      const found = waiting ?? (await fromJobs(step)) ?? (await fromStore(step))
      return found ?? new AppError('not-found', { detail: 'There is no receipt with this id any more.' })
    } catch (error) {
      if (readTrouble(error)) throw error
      return asAppError(error)
    }
  }
}
