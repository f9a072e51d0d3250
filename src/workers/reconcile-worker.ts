/**
 * The reconcile handler on BullMQ. A group never ends up failed: a receipt of it that cannot be applied is first added,
 * durably, as a job of its own under its own id; only then does the group complete. So a failed job is always one
 * callback, and retrying it is replaying that callback. Trouble of Redis itself fails nothing and is waited out.
 */
import { type Job, UnrecoverableError, Worker } from 'bullmq'
import { AppError, asAppError } from '../domain/errors.ts'
import { backoffMs, callbackQueueName, type JobDraft, type JobName, singleJob } from '../queue/catalogue.ts'
import { type CallbackJob, readCallbackJob, type Sealer, takeReceipts } from '../queue/job-data.ts'
import type { RedisClient } from '../redis/client.ts'
import type { Logger } from '../telemetry/logger.ts'
import { type BroughtReceipt, type Reconcile, sealReceipt } from './reconcile.ts'
import {
  createBreather,
  type DelayableJob,
  leaveWhenNotCompleted,
  putBack,
  readTrouble,
  waitOutMs,
} from './wait-out.ts'

/**
 * A worker that dies leaves its jobs locked: ten seconds, then the next check gives them to another. Work in flight is
 * taken up again within fifteen seconds that way, with some to spare on a busy machine (docs/decisions/0007). A healthy
 * worker renews its locks every five seconds.
 */
export const lockMs = 10_000
export const stalledCheckMs = 2_500

/** After a lost connection. BullMQ's own fifteen seconds would be most of what a restart may take. */
const runRetryMs = 1_000

/** Being in flight while a process dies is no fault of the job. It must never fail one, however often it happens. */
const stalledCountMax = Number.MAX_SAFE_INTEGER

export interface ReconcileWorkerDeps {
  reconcile: Reconcile
  sealer: Sealer
  addJobs(jobs: JobDraft[]): Promise<unknown>
  connection: RedisClient
  prefix: string
  concurrency: number
  random: () => number
  logger: Logger
}

export interface ReconcileWorker {
  /** Lets the jobs under way finish, then stops; by force it waits for none, as when Redis is away. */
  stop(options?: { force?: boolean }): Promise<void>
}

export function createReconcileWorker(deps: ReconcileWorkerDeps): ReconcileWorker {
  const { logger } = deps
  const processor = createProcessor(deps, (error) => breather.consider(error))
  const worker = new Worker<CallbackJob, void, JobName>(callbackQueueName, processor, {
    connection: deps.connection,
    prefix: deps.prefix,
    concurrency: deps.concurrency,
    lockDuration: lockMs,
    stalledInterval: stalledCheckMs,
    maxStalledCount: stalledCountMax,
    runRetryDelay: runRetryMs,
    settings: { backoffStrategy: (attemptsMade) => backoffMs(attemptsMade, deps.random) },
  })
  const breather = createBreather(worker)
  worker.on('failed', (job, error) => {
    const final = error instanceof UnrecoverableError || (job && job.attemptsMade >= (job.opts.attempts ?? 1))
    const fields = { jobId: job?.id, attempt: job?.attemptsMade, error }
    if (final) logger.error('job.failed', fields)
    else logger.warn('job.retried', fields)
  })
  worker.on('stalled', (jobId) => logger.warn('job.stalled', { jobId }))
  worker.on('error', (error) => {
    logger.warn('worker.troubled', { error })
    breather.consider(error)
  })
  return {
    stop({ force = false } = {}) {
      breather.stop()
      return worker.close(force)
    },
  }
}

type ReadableJob = Pick<Job<CallbackJob, void, JobName>, 'id' | 'data' | 'name'>
type Processor = (job: ReadableJob & DelayableJob, token?: string) => Promise<void>

function createProcessor(
  {
    reconcile,
    sealer,
    addJobs,
    logger,
  }: Pick<ReconcileWorkerDeps, 'reconcile' | 'sealer' | 'addJobs' | 'logger'>,
  onTrouble: (error: AppError) => void,
): Processor {
  async function applyGroup(receipts: readonly BroughtReceipt[]): Promise<void> {
    const failed = await reconcile.applyAll(receipts)
    if (failed.length === 0) return
    // What is done is recorded, so the whole group may come again; splitting it would meet the same trouble.
    const troubled = failed.find(({ error }) => readTrouble(error))
    if (troubled) throw troubled.error
    await addJobs(failed.map(({ receipt }) => singleJob(sealReceipt(receipt, sealer))))
    logger.warn('callback.split-out', { receiptIds: failed.map(({ receipt }) => receipt.id) })
  }

  return async (job, token) => {
    leaveWhenNotCompleted(job)
    try {
      const receipts = takeReceipts(job.id ?? '', readCallbackJob(job.data), sealer.open)
      const [only] = receipts
      if (job.name === 'apply-callback' && only) await reconcile.applyOne(only)
      else await applyGroup(receipts)
    } catch (error) {
      const trouble = readTrouble(error)
      if (trouble) {
        logger.warn('job.put-back', { jobId: job.id, code: trouble.code })
        onTrouble(trouble)
        throw await putBack(job, token, Date.now() + waitOutMs)
      }
      if (!(error instanceof AppError)) logger.warn('job.broke', { jobId: job.id, error })
      throw toBullError(error)
    }
  }
}

/**
 * BullMQ reads one signal: this error fails the job at once, any other is tried again. Operators read what it says, so
 * only our own sentences go on; what another library says may quote what it was given, and stays in the log.
 */
function toBullError(error: unknown): Error {
  const known = asAppError(error)
  return known.retry === 'never' ? new UnrecoverableError(known.message) : new Error(known.message)
}
