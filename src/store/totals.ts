/** A batch's figures as the commit script keeps them: `n:` and `m:` by state, how many are final, and a version. */
import { type BatchTotals, emptyTotals } from '../domain/batch.ts'
import { transferStates } from '../domain/transfer.ts'

export function readTotals(hash: unknown): { totals: BatchTotals; version: string } {
  const fields = (hash ?? {}) as Record<string, string>
  const totals = emptyTotals()
  for (const state of transferStates) {
    totals[state] = { count: Number(fields[`n:${state}`] ?? 0), minor: BigInt(fields[`m:${state}`] ?? 0) }
  }
  return { totals, version: fields.version ?? '' }
}
