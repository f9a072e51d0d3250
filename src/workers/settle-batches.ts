/**
 * What follows for a batch from what its transfers have come to: it is processing, it is finished, it is amended, it drifts.
 * `settleBatch()` decides; the commit compares the totals that it decided on, and takes the batch from the list of
 * those that are due in the same step. So each of these is published once, and a movement in between makes it due again.
 */
import { openDriftCase } from '../domain/case.ts'
import { settleBatch } from '../domain/decide-batch.ts'
import type { BatchId, ReceiptId } from '../domain/ids.ts'
import type { CommitRequest } from '../store/commit.ts'
import type { DueBatches } from '../store/due-batches.ts'
import type { IntentStore, Loaded } from '../store/intents.ts'
import type { Logger } from '../telemetry/logger.ts'

export interface SettleBatchesDeps {
  intents: Pick<IntentStore, 'load' | 'commitAll'>
  due: Pick<DueBatches, 'listDue' | 'dropUnknown' | 'askAll'>
  clock: () => number
  logger: Logger
}

/** Says how many batches it changed. */
export type SettleBatches = () => Promise<number>

export function createSettleBatches({ intents, due, clock, logger }: SettleBatchesDeps): SettleBatches {
  async function settleAll(ids: readonly BatchId[]): Promise<number> {
    const loaded = await intents.load(ids)
    const unknown = ids.filter((_, i) => loaded[i]?.outcome !== 'found')
    await due.dropUnknown(unknown)
    const requests = loaded.flatMap((one) => describe(one, clock()))
    const outcomes = await intents.commitAll(requests)
    let changed = 0
    for (const [i, request] of requests.entries()) {
      const outcome = outcomes[i]
      // Whoever moved on has left it in the list: the next round sees to it.
      if (outcome instanceof Error)
        logger.warn('batch.not-settled', { batchId: request.before?.id, error: outcome })
      else if (outcome?.outcome === 'committed' && request.steps.length > 0) {
        changed++
        report(request)
      }
    }
    return changed
  }

  function report({ before, steps, case: opened }: CommitRequest): void {
    const about = { batchId: before?.id, account: before?.account }
    for (const { fact } of steps.filter((one) => one.fact.name !== 'drifted'))
      logger.info(`batch.${fact.name}`, { ...about, sequence: fact.sequence })
    if (opened) logger.error('batch.drifted', { ...about, code: opened.after.code, caseId: opened.after.id })
  }

  return async () => {
    const asked = await due.askAll(clock())
    if (asked > 0) logger.info('query.wanted', { batches: asked, reason: 'provider-is-further' })
    const ids = await due.listDue()
    return ids.length === 0 ? 0 : settleAll(ids)
  }
}

function describe(loaded: Loaded, now: number): CommitRequest[] {
  if (loaded.outcome !== 'found' || loaded.intent.kind !== 'batch' || !loaded.totals) return []
  const { intent: batch, totals } = loaded
  const { steps, drift } = settleBatch(batch, totals.totals, now)
  const sequence = steps.at(-1)?.fact.sequence
  const receipts = batch.settledBy === undefined ? [] : [batch.settledBy as ReceiptId]
  return [
    {
      before: batch,
      steps,
      because: { source: 'transfers' },
      totals: { before: totals.totals, version: totals.version },
      settled: true,
      at: now,
      ...(drift !== undefined &&
        sequence !== undefined && {
          case: {
            after: openDriftCase(batch, { code: 'provider-figures', reason: drift, sequence, receipts }, now),
          },
        }),
    },
  ]
}
