/**
 * Counts batches anew from their transfers, one after another and again and again, and compares. The totals move in the
 * same step as the transfers, so a difference must never happen; if it does it is said loudly: an event, a case and an error in
 * the log. Read without a lock: where the totals have moved meanwhile, what was read belongs to no one moment, and it is
 * read again.
 */
import { openDriftCase } from '../domain/case.ts'
import { auditBatch, recount } from '../domain/decide-batch.ts'
import type { BatchId } from '../domain/ids.ts'
import type { DueBatches } from '../store/due-batches.ts'
import type { IntentStore, Loaded } from '../store/intents.ts'
import type { MemberSummary, Members } from '../store/members.ts'
import type { Logger } from '../telemetry/logger.ts'

export interface AuditDeps {
  intents: Pick<IntentStore, 'load' | 'commit'>
  members: Pick<Members, 'summarise'>
  due: Pick<DueBatches, 'listForAudit' | 'noteAudit'>
  /** A batch is not audited more often than this. */
  everyMs: number
  clock: () => number
  logger: Logger
}

/** Says how many batches it looked at. */
export type Audit = () => Promise<number>

/** Bounds one round: of each partition one batch, and so many transfers in all, or a batch more. */
const transfersMax = 3000
/** One that moves all the time is looked at again when its turn comes. */
const triesMax = 3

type Found = Extract<Loaded, { outcome: 'found' }>

export function createAudit({ intents, members, due, everyMs, clock, logger }: AuditDeps): Audit {
  async function load(id: BatchId): Promise<Found | undefined> {
    const [found] = await intents.load([id])
    return found?.outcome === 'found' && found.intent.kind === 'batch' ? found : undefined
  }

  /** How many transfers it read. */
  async function auditOne(id: BatchId): Promise<number> {
    let read = 0
    for (let attempt = 1; attempt <= triesMax; attempt++) {
      const found = await load(id)
      if (found?.intent.kind !== 'batch' || !found.totals) {
        await due.noteAudit(id, undefined)
        return 0
      }
      const transfers = await members.summarise(id)
      read += transfers.length
      const isStill = (await load(id))?.totals?.version === found.totals.version
      if (isStill && (await conclude(found, transfers))) break
    }
    await due.noteAudit(id, clock())
    return read
  }

  /** False where somebody has changed the batch meanwhile. */
  async function conclude(
    { intent: batch, totals }: Found,
    transfers: readonly MemberSummary[],
  ): Promise<boolean> {
    if (batch.kind !== 'batch' || !totals) return true
    const now = clock()
    const { steps, drift } = auditBatch(batch, totals.totals, recount(transfers), now)
    const sequence = steps.at(-1)?.fact.sequence
    if (drift === undefined || sequence === undefined) return true
    const after = openDriftCase(batch, { code: 'own-books', reason: drift, sequence, receipts: [] }, now)
    const { outcome } = await intents.commit({
      before: batch,
      steps,
      because: { source: 'audit' },
      totals: { before: totals.totals, version: totals.version },
      case: { after },
      at: now,
    })
    if (outcome !== 'committed') return false
    const about = { batchId: batch.id, account: batch.account, caseId: after.id }
    logger.error('batch.drifted', { ...about, code: 'own-books', reason: drift })
    return true
  }

  let turn = 0
  return async () => {
    let looked = 0
    let read = 0
    for (const id of takeTurns(await due.listForAudit(clock() - everyMs, 1), turn++)) {
      read += await auditOne(id)
      looked++
      if (read >= transfersMax) break
    }
    return looked
  }
}

/** A round may end before the last: so another partition comes first each time. */
function takeTurns(ids: readonly BatchId[], turn: number): BatchId[] {
  const first = ids.length === 0 ? 0 : turn % ids.length
  return [...ids.slice(first), ...ids.slice(0, first)]
}
