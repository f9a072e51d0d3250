/** Whether, and how late, something was settled: for `delay-counts.ts`. */
import type { Intent } from '../domain/intent.ts'
import { finalTransferStates } from '../domain/transfer.ts'
import { type DelayClass, delayClassOf } from './delay-counts.ts'

/** Since it was sent, as far as we know when that was. Undefined where nothing was settled by this. */
export function delayOf(before: Intent | undefined, after: Intent, at: number): DelayClass | undefined {
  if (before?.kind !== 'transfer' || after.kind !== 'transfer') return undefined
  if (finalTransferStates.has(before.state) || !finalTransferStates.has(after.state)) return undefined
  return delayClassOf(at - (before.submission?.at ?? before.createdAt))
}
