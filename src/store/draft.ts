/** What a registration has still to write, kept whole until the last of it is written: a hash of a head and chunks. */

import type { Batch } from '../domain/batch.ts'
import type { IntentEvent } from '../domain/event.ts'
import type { BatchId } from '../domain/ids.ts'
import type { Transfer } from '../domain/transfer.ts'
import { decodeEvent, encodeStep } from './codec/codec.ts'
import { transferIdOf } from './ids.ts'
import type { Place } from './registration.ts'

export interface DraftContent {
  batch: IntentEvent<Batch>
  transfers: readonly IntentEvent<Transfer>[]
}

export interface Draft extends DraftContent {
  attempt: string
  /** Whether the transfers' references are unique in the account, and so lead to them without the batch's. */
  claims: boolean
}

/** Of a hundred kilobytes or less. */
const chunkSize = 100

export function encodeDraft({ attempt, claims, batch, transfers }: Draft): string[] {
  const fields = ['attempt', attempt, 'claims', claims ? '1' : '', 'batch', encodeStep(batch).event]
  for (let start = 0; start < transfers.length; start += chunkSize) {
    const chunk = transfers.slice(start, start + chunkSize).map((event) => encodeStep(event).event)
    fields.push(String(start), chunk.join('\n'))
  }
  return fields
}

export function decodeDraft(hash: Record<string, string>): Draft | undefined {
  const { attempt, claims, batch, ...chunks } = hash
  if (attempt === undefined || batch === undefined) return undefined
  const inOrder = Object.entries(chunks).sort(([a], [b]) => Number(a) - Number(b))
  return {
    attempt,
    claims: claims === '1',
    batch: decodeEvent(batch) as IntentEvent<Batch>,
    transfers: inOrder.flatMap(([, chunk]) =>
      chunk.split('\n').map((text) => decodeEvent(text) as IntentEvent<Transfer>),
    ),
  }
}

export function batchOf({ batch }: DraftContent): BatchId {
  return batch.intent.id
}

/** The references that have to be claimed. */
export function placesOf({ claims, transfers }: Draft): Place[] {
  if (!claims) return []
  return transfers.map(({ intent: { id, account, reference } }, position) => ({
    position,
    own: transferIdOf(account, reference),
    member: id,
  }))
}
