/** What a commit does, told once more and as simply as it goes: first what must still be so, then what is written. */
import { emptyTotals } from '../../src/domain/batch.ts'
import type { Intent } from '../../src/domain/intent.ts'
import type { Transfer } from '../../src/domain/transfer.ts'
import type { CommitOutcome, CommitRequest } from '../../src/store/commit.ts'
import { openReceipt } from '../../src/workers/observe.ts'
import { keyring } from '../support/store.ts'
import { putCase } from './cases.ts'
import { append, type ModelState, recordOf } from './state.ts'

const minute = 60_000
const over: readonly string[] = ['succeeded', 'failed', 'returned', 'cancelled', 'expired']

export function commit(state: ModelState, request: CommitRequest): CommitOutcome {
  const { before, steps, receipt, totals, at } = request
  const after = steps.at(-1)?.intent ?? before
  if (!after) throw new Error('A commit is about nothing.')
  const recorded = receipt && state.receipts.get(receipt.open.id)
  if (recorded && recorded.outcome !== 'awaits-person')
    return { outcome: 'recorded-before', result: recorded.outcome }
  if (hasMovedOn(state, request, after)) return { outcome: 'moved-on' }

  for (const { fact, intent } of steps) {
    const event = { fact, intent, because: request.because, at, ...(totals && { totals: totals.before }) }
    append(state, after.id, event)
  }
  if (steps.length > 0) {
    state.rest.set(after.id, { form: 'record', intent: after })
    if (after.kind === 'transfer' && after.batch) count(state, before as Transfer | undefined, after)
    place(state, before, after, request.because.source === 'callback')
  }
  if (request.case) putCase(state, request.case.before, request.case.after, request.because, at)
  if (receipt) {
    const { open, outcome, heard } = receipt
    state.receipts.set(open.id, { intent: after.id, outcome, open, decidedOn: before?.sequence ?? 0, at })
    if (heard)
      state.heard.set(after.id, new Map([...(state.heard.get(after.id) ?? []), [open.id, { ...heard }]]))
  }
  if (request.repeat) {
    const counted = `${after.account} ${request.repeat}`
    state.repeats.set(counted, (state.repeats.get(counted) ?? 0) + 1)
  }
  for (const one of request.ready ?? [])
    state.ready[state.keys.partitionOf(after.id)]?.set(one.id, openReceipt(one, keyring))
  if (request.settled) state.due.delete(after.id)
  if (request.ask) state.watch.set(after.id, at)
  return { outcome: 'committed' }
}

function hasMovedOn(state: ModelState, request: CommitRequest, { id }: Intent): boolean {
  const { before, totals } = request
  if (before ? recordOf(state, id)?.sequence !== before.sequence : state.rest.has(id)) return true
  const version = state.totals.get(id)?.version
  if (totals && totals.version !== (version ? String(version) : '')) return true
  if (!request.case) return false
  const known = state.cases.get(request.case.after.id)
  return JSON.stringify(known) !== JSON.stringify(request.case.before)
}

function worth({ settledAmount, amount }: Transfer): bigint {
  return (settledAmount ?? amount).minor
}

/** The transfer leaves one sum and enters another. */
function count(state: ModelState, before: Transfer | undefined, after: Transfer): void {
  const { batch } = after
  if (!batch) return
  if (before && before.state === after.state && worth(before) === worth(after)) return
  const totals = state.totals.get(batch) ?? { byState: emptyTotals(), version: 0, count: undefined }
  const byState = { ...totals.byState }
  const add = (one: Transfer, by: 1 | -1) => {
    const { count, minor } = byState[one.state]
    byState[one.state] = { count: count + by, minor: minor + BigInt(by) * worth(one) }
  }
  if (before) add(before, -1)
  add(after, 1)
  state.totals.set(batch, { ...totals, byState, version: totals.version + 1 })
  const done = over.reduce((sum, one) => sum + byState[one as Transfer['state']].count, 0)
  const record = recordOf(state, batch)
  const matters = record ? record.state !== 'processing' : totals.isOpening === true
  if (matters || done === totals.count) state.due.add(batch)
}

function place(state: ModelState, before: Intent | undefined, after: Intent, isHeard: boolean): void {
  const { id } = after
  const wasDone = before !== undefined && isDone(before)
  if (isDone(after)) {
    state.final.set(id, after.updatedAt)
    if (wasDone) return
    if (comesBack(after)) state.watch.set(id, after.updatedAt)
    else if (isHeard && lacksFeeOrReason(after)) state.watch.set(id, after.updatedAt + minute / 2)
    else state.watch.delete(id)
    return
  }
  state.final.delete(id)
  if (waitsForUs(after) && !(before && waitsForUs(before))) state.watch.set(id, after.updatedAt)
  else if (!before || wasDone) state.watch.set(id, after.createdAt + minute / 2)
}

/** A batch that its provider takes as a whole: some of its money may be sent back. */
function comesBack(after: Intent): boolean {
  return after.kind === 'batch' && after.wechatpay !== undefined && after.state === 'finished'
}

/** Of one that we have sent, which is asked about for that. */
function lacksFeeOrReason(after: Intent): boolean {
  if (after.kind !== 'transfer' || !['sending', 'acknowledged'].includes(after.submission?.step ?? ''))
    return false
  if (after.state === 'succeeded') return !after.fee
  return after.state === 'failed' && after.failure?.reason === undefined
}

function waitsForUs({ submission, hold }: Intent): boolean {
  return !hold && ['waiting', 'reserved', 'refused', 'withdrawn'].includes(submission?.step ?? '')
}

function isDone({ kind, state, hold }: Intent): boolean {
  if (hold) return false
  const done: Record<Intent['kind'], readonly string[]> = {
    transfer: over,
    batch: ['finished', 'closed'],
    coupon: ['granted', 'failed'],
    collection: ['completed'],
  }
  return done[kind].includes(state)
}
