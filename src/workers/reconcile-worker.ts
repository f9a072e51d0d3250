/**
 * The reconcile handler on BullMQ. A group never ends up failed: a receipt of it that cannot be applied is first added,
 * durably, as a job of its own under its own id; only then does the group complete. So a failed job is always one
 * callback, and retrying it is replaying that callback. Trouble of Redis itself fails nothing and is waited out. Before a job
 * fails for good, a person is told by a case (`failed-cases.ts`).
 */
import { type Job, UnrecoverableError, Worker } from 'bullmq'
import { AppError, asAppError } from '../domain/errors.ts'
import { backoffMs, callbackQueueName, type JobDraft, type JobName, singleJob } from '../queue/catalogue.ts'
import { type CallbackJob, readCallbackJob, type Sealer, takeReceipts } from '../queue/job-data.ts'
import type { RedisClient } from '../redis/client.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { JobOutcome, ProcessFigures } from '../telemetry/process-figures.ts'
import { createFailedCases, type FailedCases, type FailedCasesDeps, failsForGood } from './failed-cases.ts'
import { type BroughtReceipt, sealReceipt } from './observe.ts'
import type { ApplyReceipts } from './share-rounds.ts'
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
  reconcile: ApplyReceipts
  sealer: Sealer
  addJobs(jobs: JobDraft[]): Promise<unknown>
  cases: FailedCasesDeps['cases']
  connection: RedisClient
  prefix: string
  concurrency: number
  random: () => number
  figures?: Pick<ProcessFigures, 'job'>
  logger: Logger
}

export interface ReconcileWorker {
  /** Lets the jobs under way finish, then stops; by force it waits for none, as when Redis is away. */
  stop(options?: { force?: boolean }): Promise<void>
}

export function createReconcileWorker(deps: ReconcileWorkerDeps): ReconcileWorker {
  const { logger } = deps
  const failedCases = createFailedCases(deps)
  const processor = createProcessor({ ...deps, failedCases }, (error) => breather.consider(error))
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

type ReadableJob = Pick<Job<CallbackJob, void, JobName>, 'id' | 'data' | 'name' | 'attemptsMade' | 'opts'>
type Processor = (job: ReadableJob & DelayableJob, token?: string) => Promise<void>

function createProcessor(
  {
    reconcile,
    sealer,
    addJobs,
    failedCases,
    figures,
    logger,
  }: Pick<ReconcileWorkerDeps, 'reconcile' | 'sealer' | 'addJobs' | 'figures' | 'logger'> & {
    failedCases: FailedCases
  },
  onTrouble: (error: AppError) => void,
): Processor {
  /** Returns those that were applied. */
  async function applyGroup(receipts: readonly BroughtReceipt[]): Promise<readonly BroughtReceipt[]> {
    const failed = await reconcile.applyAll(receipts)
    if (failed.length === 0) return receipts
    // What is done is recorded, so the whole group may come again; splitting it would meet the same trouble.
    const troubled = failed.find(({ error }) => readTrouble(error))
    if (troubled) throw troubled.error
    await addJobs(failed.map(({ receipt }) => singleJob(sealReceipt(receipt, sealer))))
    logger.warn('callback.split-out', { receiptIds: failed.map(({ receipt }) => receipt.id) })
    const left = new Set(failed.map(({ receipt }) => receipt.id))
    return receipts.filter(({ id }) => !left.has(id))
  }

  async function apply(job: ReadableJob): Promise<void> {
    const receipts = takeReceipts(job.id ?? '', readCallbackJob(job.data), sealer.open)
    const [only] = receipts
    if (job.name === 'apply-callback' && only) {
      await reconcile.applyOne(only)
      await failedCases.settle([only])
      return
    }
    const applied = await applyGroup(receipts)
    // A group has cases only where it has failed before. Any other asks for none, so they cost it nothing.
    if (job.attemptsMade > 0) await failedCases.settle(applied)
  }

  async function putBackFor(job: ReadableJob & DelayableJob, token: string | undefined, error: unknown) {
    const trouble = readTrouble(error)
    logger.warn('job.put-back', { jobId: job.id, code: asAppError(trouble ?? error).code })
    if (trouble) onTrouble(trouble)
    return putBack(job, token, Date.now() + waitOutMs)
  }

  /** Nothing when it is done; else how the run ends, and what BullMQ is to be told. */
  async function run(
    job: ReadableJob & DelayableJob,
    token: string | undefined,
  ): Promise<{ outcome: JobOutcome; thrown?: unknown }> {
    try {
      await apply(job)
      return { outcome: 'completed' }
    } catch (error) {
      if (readTrouble(error)) return { outcome: 'put-back', thrown: await putBackFor(job, token, error) }
      if (!(error instanceof AppError)) logger.warn('job.broke', { jobId: job.id, error })
      if (!failsForGood(job, error)) return { outcome: 'retried', thrown: toBullError(error) }
      // Whatever is in the way of its case is in the way of its failing.
      const unopened = await failedCases.open(job, error)
      if (unopened) return { outcome: 'put-back', thrown: await putBackFor(job, token, unopened.error) }
      return { outcome: 'failed', thrown: toBullError(error) }
    }
  }

  return async (job, token) => {
    leaveWhenNotCompleted(job)
    const startedAt = performance.now()
    const { outcome, thrown } = await run(job, token)
    figures?.job({ queue: callbackQueueName, outcome, ms: performance.now() - startedAt })
    if (thrown) throw thrown
  }
}

/**
 * BullMQ reads one signal: this error fails the job at once, any other is tried again. Operators read what it says, so
 * only our own sentences go on; what another library says may quote what it was given, and stays in the log.
 */
function toBullError(error: unknown): Error {
  const known = asAppError(error)
  const bull = known.retry === 'never' ? new UnrecoverableError(known.message) : new Error(known.message)
  // The board shows the stack, which would begin with a name of BullMQ's and lead here; where it broke is in the log.
  bull.stack = known.message
  return bull
}
