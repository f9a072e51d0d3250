/** The failed jobs of the callbacks' queue, as a replay reads them and lets go of them. */
import type { Job, Queue } from 'bullmq'
import { type ErrorCode, errorCodes } from '../../domain/errors.ts'
import type { ReceiptId } from '../../domain/ids.ts'
import { readOwners } from '../../queue/job-data.ts'

export interface FailedJob {
  id: string
  /** Of one callback, but where a whole group could not be read or unsealed. */
  holds: { id: ReceiptId; account: string }[]
  code: ErrorCode | undefined
}

export interface FailedJobs {
  /** Oldest first, some at a time. */
  list(): AsyncGenerator<FailedJob[]>
  /** Undefined where it is gone, or has not failed. */
  find(id: string): Promise<FailedJob | undefined>
  /** What it holds, whatever its state. */
  read(id: string): Promise<unknown>
  /** Its callback was applied, durably. Does nothing where somebody else has it in hand. */
  remove(id: string): Promise<void>
  /** The workers take it up again, with all its attempts before it. */
  retry(id: string): Promise<void>
  /** For who looks at it in Bull Board. Does nothing where it is gone. */
  note(id: string, text: string): Promise<void>
}

const pageSize = 200
const notesKept = 20

export function createFailedJobs(queue: Queue): FailedJobs {
  async function findFailed(id: string): Promise<Job | undefined> {
    const job: Job | undefined = await queue.getJob(id)
    return job && (await job.isFailed()) ? job : undefined
  }

  return {
    async *list() {
      for (let from = 0; ; from += pageSize) {
        const jobs = await queue.getJobs(['failed'], from, from + pageSize - 1, true)
        yield jobs.flatMap((job) => (job ? [describe(job)] : []))
        if (jobs.length < pageSize) return
      }
    },
    async find(id) {
      const job = await findFailed(id)
      return job && describe(job)
    },
    async read(id) {
      const job: Job | undefined = await queue.getJob(id)
      return job?.data
    },
    async remove(id) {
      const job = await findFailed(id)
      // Between the two it may have been retried by hand: who works on it finds its receipt recorded, and completes it.
      await job?.remove().catch((error: unknown) => refuseUnlessTaken(error))
    },
    async retry(id) {
      const job = await findFailed(id)
      await job
        ?.retry('failed', { resetAttemptsMade: true })
        .catch((error: unknown) => refuseUnlessTaken(error))
    },
    async note(id, text) {
      const isThere = (await findFailed(id)) !== undefined
      if (isThere)
        await queue.addJobLog(id, text, notesKept).catch((error: unknown) => refuseUnlessTaken(error))
    },
  }
}

/** BullMQ says so of a job that is locked, or not in the state any more that it was in. */
function refuseUnlessTaken(error: unknown): void {
  const message = error instanceof Error ? error.message : ''
  if (!/locked|not in the failed state|Missing key for job/i.test(message)) throw error
}

function describe({ id = '', data, failedReason }: Job): FailedJob {
  const code = /^([a-z-]+): /.exec(failedReason ?? '')?.[1] ?? ''
  return { id, holds: readOwners(data), code: code in errorCodes ? (code as ErrorCode) : undefined }
}
