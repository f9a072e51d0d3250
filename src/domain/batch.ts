import type { BatchId } from './ids.ts'
import type { IntentBase } from './intent.ts'
import type { Money } from './money.ts'
import { finalTransferStates, type TransferState, transferStates } from './transfer.ts'

export const batchStates = [
  'registered',
  'submitted',
  'accepted',
  'processing',
  'finished',
  'closed',
] as const
export type BatchState = (typeof batchStates)[number]

/** One more than WeChat Pay takes is refused. */
export const batchSizeMax = 3000

/** What a provider says of a whole batch. Any of it may be missing. */
export interface BatchFigures {
  count?: number
  amount?: Money
  succeededCount?: number
  succeededAmount?: Money
  failedCount?: number
  failedAmount?: Money
}

/** Transfers that were registered together. Its own figures are `BatchTotals`, which move with the transfers. */
export interface Batch extends IntentBase {
  kind: 'batch'
  id: BatchId
  name: string
  remark: string
  count: number
  amount: Money
  state: BatchState
  providerReference?: string
  figures?: BatchFigures
  closeReason?: string
  /** The totals, as text, that were last published as final. */
  published?: string
  /** Set while the provider's figures differ from ours. */
  drifted?: true
  /** What was last reported of our own totals that the transfers do not come to. */
  miscounted?: string
  wechatpay?: WechatpayBatch
}

export interface WechatpayBatch {
  authorizationType: string
  subMchid: string
  subAppid?: string
  spAppid?: string
  purpose?: string
  scene?: string
}

export interface StateTotal {
  count: number
  minor: bigint
}

/** By state of the transfers: how many, and what they come to. */
export type BatchTotals = Record<TransferState, StateTotal>

export function emptyTotals(): BatchTotals {
  return Object.fromEntries(transferStates.map((state) => [state, { count: 0, minor: 0n }])) as BatchTotals
}

export function countFinal(totals: BatchTotals): number {
  return transferStates.reduce(
    (sum, state) => (finalTransferStates.has(state) ? sum + totals[state].count : sum),
    0,
  )
}
