/**
 * How a transfer rests in Redis: its version, a space, and JSON with short names, since a million of them wait in
 * memory. The beneficiary is sealed for this very transfer. `v` is the version of the form; a reader knows the one
 * before its own.
 */
import { z } from 'zod'
import type { Fact } from '../domain/decide.ts'
import { AppError } from '../domain/errors.ts'
import type { Because, TransferEvent } from '../domain/event.ts'
import type { TransferId } from '../domain/ids.ts'
import { type Beneficiary, holdReasons, type Transfer, transferStates } from '../domain/transfer.ts'

/** What this folder needs of the keyring. */
export interface Sealer {
  seal(plain: Uint8Array, place: string): string
  open(sealed: string, place: string): Uint8Array
}

const wireSchema = z.object({
  v: z.literal(1),
  a: z.string(),
  r: z.string(),
  m: z.string(),
  c: z.string(),
  b: z.string(),
  s: z.enum(transferStates),
  h: z.object({ r: z.enum(holdReasons), t: z.number() }).optional(),
  q: z.number(),
  p: z.string().optional(),
  f: z.string().optional(),
  x: z.object({ code: z.string(), reason: z.string().optional() }).optional(),
  st: z.number().optional(),
  md: z.record(z.string(), z.string()).optional(),
  d: z.string(),
  t: z.number(),
  u: z.number(),
})
type Wire = z.infer<typeof wireSchema>

/** The record and the event of one change, sealed once. */
export function encodeChange(event: TransferEvent, sealer: Sealer): { record: string; event: string } {
  const { fact, because, at, transfer } = event
  const wire = toWire(transfer, sealer)
  return {
    record: `${transfer.sequence} ${JSON.stringify(wire)}`,
    event: JSON.stringify({ id: transfer.id, fact, because, at, t: wire }),
  }
}

export function decodeTransfer(id: TransferId, record: string, sealer: Sealer): Transfer {
  return fromWire(id, parse(record.slice(record.indexOf(' ') + 1)), sealer)
}

export function decodeEvent(text: string, sealer: Sealer): TransferEvent {
  const { id, fact, because, at, t } = JSON.parse(text) as {
    id: TransferId
    fact: Fact
    because: Because
    at: number
    t: unknown
  }
  return { fact, because, at, transfer: fromWire(id, wireSchema.parse(t), sealer) }
}

function parse(json: string): Wire {
  const parsed = wireSchema.safeParse(JSON.parse(json))
  if (!parsed.success)
    throw new AppError('internal-error', { detail: 'A record is not readable by this version.' })
  return parsed.data
}

function toWire(transfer: Transfer, sealer: Sealer): Wire {
  return {
    v: 1,
    a: transfer.account,
    r: transfer.reference,
    m: transfer.amount.minor.toString(),
    c: transfer.amount.currency,
    b: sealer.seal(Buffer.from(JSON.stringify(transfer.beneficiary)), placeOf(transfer.id)),
    s: transfer.state,
    h: transfer.hold && { r: transfer.hold.reason, t: transfer.hold.at },
    q: transfer.sequence,
    p: transfer.providerReference,
    f: transfer.fee?.minor.toString(),
    x: transfer.failure,
    st: transfer.settledAt,
    md: transfer.metadata,
    d: transfer.contentDigest,
    t: transfer.createdAt,
    u: transfer.updatedAt,
  }
}

function fromWire(id: TransferId, wire: Wire, sealer: Sealer): Transfer {
  const transfer: Transfer = {
    id,
    account: wire.a,
    reference: wire.r,
    amount: { minor: BigInt(wire.m), currency: wire.c },
    beneficiary: JSON.parse(Buffer.from(sealer.open(wire.b, placeOf(id))).toString()) as Beneficiary,
    state: wire.s,
    sequence: wire.q,
    contentDigest: wire.d,
    createdAt: wire.t,
    updatedAt: wire.u,
  }
  if (wire.h) transfer.hold = { reason: wire.h.r, at: wire.h.t }
  if (wire.p !== undefined) transfer.providerReference = wire.p
  if (wire.f !== undefined) transfer.fee = { minor: BigInt(wire.f), currency: wire.c }
  if (wire.x) transfer.failure = wire.x
  if (wire.st !== undefined) transfer.settledAt = wire.st
  if (wire.md) transfer.metadata = wire.md
  return transfer
}

/** What a transfer's personal data is sealed for. */
export function placeOf(id: string): string {
  return `transfer:${id}`
}
