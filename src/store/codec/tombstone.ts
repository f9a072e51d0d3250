/**
 * What stays in Redis of an intent that left for the archive: enough to tell whether a registration repeats it, to add up the
 * batch it is of, and to find the rest.
 */
import type { BatchId } from '../../domain/ids.ts'
import type { Intent } from '../../domain/intent.ts'
import type { Money } from '../../domain/money.ts'
import { amountOf } from '../../domain/transfer.ts'

export interface Tombstone {
  sequence: number
  contentDigest: string
  state: Intent['state']
  /** Of a transfer, what counts in sums; and what was registered, where that is another amount. */
  amount?: Money
  registered?: Money
  batch?: BatchId
  /** Of the line in the archive. */
  place: string
}

interface TombstoneWire {
  v: 1
  d: string
  s: Intent['state']
  m?: string
  c?: string
  r?: string
  ba?: BatchId | undefined
  at: string
}

export const tombstoneMark = '+'

export function encodeTombstone(intent: Intent, place: string): string {
  const amount = intent.kind === 'transfer' ? amountOf(intent) : undefined
  const wire: TombstoneWire = {
    v: 1,
    d: intent.contentDigest,
    s: intent.state,
    ...(amount && { m: amount.minor.toString(), c: amount.currency }),
    ...(intent.kind === 'transfer' && { ba: intent.batch }),
    ...(intent.kind === 'transfer' && intent.settledAmount && { r: intent.amount.minor.toString() }),
    at: place,
  }
  return `${intent.sequence} ${tombstoneMark}${JSON.stringify(wire)}`
}

export function decodeTombstone(sequence: number, json: string): Tombstone {
  const { d, s, m, c, r, ba, at } = JSON.parse(json) as TombstoneWire
  return {
    sequence,
    contentDigest: d,
    state: s,
    ...(m !== undefined && c !== undefined && { amount: { minor: BigInt(m), currency: c } }),
    ...(r !== undefined && c !== undefined && { registered: { minor: BigInt(r), currency: c } }),
    ...(ba !== undefined && { batch: ba }),
    place: at,
  }
}
