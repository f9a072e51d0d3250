/**
 * Does the steps of a replay, some at a time and in their order. Each is keyed by its receipt's id: the commit answers what
 * became of one that is recorded, so after a crash the steps since the last note are simply done again. A failed job goes
 * only once its callback is applied or parked, durably, and its case is settled; so it is there, or its receipt is in the store.
 */
import type { ReplayFailure, ReplayOutcome, ReplayStep } from '../../domain/callback-replay.ts'
import { AppError } from '../../domain/errors.ts'
import type { Cases } from '../../store/cases.ts'
import type { Parked } from '../../store/parked.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { createFailedCases } from '../failed-cases.ts'
import type { BroughtReceipt } from '../observe.ts'
import type { ReconcileEach } from '../reconcile.ts'
import type { Applied } from '../round.ts'
import { readTrouble } from '../wait-out.ts'
import type { FailedJobs } from './failed-jobs.ts'
import type { FetchReceipt } from './fetch.ts'
import { tellsCase } from './foresee.ts'
import { isOfFailed } from './replays.ts'

export interface RunStepsDeps {
  fetch: FetchReceipt
  reconcile: Pick<ReconcileEach, 'applyEach'>
  jobs: Pick<FailedJobs, 'remove' | 'retry' | 'note'>
  parked: Pick<Parked, 'release'>
  cases: Pick<Cases, 'open' | 'settle'>
  logger: Logger
}

export interface StepsDone {
  outcomes: ReplayOutcome[]
  failures: ReplayFailure[]
}

/** Throws where Redis is the trouble: then they are to be done again. */
export type RunSteps = (steps: readonly ReplayStep[]) => Promise<StepsDone>

type Result = Applied | AppError

/** What may pass in a moment is tried so often before it counts as failed. */
const triesMax = 3

export function createRunSteps(deps: RunStepsDeps): RunSteps {
  const { jobs, parked, cases } = deps
  const failedCases = createFailedCases(deps)

  async function applyAll(fetched: readonly (BroughtReceipt | AppError)[]): Promise<Result[]> {
    const results: Result[] = fetched.map((one) =>
      one instanceof AppError ? one : new AppError('internal-error'),
    )
    let left = fetched.flatMap((receipt, i) => (receipt instanceof AppError ? [] : [{ i, receipt }]))
    for (let tries = 1; left.length > 0; tries++) {
      const applied = await deps.reconcile.applyEach(left.map(({ receipt }) => receipt))
      for (const [n, { i }] of left.entries()) results[i] = applied[n] ?? new AppError('internal-error')
      const troubled = applied.find((one) => readTrouble(one))
      if (troubled) throw troubled
      left = tries < triesMax ? left.filter(({ i }) => mayPass(results[i])) : []
    }
    return results
  }

  async function finish(step: ReplayStep, applied: Applied): Promise<void> {
    const { receipt, account, job } = step
    if (isOfFailed(step)) await failedCases.settle([{ id: receipt, account }])
    if (job !== undefined && !step.among) await jobs.remove(job)
    // Where it waits still, it stays.
    const waits = applied.outcome === 'parked' && applied.intentId === step.parked
    if (step.parked && !waits) await parked.release(step.parked, receipt)
  }

  async function noteFailure(step: ReplayStep, error: AppError): Promise<ReplayFailure> {
    const { receipt, account, job } = step
    const { code, detail } = error
    if (isOfFailed(step) && tellsCase(error)) await cases.open({ account, receipt, code, reason: detail })
    if (job !== undefined) await jobs.note(job, `Replayed, and failed again: ${code}: ${detail}`)
    return { receipt, account, code, reason: detail }
  }

  /**
   * One that holds several is not taken apart here: the workers take it up again once all of them have been replayed, find
   * them recorded, and split out those that failed as jobs of their own.
   */
  async function finishGroup({ job, last }: ReplayStep, result: Result): Promise<void> {
    if (job === undefined || !last || (result instanceof AppError && unreadable.has(result.code))) return
    await jobs.retry(job)
  }

  return async (steps) => {
    const fetched = await Promise.all(steps.map(deps.fetch))
    const results = await applyAll(fetched)
    const failures: ReplayFailure[] = []
    const outcomes = await Promise.all(
      steps.map(async (step, i): Promise<ReplayOutcome> => {
        const result = results[i] ?? new AppError('internal-error')
        if (result instanceof AppError) failures.push(await noteFailure(step, result))
        else await finish(step, result)
        await finishGroup(step, result)
        return result instanceof AppError ? 'failed' : result.outcome
      }),
    )
    return { outcomes, failures }
  }
}

/** The group is as it was. */
const unreadable: ReadonlySet<string> = new Set(['cannot-unseal', 'job-not-readable'])

function mayPass(result: Result | undefined): boolean {
  return result instanceof AppError && result.retry === 'backoff'
}
