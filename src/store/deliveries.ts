/**
 * What was tried for a subscription. One entry of a stream holds what one commit of the deliveries noted, so that the
 * history of a page costs one write; it is written in the step that moves the cursor, so it never tells of what did not
 * happen. It is capped by count and by time. What was given up lies in a stream of its own as well, for as long as the log
 * may reach back: it is what somebody wants to send again.
 */
import type { DeliveryNote } from '../domain/delivery.ts'
import type { SubscriptionId } from '../domain/ids.ts'
import { encodeNotes } from './codec/deliveries.ts'
import type { Keys } from './keys.ts'
import type { Transaction } from './transaction.ts'

export interface HistoryLimits {
  /** For how long one can look at what was tried. */
  historyMs: number
  /** For how long the log reaches back. */
  logMs: number
}

const dayMs = 24 * 60 * 60 * 1000
const usualLimits: HistoryLimits = { historyMs: 14 * dayMs, logMs: 90 * dayMs }

/** Entries of a partition; where each holds many notes, fewer, so that they stay within some 16,000 notes. */
const entriesMax = 500
const entriesMin = 125
const notesMax = 16_000
/** Entries of what was given up, of a partition. */
const skippedMax = 10_000

/** As part of the step that moves the cursor or changes the line. `at` is now. */
export function noteDeliveries(
  transaction: Transaction,
  keys: Keys,
  partition: number,
  subscription: SubscriptionId,
  notes: readonly DeliveryNote[],
  at: number,
  limits: HistoryLimits = usualLimits,
): void {
  if (notes.length === 0) return
  const deliveries = keys.deliveries(partition, subscription)
  const max = Math.min(entriesMax, Math.max(entriesMin, Math.floor(notesMax / notes.length)))
  append(transaction, deliveries, notes, { at, max, keptMs: limits.historyMs })
  const skipped = notes.filter(({ outcome }) => outcome === 'skipped')
  if (skipped.length === 0) return
  const keptMs = limits.logMs
  append(transaction, keys.skipped(partition, subscription), skipped, { at, max: skippedMax, keptMs })
}

/**
 * Redis trims whole nodes of a stream and never part of one, which costs it next to nothing. From when on something is
 * too old is told by a position of the log, which the same server minted as mints the ids here: another clock may be wrong.
 */
function append(
  transaction: Transaction,
  key: string,
  notes: readonly DeliveryNote[],
  { at, max, keptMs }: { at: number; max: number; keptMs: number },
): void {
  transaction.do('XADD', key, 'MAXLEN', '~', max, '*', 'n', encodeNotes(notes, at))
  const newest = Math.max(...notes.map(({ position }) => Number(position.split('-')[0])))
  transaction.do('XTRIM', key, 'MINID', '~', Math.max(0, newest - keptMs))
  // That of a subscription to which nothing is sent any more goes as a whole.
  transaction.do('PEXPIRE', key, keptMs)
}
