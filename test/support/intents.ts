/** Intents and observations as values, for tests of decisions. */
import type { Batch, BatchTotals } from '../../src/domain/batch.ts'
import { emptyTotals } from '../../src/domain/batch.ts'
import type { Collection } from '../../src/domain/collection.ts'
import type { Coupon } from '../../src/domain/coupon.ts'
import type { Decision, Step } from '../../src/domain/decision.ts'
import type { BatchId, CollectionId, CouponId, ReceiptId, TransferId } from '../../src/domain/ids.ts'
import type { Intent } from '../../src/domain/intent.ts'
import type {
  BatchObservation,
  CollectionObservation,
  CouponGrantObservation,
  CouponUseObservation,
  Observation,
  SubmissionObservation,
  TransferObservation,
} from '../../src/domain/observation.ts'
import { describeFact } from '../../src/domain/repeats.ts'
import type { Transfer, TransferState } from '../../src/domain/transfer.ts'

export const now = Date.UTC(2025, 0, 10)
export const rupiah = (minor: bigint) => ({ minor, currency: 'IDR' })

const base = {
  account: 'acme',
  reference: 'ref-1',
  sequence: 1,
  personal: { person: 'registered', sealed: '' },
  contentDigest: '',
  createdAt: now,
  updatedAt: now,
}

export const transfer = (fields: Partial<Transfer> = {}): Transfer => ({
  ...base,
  kind: 'transfer',
  id: `tr-${'1'.repeat(26)}` as TransferId,
  amount: rupiah(2500000n),
  state: 'registered',
  payee: { kind: 'bank', nameDigest: 'john' },
  ...fields,
})

export const batch = (fields: Partial<Batch> = {}): Batch => ({
  ...base,
  kind: 'batch',
  id: `ba-${'2'.repeat(26)}` as BatchId,
  name: 'Salaries',
  remark: '',
  count: 2,
  amount: rupiah(300n),
  state: 'registered',
  ...fields,
})

export const coupon = (fields: Partial<Coupon> = {}): Coupon => ({
  ...base,
  kind: 'coupon',
  id: `co-${'3'.repeat(26)}` as CouponId,
  stockId: 'stock',
  appid: 'app',
  amount: rupiah(100n),
  state: 'registered',
  uses: [],
  ...fields,
})

export const collection = (fields: Partial<Collection> = {}): Collection => ({
  ...base,
  kind: 'collection',
  id: `pi-${'4'.repeat(26)}` as CollectionId,
  transaction: 'trx-1',
  amount: rupiah(500n),
  fee: rupiah(5n),
  net: rupiah(495n),
  state: 'completed',
  completedAt: now,
  ...fields,
})

/** As `workers/observe.ts` gives it: with the digest of what it says, which is that itself here. */
function withFact<Seen extends Observation>(seen: Seen): Seen {
  return { ...seen, fact: describeFact(seen).fact }
}

const source = { source: 'callback', receiptId: 'rc-1' as ReceiptId, account: 'acme' } as const

export const seenSubmission = (fields: Partial<SubmissionObservation> = {}): SubmissionObservation => ({
  kind: 'submission',
  of: 'transfer',
  source: 'submission',
  account: 'acme',
  receiptId: 'rc-1' as ReceiptId,
  reference: 'ref-1',
  status: 'reserved',
  ...fields,
})

export const seenTransfer = (fields: Partial<TransferObservation> = {}): TransferObservation =>
  withFact({
    ...source,
    kind: 'transfer',
    reference: 'ref-1',
    status: 'succeeded',
    providerReference: 'inquiry-1',
    amount: rupiah(2500000n),
    payee: { kind: 'bank', person: 'registered', nameDigest: 'john' },
    ...fields,
  })

export const seenBatch = (fields: Partial<BatchObservation> = {}): BatchObservation =>
  withFact({ ...source, kind: 'batch', reference: 'ref-1', status: 'finished', ...fields })

export const seenGrant = (fields: Partial<CouponGrantObservation> = {}): CouponGrantObservation =>
  withFact({
    ...source,
    kind: 'coupon-grant',
    reference: 'ref-1',
    status: 'granted',
    couponNumber: 'c-1',
    ...fields,
  })

export const seenUse = (fields: Partial<CouponUseObservation> = {}): CouponUseObservation =>
  withFact({
    ...source,
    kind: 'coupon-use',
    couponNumber: 'c-1',
    stockId: 'stock',
    transaction: 'trx-1',
    amount: rupiah(40n),
    occurredAt: now,
    ...fields,
  })

export const seenCollection = (fields: Partial<CollectionObservation> = {}): CollectionObservation =>
  withFact({
    ...source,
    kind: 'collection',
    transaction: 'trx-1',
    reference: 'ref-1',
    amount: rupiah(500n),
    fee: rupiah(5n),
    net: rupiah(495n),
    secrets: undefined,
    ...fields,
  })

/** By state, what the transfers come to; a state that is not named has none. */
export const totals = (some: Partial<Record<TransferState, [count: number, minor: bigint]>>): BatchTotals => {
  const named = Object.entries(some).map(([state, [count, minor]]) => [state, { count, minor }] as const)
  return { ...emptyTotals(), ...Object.fromEntries(named) }
}

/** The intent after a decision; the same where nothing changed. */
export function outcomeOf<I extends Intent>(before: I, decision: Decision<I> | { verdict: string }): I {
  return ('steps' in decision ? (decision.steps as Step<I>[]).at(-1)?.intent : undefined) ?? before
}
