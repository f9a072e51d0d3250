/**
 * Applies receipts, without BullMQ: open, translate, decide, commit. What holds:
 *   - a receipt is applied once, however often its job is delivered: the commit finds it recorded;
 *   - a decision is committed only on the intent it was made on, or made again;
 *   - receipts of one group about one intent are applied in the order they came, others side by side: all that stand first in
 *     their lines make a round;
 *   - what nothing proves changes nothing (`unverified.ts`);
 *   - the failure of one receipt says nothing about the others.
 */
import { AppError } from '../domain/errors.ts'
import type { IntentStore } from '../store/intents.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { ProcessFigures } from '../telemetry/process-figures.ts'
import { type BroughtReceipt, createObserve, type ObserveDeps, openReceipt } from './observe.ts'
import { type Applied, createRound, type Reading, type RoundDeps, toFailure } from './round.ts'
import { createNoteUnverified } from './unverified.ts'

export interface ReconcileDeps extends ObserveDeps, RoundDeps {
  intents: IntentStore
  figures?: Pick<ProcessFigures, 'receipt'>
  logger: Logger
}

export interface FailedReceipt {
  receipt: BroughtReceipt
  error: AppError
}

export interface Reconcile {
  /** Throws an AppError whose `retry` says whether it may pass. */
  applyOne(receipt: BroughtReceipt): Promise<Applied>
  /** Never throws for a receipt: what could not be applied is returned. */
  applyAll(receipts: readonly BroughtReceipt[]): Promise<FailedReceipt[]>
}

/** For a replay, which counts what became of each. */
export interface ReconcileEach extends Reconcile {
  /** In the order of the receipts. Never throws for one of them. */
  applyEach(receipts: readonly BroughtReceipt[]): Promise<(Applied | AppError)[]>
}

/** Losing the race this often to others who change the same intent means that something is wrong. */
const attemptsMax = 16

/** One receipt on its way, and where its result goes. */
interface Traveller {
  index: number
  reading: Reading
  attempts: number
}

type Result = Applied | AppError

export function createReconcile(deps: ReconcileDeps): ReconcileEach {
  const { clock, logger } = deps
  const observe = createObserve(deps)
  const applyRound = createRound(deps)
  const noteUnverified = createNoteUnverified({ ...deps, observe, attemptsMax })

  function report(brought: BroughtReceipt, startedAt: number, result: Result): void {
    const ids = { receiptId: brought.id, account: brought.account }
    note(brought, result)
    if (result instanceof AppError) {
      const level = result.retry === 'never' ? 'error' : 'warn'
      logger[level]('callback.not-applied', { ...ids, code: result.code, retry: result.retry, error: result })
      return
    }
    const timing = { durationMs: clock() - startedAt, ageMs: clock() - brought.receivedAt }
    const level = result.outcome === 'held' ? 'warn' : 'info'
    logger[level]('callback.applied', { ...ids, ...result, ...timing })
  }

  function note({ account, receivedAt }: BroughtReceipt, result: Result): void {
    const ageMs = clock() - receivedAt
    const failed = result instanceof AppError
    const what = failed ? { outcome: 'not-applied', code: result.code } : { outcome: result.outcome }
    deps.figures?.receipt({ account, ageMs, ...what })
  }

  function read(brought: BroughtReceipt): Reading | AppError {
    try {
      const receipt = openReceipt(brought, deps.sealer)
      return { ...observe(receipt), receipt }
    } catch (error) {
      return toFailure(error)
    }
  }

  async function applyUnverified(brought: BroughtReceipt): Promise<Result> {
    try {
      return await noteUnverified(openReceipt(brought, deps.sealer))
    } catch (error) {
      return toFailure(error)
    }
  }

  /** All lines at once, the first of each, until nothing is left. */
  async function applyLines(
    lines: Traveller[][],
    settle: (index: number, result: Result) => void,
  ): Promise<void> {
    for (let left = lines; left.length > 0; left = left.filter((line) => line.length > 0)) {
      const round = left.map(([first]) => first as Traveller)
      const outcomes = await applyRound(round.map(({ reading }) => reading))
      for (const [i, traveller] of round.entries()) {
        const outcome = outcomes[i] ?? 'again'
        traveller.attempts++
        if (outcome === 'again' && traveller.attempts < attemptsMax) continue
        const { target } = traveller.reading
        settle(
          traveller.index,
          outcome === 'again' ? new AppError('commit-contended', { context: { intentId: target } }) : outcome,
        )
        left[i]?.shift()
      }
    }
  }

  async function run(receipts: readonly BroughtReceipt[]): Promise<Result[]> {
    const startedAt = clock()
    const results: Result[] = []
    const settle = (index: number, result: Result) => {
      results[index] = result
      report(receipts[index] as BroughtReceipt, startedAt, result)
    }
    const lines = new Map<string, Traveller[]>()
    const unverified: Promise<void>[] = []
    for (const [index, brought] of receipts.entries()) {
      if (brought.unverified) {
        unverified.push(applyUnverified(brought).then((result) => settle(index, result)))
        continue
      }
      const reading = read(brought)
      if (reading instanceof AppError) settle(index, reading)
      else addTo(lines, reading.target, { index, reading, attempts: 0 })
    }
    await Promise.all([applyLines([...lines.values()], settle), ...unverified])
    return results
  }

  return {
    applyEach: run,
    async applyOne(receipt) {
      const [result] = await run([receipt])
      if (!result || result instanceof AppError) throw result ?? new AppError('internal-error')
      return result
    },
    async applyAll(receipts) {
      const results = await run(receipts)
      return receipts.flatMap((receipt, i) => {
        const error = results[i]
        return error instanceof AppError ? [{ receipt, error }] : []
      })
    },
  }
}

function addTo<Each>(lines: Map<string, Each[]>, name: string, one: Each): void {
  const line = lines.get(name)
  if (line) line.push(one)
  else lines.set(name, [one])
}
