/**
 * How an intent rests in Redis: its version, a space, and JSON; a million of them wait in memory, so a transfer's has short
 * names. Under an intent's key there may be something else instead, told by its first letter:
 *   `12 {…} 17…-0`   the record, at its 12th event, and where in the log that event is
 *   `0 >tr-…` a pointer: it lives under that id
 *   `0 ?ba-…` a claim: a registration is under way that will put a pointer here
 *   `12 +{…`  a tombstone: the record has left for the archive
 * What is personal is sealed before it comes here. `v` is the version of the form; a reader knows the one before its own.
 */
import type { BatchTotals } from '../../domain/batch.ts'
import type { CaseEvent, IntentEvent, LoggedEvent, SubscriptionEvent } from '../../domain/event.ts'
import type { IntentId } from '../../domain/ids.ts'
import type { Intent } from '../../domain/intent.ts'
import type { Money } from '../../domain/money.ts'
import { amountOf } from '../../domain/transfer.ts'
import { fromOtherWire, type OtherWire, toOtherWire } from './other-wire.ts'
import { decodeTombstone, type Tombstone, tombstoneMark } from './tombstone.ts'
import { fromTransferWire, type TransferWire, toTransferWire } from './transfer-wire.ts'

export type Stored =
  /** `last`: where in the log its last event is; missing where that was not noted. */
  | { form: 'record'; intent: Intent; last: string | undefined }
  | { form: 'pointer'; to: IntentId }
  | { form: 'claim'; by: string }
  | { form: 'tombstone'; left: Tombstone }

export type Wire = TransferWire | OtherWire

/** The record and the event of one change, with the record's JSON made once. */
export function encodeStep(event: IntentEvent): { record: string; event: string } {
  const wire = encodeWire(event.intent)
  const { fact, because, at, intent, totals } = event
  const about = JSON.stringify({
    id: intent.id,
    fact,
    because,
    at,
    ...(totals && { totals: showTotals(totals) }),
  })
  return { record: `${intent.sequence} ${wire}`, event: `${about.slice(0, -1)},"w":${wire}}` }
}

export function encodeOtherEvent(event: CaseEvent | SubscriptionEvent): string {
  return JSON.stringify(event)
}

export function encodeWire(intent: Intent): string {
  return JSON.stringify(intent.kind === 'transfer' ? toTransferWire(intent) : toOtherWire(intent))
}

export function decodeStored(id: IntentId, text: string): Stored {
  const start = text.indexOf(' ') + 1
  const rest = text.slice(start + 1)
  switch (text.charAt(start)) {
    case '>':
      return { form: 'pointer', to: rest as IntentId }
    case '?':
      return { form: 'claim', by: rest }
    case tombstoneMark:
      return { form: 'tombstone', left: decodeTombstone(Number(versionOf(text)), rest) }
    default: {
      const end = text.lastIndexOf('}') + 1
      const intent = decodeWire(id, JSON.parse(text.slice(start, end)) as Wire)
      return { form: 'record', intent, last: text.slice(end + 1) || undefined }
    }
  }
}

export function encodeRecord(intent: Intent): string {
  return `${intent.sequence} ${encodeWire(intent)}`
}

/** What a batch's sums and a list of its transfers need: the same of one that is here and of one that has left. */
export interface Summary {
  state: Intent['state']
  /** Of a transfer, what counts in sums; and what was registered, where that is another amount. */
  amount?: Money
  registered?: Money
}

/** Undefined for what is no intent itself: a pointer, or the claim of a registration. */
export function summaryOf(stored: Stored): Summary | undefined {
  if (stored.form === 'tombstone') return stored.left
  if (stored.form !== 'record') return undefined
  const { intent } = stored
  if (intent.kind !== 'transfer') return { state: intent.state }
  const { state, amount: registered } = intent
  return { state, amount: amountOf(intent), registered }
}

export function encodePointer(to: IntentId): string {
  return `0 >${to}`
}

export function encodeClaim(by: string): string {
  return `0 ?${by}`
}

/** The version that a commit compares. */
export function versionOf(text: string): string {
  return text.slice(0, text.indexOf(' '))
}

export function decodeEvent(text: string): LoggedEvent {
  const event = JSON.parse(text) as CaseEvent | SubscriptionEvent | LoggedIntent
  if ('case' in event || 'subscription' in event) return event
  const { id, fact, because, at, totals, w } = event
  const intent = decodeWire(id, w)
  return { fact, intent, ...(totals && { totals: readTotals(totals) }), because, at }
}

/** Where in the log the event before it is that is about the same; undefined where that was not noted. */
export function readPlaceBefore(text: string): string | undefined {
  return (JSON.parse(text) as { p?: string }).p
}

interface LoggedIntent extends Omit<IntentEvent, 'intent' | 'totals'> {
  id: IntentId
  totals?: ShownTotals
  w: Wire
}

export function decodeWire(id: IntentId, wire: Wire): Intent {
  return 'k' in wire ? fromOtherWire(id, wire) : fromTransferWire(id, wire)
}

type ShownTotals = Record<string, [count: number, minor: string]>

function showTotals(totals: BatchTotals): ShownTotals {
  return Object.fromEntries(
    Object.entries(totals).map(([state, { count, minor }]) => [state, [count, minor.toString()]]),
  )
}

function readTotals(shown: ShownTotals): BatchTotals {
  return Object.fromEntries(
    Object.entries(shown).map(([state, [count, minor]]) => [state, { count, minor: BigInt(minor) }]),
  ) as BatchTotals
}
