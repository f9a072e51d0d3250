/** What the model keeps: plain maps, no partitions but where the contract names them. */
import type { BatchTotals } from '../../src/domain/batch.ts'
import type { Case } from '../../src/domain/case.ts'
import type { LoggedEvent } from '../../src/domain/event.ts'
import type { CaseId, IntentId, ReceiptId } from '../../src/domain/ids.ts'
import type { Intent } from '../../src/domain/intent.ts'
import type { OpenReceipt, ReceiptOutcome } from '../../src/domain/receipt.ts'
import type { Heard } from '../../src/domain/repeats.ts'
import type { Target } from '../../src/store/intents.ts'
import type { Keys } from '../../src/store/keys.ts'

export type Rest = { form: 'record'; intent: Intent } | { form: 'pointer'; to: Target } | { form: 'claim' }

export interface ModelTotals {
  byState: BatchTotals
  version: number
  count: number | undefined
  /** It is not registered yet, and any movement matters. */
  isOpening?: true
}

export interface ModelState {
  keys: Pick<Keys, 'partitionOf' | 'partitions'>
  rest: Map<Target, Rest>
  heard: Map<Target, Map<ReceiptId, Heard>>
  receipts: Map<
    ReceiptId,
    { intent: IntentId; outcome: ReceiptOutcome; open: OpenReceipt; decidedOn: number; at: number }
  >
  parked: Map<Target, Map<ReceiptId, OpenReceipt>>
  /** By partition and account. */
  parkedCounts: Map<string, number>
  ready: Map<ReceiptId, OpenReceipt>[]
  log: LoggedEvent[][]
  watch: Map<IntentId, number>
  final: Map<IntentId, number>
  totals: Map<IntentId, ModelTotals>
  due: Set<IntentId>
  repeats: Map<string, number>
  cases: Map<CaseId, Case>
}

export function createState(keys: ModelState['keys']): ModelState {
  const perPartition = <T>(make: () => T) => Array.from({ length: keys.partitions }, make)
  return {
    keys,
    rest: new Map(),
    heard: new Map(),
    receipts: new Map(),
    parked: new Map(),
    parkedCounts: new Map(),
    ready: perPartition(() => new Map()),
    log: perPartition(() => []),
    watch: new Map(),
    final: new Map(),
    totals: new Map(),
    due: new Set(),
    repeats: new Map(),
    cases: new Map(),
  }
}

export function recordOf(state: ModelState, target: Target): Intent | undefined {
  const rest = state.rest.get(target)
  return rest?.form === 'record' ? rest.intent : undefined
}

export function append(state: ModelState, about: Parameters<Keys['partitionOf']>[0], event: LoggedEvent) {
  state.log[state.keys.partitionOf(about)]?.push(event)
}

/** What waits becomes ready, for once. */
export function unpark(state: ModelState, target: Target, account: string): number {
  const waiting = state.parked.get(target)
  if (!waiting) return 0
  const partition = state.keys.partitionOf(target)
  for (const [id, receipt] of waiting) state.ready[partition]?.set(id, receipt)
  state.parked.delete(target)
  const count = `${partition} ${account}`
  state.parkedCounts.set(count, (state.parkedCounts.get(count) ?? 0) - waiting.size)
  return waiting.size
}
