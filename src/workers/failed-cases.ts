/**
 * No job is failed without a case: its cases are opened first, durably, and only then does it fail. If a process dies in
 * between, the job is taken up again, and opens them again, which changes nothing. The other way round an applied receipt
 * leaves no case open: the cases are settled before the job completes.
 *
 * A job of one callback has one case. A group fails for good only where it cannot be read or unsealed as a whole; each of its
 * receipts that still says whose it is has a case then. A job that says of none is failed all the same, with an error in
 * the log.
 */
import type { Job } from 'bullmq'
import { asAppError } from '../domain/errors.ts'
import type { ReceiptHead } from '../domain/receipt.ts'
import { readOwners } from '../queue/job-data.ts'
import type { Cases } from '../store/cases.ts'
import type { Logger } from '../telemetry/logger.ts'
import { readTrouble } from './wait-out.ts'

export interface FailedCasesDeps {
  cases: Pick<Cases, 'open' | 'settle'>
  logger: Logger
}

export interface FailedCases {
  /** Returns what was in the way of one of them, if anything: then the job must not fail yet. */
  open(job: Pick<Job, 'id' | 'data'>, error: unknown): Promise<{ error: unknown } | undefined>
  /** These receipts are applied. */
  settle(receipts: readonly Pick<ReceiptHead, 'id' | 'account'>[]): Promise<void>
}

export function createFailedCases({ cases, logger }: FailedCasesDeps): FailedCases {
  return {
    async open(job, error) {
      const { code, detail } = asAppError(error)
      const owners = readOwners(job.data)
      if (owners.length === 0) logger.error('case.not-possible', { jobId: job.id, code })
      try {
        await Promise.all(
          owners.map(async ({ id, account }) => {
            const outcome = await cases.open({ account, receipt: id, code, reason: detail })
            logger.error('case.opened', { receiptId: id, account, code, outcome })
          }),
        )
        return undefined
      } catch (unopened) {
        const level = readTrouble(unopened) ? 'warn' : 'error'
        logger[level]('case.not-opened', { jobId: job.id, code, error: unopened })
        return { error: unopened }
      }
    },

    async settle(receipts) {
      await Promise.all(
        receipts.map(async ({ id, account }) => {
          const outcome = await cases.settle(id)
          if (outcome === 'resolved') logger.info('case.resolved', { receiptId: id, account, by: 'applied' })
        }),
      )
    },
  }
}

/** As BullMQ will see it once it is told of the error: it never passes, or this was the last attempt. */
export function failsForGood(
  { attemptsMade, opts }: Pick<Job, 'attemptsMade' | 'opts'>,
  error: unknown,
): boolean {
  return asAppError(error).retry === 'never' || attemptsMade + 1 >= (opts.attempts ?? 1)
}
