/**
 * A receipt that was decided on: what became of it, a space, and JSON. The outcome stands in front, so that the script can
 * tell one that waits for a person from one that is settled.
 */
import type { IntentId } from '../../domain/ids.ts'
import type { Intent } from '../../domain/intent.ts'
import type { OpenReceipt, Receipt, ReceiptOutcome } from '../../domain/receipt.ts'

/** A receipt as the store keeps it: with what became of it, and of which intent. Its body is sealed for its person. */
export interface ReceiptRecord extends Receipt {
  v: 2
  intent: IntentId
  /** Whose key the body is sealed under. */
  person: string
  /** Somebody else whom it names, and under whose key it is sealed as well. */
  other?: string
  outcome: ReceiptOutcome
  /** The intent's sequence that was decided on. */
  decidedOn: number
  decidedAt: number
}

export function encodeReceipt(
  { open, outcome, other }: { open: OpenReceipt; outcome: ReceiptOutcome; other?: string | undefined },
  body: string,
  { id, personal }: Pick<Intent, 'id' | 'personal'>,
  decidedOn: number,
  decidedAt: number,
): string {
  const { opened: _, ...head } = open
  const { person } = personal
  const about = JSON.stringify({ ...head, v: 2, intent: id, person, other, decidedOn, decidedAt })
  // What is sealed has no letter that JSON would write otherwise, and is long.
  return `${outcome} ${about.slice(0, -1)},"body":"${body}"}`
}

export function readOutcome(text: string): ReceiptOutcome {
  return text.slice(0, text.indexOf(' ')) as ReceiptOutcome
}

export function decodeReceipt(text: string): ReceiptRecord {
  const record = JSON.parse(text.slice(text.indexOf(' ') + 1)) as Omit<ReceiptRecord, 'outcome'>
  return { ...record, outcome: readOutcome(text) }
}
