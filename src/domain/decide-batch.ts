/**
 * A batch has two lives: what its provider says of it as a whole, and what its transfers come to. It is finished by the
 * second alone, when the last of its transfers is final. What the provider says of the whole is a hint to ask about
 * the transfers, and a figure to compare.
 */
import {
  type Batch,
  type BatchFigures,
  type BatchState,
  type BatchTotals,
  batchSizeMax,
  countFinal,
  emptyTotals,
} from './batch.ts'
import { type Step, step } from './decision.ts'
import type { Money } from './money.ts'
import { minorMax } from './money.ts'
import type { BatchObservation, ObservedBatchStatus } from './observation.ts'
import { type Transfer, type TransferState, transferStates } from './transfer.ts'

export type BatchDecision =
  | { verdict: 'applied'; steps: Step<Batch>[]; drift?: string; ask?: true }
  | { verdict: 'repeat' }
  /** `ask`: the provider has said before that it is done, and not all of our transfers are. */
  | { verdict: 'stale'; ask?: true }

/** `hint`: the provider has come further than our transfers; its figures are kept and the transfers are asked about. */
export type BatchMove = 'move' | 'hint' | 'repeat' | 'stale'

export const batchMoves: Record<BatchState, Record<ObservedBatchStatus, BatchMove>> = {
  registered: { accepted: 'move', processing: 'move', finished: 'hint', closed: 'move' },
  submitted: { accepted: 'move', processing: 'move', finished: 'hint', closed: 'move' },
  accepted: { accepted: 'repeat', processing: 'move', finished: 'hint', closed: 'move' },
  processing: { accepted: 'stale', processing: 'repeat', finished: 'hint', closed: 'move' },
  finished: { accepted: 'stale', processing: 'stale', finished: 'hint', closed: 'hint' },
  closed: { accepted: 'stale', processing: 'stale', finished: 'hint', closed: 'repeat' },
}

export function registerBatch(
  intent: Omit<Batch, 'kind' | 'state' | 'sequence' | 'createdAt' | 'updatedAt'>,
  now: number,
): Step<Batch> {
  return step<Batch>(
    'registered',
    null,
    { ...intent, kind: 'batch', state: 'registered', createdAt: now },
    now,
  )
}

export function decideBatch(
  batch: Batch,
  seen: BatchObservation,
  totals: BatchTotals,
  now: number,
): BatchDecision {
  const move = batchMoves[batch.state][seen.status]
  if (move === 'stale' || isOlder(batch, seen)) return { verdict: 'stale' }
  // Whoever asked for this goes on to ask about the transfers by itself.
  const isHeard = seen.source === 'callback' && countFinal(totals) < batch.count
  if (move !== 'move' && !isNews(batch, seen))
    return move === 'hint' && isHeard ? { verdict: 'stale', ask: true } : { verdict: 'repeat' }
  const after = clearDrift(acknowledged(note(batch, seen), now), totals)
  const first =
    move === 'move' && seen.status !== 'finished'
      ? step<Batch>(seen.status, batch, moved(after, seen.status, totals), now)
      : step<Batch>('reported', batch, after, now)
  const rest = settleBatch(first.intent, totals, now)
  return {
    verdict: 'applied',
    steps: [first, ...rest.steps],
    ...(rest.drift !== undefined && { drift: rest.drift }),
    ...(isHeard && { ask: true }),
  }
}

/** Older figures must not stand in the place of newer ones. Equal times say nothing about the order. */
function isOlder({ asOf }: Batch, { occurredAt }: BatchObservation): boolean {
  return asOf !== undefined && occurredAt !== undefined && occurredAt < asOf
}

function isNews({ figures, closeReason, providerReference }: Batch, seen: BatchObservation): boolean {
  if (describeFigures(figures) !== describeFigures({ ...figures, ...seen.figures })) return true
  if (closeReason === undefined && seen.closeReason !== undefined) return true
  return providerReference === undefined && seen.providerReference !== undefined
}

/** The first number and the first reason stay: they are what was said when it became what it is. */
function note(batch: Batch, seen: BatchObservation): Batch {
  const providerReference = batch.providerReference ?? seen.providerReference
  const closeReason = batch.closeReason ?? seen.closeReason
  return {
    ...batch,
    ...(seen.figures && { figures: { ...batch.figures, ...seen.figures } }),
    ...(providerReference !== undefined && { providerReference }),
    ...(closeReason !== undefined && { closeReason }),
    ...(seen.occurredAt !== undefined && { asOf: seen.occurredAt }),
    settledBy: seen.receiptId,
  }
}

/** That the provider knows of it proves that it was sent, whatever we know of that. */
function acknowledged(batch: Batch, now: number): Batch {
  const { submission } = batch
  if (submission?.step !== 'sending' && submission?.step !== 'waiting') return batch
  return { ...batch, submission: { ...submission, step: 'acknowledged', at: now } }
}

function clearDrift(batch: Batch, totals: BatchTotals): Batch {
  if (findDrift(batch, totals, countFinal(totals) === batch.count) !== undefined) return batch
  const { drifted: _, ...rest } = batch
  return rest
}

/**
 * One more transfer. Undefined where the batch takes none: it is not a mere grouping of ours but the provider has it as a
 * whole, it is done, or it is full.
 */
export function growBatch(batch: Batch, { account, amount }: Transfer, now: number): Step<Batch> | undefined {
  const minor = batch.amount.minor + amount.minor
  const isOpen = (batch.state === 'registered' || batch.state === 'processing') && !batch.wechatpay
  const isAlike = batch.account === account && batch.amount.currency === amount.currency
  if (!isOpen || !isAlike || batch.count >= batchSizeMax || minor > minorMax) return undefined
  const after = { ...batch, count: batch.count + 1, amount: { ...batch.amount, minor } }
  return step<Batch>('grown', batch, after, now)
}

/** What follows from the transfers alone; no steps where nothing does. */
export function settleBatch(
  batch: Batch,
  totals: BatchTotals,
  now: number,
): { steps: Step<Batch>[]; drift?: string } {
  const steps: Step<Batch>[] = []
  const last = () => steps.at(-1)?.intent ?? batch
  const add = (name: 'processing' | 'finished' | 'amended' | 'drifted', after: Batch) =>
    steps.push(step<Batch>(name, last(), clearDrift(after, totals), now))
  const published = describeTotals(totals)
  const isComplete = countFinal(totals) === batch.count
  const isOpen = batch.state !== 'finished' && batch.state !== 'closed'
  // What was cancelled before it was sent is no progress: the rest is sent yet.
  const waiting = totals.registered.count + totals.submitted.count + totals.cancelled.count
  if (isOpen && batch.state !== 'processing' && waiting < batch.count && !isComplete)
    add('processing', { ...batch, state: 'processing' })
  if (isOpen && isComplete) add('finished', { ...last(), state: 'finished', published })
  if (!isOpen && batch.published !== published) add('amended', { ...batch, published })
  const drift = findDrift(last(), totals, isComplete)
  if (drift === undefined || last().drifted) return { steps }
  add('drifted', { ...last(), drifted: true })
  return { steps, drift }
}

/**
 * What follows where our own totals are not what the transfers come to, which must never happen: it is said once for
 * each finding, and nothing is mended, so that whoever has to find out sees it as it was.
 */
export function auditBatch(
  batch: Batch,
  totals: BatchTotals,
  recount: Recount,
  now: number,
): { steps: Step<Batch>[]; drift?: string } {
  const { count, amount } = batch
  const isWhole = recount.count === count && recount.minor === amount.minor
  if (isWhole && describeTotals(totals) === describeTotals(recount.totals)) return { steps: [] }
  const miscounted = `${describeTotals(totals)} / ${recount.count} ${recount.minor} ${describeTotals(recount.totals)}`
  if (batch.miscounted === miscounted) return { steps: [] }
  const drift = isWhole
    ? 'The totals are not what the transfers come to, state by state.'
    : 'The transfers are not those that were registered, in number or in amount.'
  return { steps: [step<Batch>('drifted', batch, { ...batch, miscounted }, now)], drift }
}

/** As the transfers themselves have it. */
export interface Recount {
  count: number
  /** As registered. */
  minor: bigint
  totals: BatchTotals
}

/** `amount`: what counts in sums, be it what was registered or not. */
export function recount(
  transfers: Iterable<{ state: TransferState; amount: Money; registered: Money }>,
): Recount {
  const result: Recount = { count: 0, minor: 0n, totals: emptyTotals() }
  for (const { state, amount, registered } of transfers) {
    result.count++
    result.minor += registered.minor
    const total = result.totals[state]
    total.count++
    total.minor += amount.minor
  }
  return result
}

/** A closed batch is done with: from now on what its transfers come to can only be amended. */
function moved(after: Batch, state: BatchState, totals: BatchTotals): Batch {
  return { ...after, state, ...(state === 'closed' && { published: describeTotals(totals) }) }
}

/** Where the provider's figures and ours cannot both be right; a sentence for who has to find out. */
export function findDrift(
  { figures, count, amount }: Pick<Batch, 'figures' | 'count' | 'amount'>,
  totals: BatchTotals,
  isComplete: boolean,
): string | undefined {
  if (!figures) return undefined
  // What was cancelled before the batch was sent is not in it.
  const sent = count - totals.cancelled.count
  if (figures.count !== undefined && figures.count !== count && figures.count !== sent)
    return `The provider counts ${figures.count} transfers, and ${sent} are registered.`
  const minor = amount.minor - totals.cancelled.minor
  if (figures.amount && figures.amount.minor !== amount.minor && figures.amount.minor !== minor)
    return 'The provider’s total amount is not the one that is registered.'
  if (!isComplete) return undefined
  const paid = sum(totals, ['succeeded', 'returned'])
  const kept = sum(totals, ['succeeded'])
  const failed = sum(totals, ['failed', 'cancelled', 'expired'])
  // Whether a provider still counts as a success what came back is not known of any.
  if (!agree(figures.succeededCount, figures.succeededAmount?.minor, [paid, kept]))
    return 'The provider’s figures for what succeeded are not those of the transfers.'
  const failedOrBack = sum(totals, ['failed', 'cancelled', 'expired', 'returned'])
  const failedThere = sum(totals, ['failed', 'expired'])
  const failedThereOrBack = sum(totals, ['failed', 'expired', 'returned'])
  const possible = [failed, failedOrBack, failedThere, failedThereOrBack]
  if (!agree(figures.failedCount, figures.failedAmount?.minor, possible))
    return 'The provider’s figures for what failed are not those of the transfers.'
  return undefined
}

interface Total {
  count: number
  minor: bigint
}

function agree(count: number | undefined, minor: bigint | undefined, ours: readonly Total[]): boolean {
  return ours.some(
    (one) => (count === undefined || count === one.count) && (minor === undefined || minor === one.minor),
  )
}

function sum(totals: BatchTotals, states: readonly TransferState[]): Total {
  return states.reduce<Total>(
    ({ count, minor }, state) => ({
      count: count + totals[state].count,
      minor: minor + totals[state].minor,
    }),
    { count: 0, minor: 0n },
  )
}

function describeTotals(totals: BatchTotals): string {
  return transferStates
    .filter((state) => totals[state].count > 0)
    .map((state) => `${state}:${totals[state].count}:${totals[state].minor}`)
    .join(' ')
}

function describeFigures(figures: BatchFigures = {}): string {
  const { count, amount, succeededCount, succeededAmount, failedCount, failedAmount } = figures
  return [
    count,
    amount?.minor,
    succeededCount,
    succeededAmount?.minor,
    failedCount,
    failedAmount?.minor,
  ].join()
}
