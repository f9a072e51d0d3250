/** What the archive keeps of an intent: the record as it lay here, what it has heard, and of a batch its transfers. */
import { AppError } from '../../domain/errors.ts'
import type { IntentId } from '../../domain/ids.ts'
import type { Intent } from '../../domain/intent.ts'
import type { KeptLine } from '../archive.ts'
import { decodeWire, encodeWire, type Wire } from './codec.ts'
import { decodeReceipt, type ReceiptRecord } from './receipt.ts'
import type { Tombstone } from './tombstone.ts'

/** The texts of the hash, by receipt. */
export type HeardHash = Record<string, string>
/** As the sorted set has it. */
export type Members = [id: string, score: number][]

export interface KeptIntent {
  intent: Intent
  heard: HeardHash
  members: Members
}

interface KeptData {
  v: 1
  record: Wire
  heard: HeardHash
  members?: Members
}

export function toIntentLine({ intent, heard, members }: KeptIntent): KeptLine {
  const { kind, id, account, reference, updatedAt } = intent
  const record = JSON.parse(encodeWire(intent)) as Wire
  const data: KeptData = { v: 1, record, heard, ...(members.length > 0 && { members }) }
  return { kind, id, account, reference, at: updatedAt, data }
}

/** What lies at a tombstone's place has to be what the tombstone stands for, or nothing is decided on it. */
export function readIntentLine(id: IntentId, { sequence }: Tombstone, line: KeptLine): KeptIntent {
  const data = line.data as Partial<KeptData> | null
  if (line.id !== id || data?.v !== 1 || !data.record || !data.heard) throw notWhatLeft(id)
  const intent = decodeWire(id, data.record)
  if (intent.sequence !== sequence) throw notWhatLeft(id)
  return { intent, heard: data.heard, members: data.members ?? [] }
}

export function toReceiptLine(text: string, { reference }: Pick<Intent, 'reference'>): KeptLine {
  const record = decodeReceipt(text)
  const { id, account, decidedAt } = record
  return { kind: receiptLineKind, id, account, reference, at: decidedAt, data: record }
}

export const receiptLineKind = 'receipt'

export function readReceiptLine(id: string, line: KeptLine): ReceiptRecord {
  const record = line.data as ReceiptRecord | null
  if (line.id !== id || line.kind !== receiptLineKind || record?.v !== 2) throw notWhatLeft(id)
  return record
}

function notWhatLeft(id: string): AppError {
  return new AppError('archive-damaged', {
    detail: 'The archive holds something else at this place than what was put there.',
    context: { id },
  })
}
