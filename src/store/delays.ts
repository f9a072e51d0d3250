/** How long it took until a callback settled something, counted by class. Each partition counts its own. */
import type { Intent } from '../domain/intent.ts'
import { finalTransferStates } from '../domain/transfer.ts'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute

/** At most so long; `more` is what is left. */
const classes = [
  ['1s', second],
  ['5s', 5 * second],
  ['15s', 15 * second],
  ['1m', minute],
  ['5m', 5 * minute],
  ['15m', 15 * minute],
  ['1h', hour],
  ['6h', 6 * hour],
  ['1d', 24 * hour],
] as const

export type DelayClass = (typeof classes)[number][0] | 'more'
export const delayClasses: readonly DelayClass[] = [...classes.map(([name]) => name), 'more']

/** The field under which a partition counts. */
export const delayField = (account: string, delay: DelayClass) => `${account} ${delay}`

/** Since it was sent, as far as we know when that was. Undefined where nothing was settled by this. */
export function delayOf(before: Intent | undefined, after: Intent, at: number): DelayClass | undefined {
  if (before?.kind !== 'transfer' || after.kind !== 'transfer') return undefined
  if (finalTransferStates.has(before.state) || !finalTransferStates.has(after.state)) return undefined
  const ms = at - (before.submission?.at ?? before.createdAt)
  return classes.find(([, most]) => ms <= most)?.[0] ?? 'more'
}
