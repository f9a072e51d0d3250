/** Every acknowledged callback ends in exactly one place. */
import type { IntentId, ReceiptId } from '../../src/domain/ids.ts'
import type { Target } from '../../src/store/intents.ts'
import { ensure } from './failure.ts'
import type { Jobs } from './jobs.ts'
import type { Stage } from './stage.ts'

export interface Ends {
  stage: Stage
  jobs: Pick<Jobs, 'acknowledged' | 'cased'>
  /** Came in the same bytes as another, and was only counted. */
  counted: ReadonlySet<ReceiptId>
  ids: readonly IntentId[]
  targets: readonly Target[]
}

/** How many ended where. */
export async function checkReceipts({ stage, jobs, counted, ids, targets }: Ends) {
  const outcomes: Record<string, number> = {}
  const receipts = jobs.acknowledged.map(({ id }) => id)
  const recorded = await Promise.all(ids.map((id) => stage.real.outcomesOf(id, receipts)))
  const parked = new Set((await stage.real.lookAt(targets)).flat())
  // One receipt lies in one partition; intents of the same partition see the same.
  const byPartition = new Map(ids.map((id, i) => [stage.keys.partitionOf(id), recorded[i] ?? []]))
  for (const [i, { id, opened }] of jobs.acknowledged.entries()) {
    const ends: string[] = [...byPartition.values()].flatMap((one) => one[i] ?? [])
    if (parked.has(id)) ends.push('parked')
    if (jobs.cased.has(id)) ends.push('case')
    if (counted.has(id) && ends.length === 0) ends.push('repeat')
    ensure(ends.length === 1, () => `${id} ${opened} ended in ${ends.join(' and ') || 'nothing'}.`)
    const [end = ''] = ends
    outcomes[end] = (outcomes[end] ?? 0) + 1
  }
  return outcomes
}
