/**
 * A batch has two lives: what its provider says of it as a whole, and what its transfers come to. It is finished by the
 * second alone, when the last of its transfers is final. What the provider says of the whole is a hint to ask about
 * the transfers, and a figure to compare.
 */
import { type Batch, type BatchFigures, type BatchState, type BatchTotals, countFinal } from './batch.ts'
import { type Step, step } from './decision.ts'
import type { BatchObservation, ObservedBatchStatus } from './observation.ts'
import { type TransferState, transferStates } from './transfer.ts'

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
  const isOpen = countFinal(totals) < batch.count
  if (move !== 'move' && !isNews(batch, seen))
    return move === 'hint' && isOpen ? { verdict: 'stale', ask: true } : { verdict: 'repeat' }
  const after = clearDrift(note(batch, seen), totals)
  const first =
    move === 'move' && seen.status !== 'finished'
      ? step<Batch>(seen.status, batch, moved(after, seen.status, totals), now)
      : step<Batch>('reported', batch, after, now)
  const rest = settleBatch(first.intent, totals, now)
  return {
    verdict: 'applied',
    steps: [first, ...rest.steps],
    ...(rest.drift !== undefined && { drift: rest.drift }),
    ...(isOpen && { ask: true }),
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

function clearDrift(batch: Batch, totals: BatchTotals): Batch {
  if (findDrift(batch, totals, countFinal(totals) === batch.count) !== undefined) return batch
  const { drifted: _, ...rest } = batch
  return rest
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
  if (batch.registering) return { steps }
  const published = describeTotals(totals)
  const isComplete = countFinal(totals) === batch.count
  const isOpen = batch.state !== 'finished' && batch.state !== 'closed'
  if (isOpen && batch.state !== 'processing' && totals.registered.count < batch.count && !isComplete)
    add('processing', { ...batch, state: 'processing' })
  if (isOpen && isComplete) add('finished', { ...last(), state: 'finished', published })
  if (!isOpen && batch.published !== published) add('amended', { ...batch, published })
  const drift = findDrift(last(), totals, isComplete)
  if (drift === undefined || last().drifted) return { steps }
  add('drifted', { ...last(), drifted: true })
  return { steps, drift }
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
  if (figures.count !== undefined && figures.count !== count)
    return `The provider counts ${figures.count} transfers, and ${count} are registered.`
  if (figures.amount && figures.amount.minor !== amount.minor)
    return 'The provider’s total amount is not the one that is registered.'
  if (!isComplete) return undefined
  const paid = sum(totals, ['succeeded', 'returned'])
  const kept = sum(totals, ['succeeded'])
  const failed = sum(totals, ['failed', 'cancelled', 'expired'])
  // Whether a provider still counts as a success what came back is not known of any.
  if (!agree(figures.succeededCount, figures.succeededAmount?.minor, [paid, kept]))
    return 'The provider’s figures for what succeeded are not those of the transfers.'
  const failedOrBack = sum(totals, ['failed', 'cancelled', 'expired', 'returned'])
  if (!agree(figures.failedCount, figures.failedAmount?.minor, [failed, failedOrBack]))
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
