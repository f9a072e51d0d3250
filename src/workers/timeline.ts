/** Why an intent is where it is: all that was said of it and all that became of that, in order. */
import type { Case } from '../domain/case.ts'
import type { DeliveryNote } from '../domain/delivery.ts'
import type { IntentEvent } from '../domain/event.ts'
import type { CaseId, IntentId, ReceiptId, SubscriptionId } from '../domain/ids.ts'
import type { Intent } from '../domain/intent.ts'
import type { Cases } from '../store/cases.ts'
import type { ReceiptRecord } from '../store/codec/receipt.ts'
import type { IntentStore } from '../store/intents.ts'
import type { ReadTrail } from '../store/trail.ts'
import type { CaseReceipts } from './case-receipts.ts'
import { type CaseSide, readSide } from './case-sides.ts'

export type TimelineItem =
  | { kind: 'event'; at: number; event: IntentEvent }
  /** A callback, or the answer to a call of ours. */
  | { kind: 'receipt'; at: number; side: CaseSide; record: ReceiptRecord }
  | { kind: 'case'; at: number; case: Case }
  /** One attempt to hand an event of it to a subscription. */
  | { kind: 'delivery'; at: number; subscription: SubscriptionId; note: DeliveryNote }

export interface Timeline {
  intent: Intent
  items: TimelineItem[]
  /** How many events and receipts are older, or could not be found. */
  missing: { events: number; receipts: number }
}

export interface TimelineDeps {
  intents: Pick<IntentStore, 'find' | 'listReceipts'>
  cases: Pick<Cases, 'find'>
  receipts: Pick<CaseReceipts, 'find' | 'read'>
  readTrail: ReadTrail
  /** Of each subscription the newest, as far back as its history reaches. */
  deliveriesOf(
    intent: IntentId,
    limit: number,
  ): Promise<{ subscription: SubscriptionId; notes: readonly (DeliveryNote & { at: number })[] }[]>
}

/** Undefined where there is no such intent. */
export type ReadTimeline = (id: IntentId) => Promise<Timeline | undefined>

/** Of an intent that is spoken of this often the newest are shown. */
const eventsMax = 500
const receiptsMax = 500
const deliveriesMax = 100

export function createReadTimeline(deps: TimelineDeps): ReadTimeline {
  const { intents, cases, receipts, readTrail } = deps
  async function readReceipts(id: IntentId) {
    const all = (await intents.listReceipts(id)).sort()
    const newest = all.slice(-receiptsMax)
    const records = await receipts.find(id, newest)
    const items = await Promise.all(records.map(toItem))
    return { items, missing: all.length - items.length }
  }

  async function toItem(record: ReceiptRecord): Promise<TimelineItem> {
    const side = await readSide(receipts, record.id as ReceiptId, record)
    return { kind: 'receipt', at: record.decidedAt, side, record }
  }

  async function readCases(events: readonly IntentEvent[]): Promise<TimelineItem[]> {
    const ids = new Set(events.flatMap(({ intent }) => (intent.hold ? [intent.hold.case] : [])))
    const found = await Promise.all([...ids].map((id: CaseId) => cases.find(id)))
    return found.flatMap((one) => (one ? [{ kind: 'case' as const, at: one.openedAt, case: one }] : []))
  }

  async function readDeliveries(id: IntentId): Promise<TimelineItem[]> {
    const found = await deps.deliveriesOf(id, deliveriesMax)
    return found.flatMap(({ subscription, notes }) =>
      notes.map((note) => ({
        kind: 'delivery' as const,
        at: note.attempt?.at ?? note.at,
        subscription,
        note,
      })),
    )
  }

  return async (id) => {
    const intent = await intents.find(id)
    if (!intent) return undefined
    const [trail, heard, deliveries] = await Promise.all([
      readTrail(intent, eventsMax),
      readReceipts(intent.id),
      readDeliveries(intent.id),
    ])
    const events = trail.events.map((event): TimelineItem => ({ kind: 'event', at: event.at, event }))
    // In this order where times are the same: what was said, what became of it, who has to see to it, who was told.
    const items = [...heard.items, ...events, ...(await readCases(trail.events)), ...deliveries]
    items.sort((a, b) => a.at - b.at)
    return { intent, items, missing: { events: trail.missing, receipts: heard.missing } }
  }
}
