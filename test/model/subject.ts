/** What the contract tests and the simulation ask of a store, be it the one on Redis or the model. */
import type { LoggedEvent } from '../../src/domain/event.ts'
import type { AliasId, BatchId, IntentId, ReceiptId } from '../../src/domain/ids.ts'
import type { Intent } from '../../src/domain/intent.ts'
import type { ReceiptOutcome } from '../../src/domain/receipt.ts'
import type { RepeatClass } from '../../src/domain/repeats.ts'
import type { Cases } from '../../src/store/cases.ts'
import type { IntentStore, LoadedTotals, Target } from '../../src/store/intents.ts'
import type { ReadyReceipts } from '../../src/store/ready-receipts.ts'
import type { Register } from '../../src/store/register.ts'

export interface Subject {
  intents: IntentStore
  register: Register
  cases: Cases
  ready: ReadyReceipts
  /** A batch of so many transfers: its totals begin to be kept. */
  openTotals(batch: BatchId, count: number): Promise<void>
  /** A number of the provider's leads to an intent from now on; what waited under it becomes ready. */
  lead(alias: AliasId, to: IntentId): Promise<void>
  /** As in the middle of a batch's registration. */
  claim(target: Target, by: string): Promise<void>
  /** The batch was looked at. */
  undue(batch: BatchId): Promise<void>
  /** By partition, what was logged after so many entries. */
  readLog(after?: readonly number[]): Promise<LoggedEvent[][]>
  /** Both, and what is parked, in one. */
  inspect(
    ids: readonly IntentId[],
    after: readonly number[],
    targets: readonly Target[],
  ): Promise<{ looks: Look[]; logged: LoggedEvent[][]; parked: ReceiptId[][] }>
  /** What is kept of these, all of it. */
  look(ids: readonly IntentId[]): Promise<Look[]>
  lookAt(targets: readonly Target[]): Promise<ReceiptId[][]>
  outcomesOf(intent: IntentId, receipts: readonly ReceiptId[]): Promise<(ReceiptOutcome | undefined)[]>
  /** By account, over all partitions. */
  parkedCount(account: string): Promise<number>
  repeatsOf(account: string): Promise<Record<RepeatClass, number>>
}

export interface Look {
  intent: Intent | undefined
  watched: number | undefined
  final: number | undefined
  totals: LoadedTotals | undefined
  due: boolean
}

export interface SubjectSettings {
  partitions: number
  clock: () => number
  parkedMax: number
  resolvedMax?: number
}
