import { AppError } from '../../domain/errors.ts'
import type { Failure } from '../../domain/failure.ts'
import type { BatchId, CaseId, IntentId, TransferId } from '../../domain/ids.ts'
import type { HoldReason } from '../../domain/intent.ts'
import { type Submission, submissionSteps } from '../../domain/submission.ts'
import { type Beneficiary, type Transfer, type TransferState, transferStates } from '../../domain/transfer.ts'

/** What is not there takes no room. States and kinds are numbers, since every one of a million records has them. */
export interface TransferWire {
  v: 2
  /** account, reference, minor units, currency */
  a: string
  r: string
  m: string
  c: string
  /** person, what is sealed */
  n: string
  b: string
  /** kind of the payee, digest of the name, another number that was accepted */
  k1?: 1
  nd?: string
  ok?: string
  s: number
  h?: [reason: HoldReason, at: number, id: CaseId]
  q: number
  p?: string | undefined
  f?: string | undefined
  x?: Failure | undefined
  st?: number | undefined
  sm?: string | undefined
  ba?: BatchId | undefined
  ao?: number | undefined
  sb?: string | undefined
  ds?: string[] | undefined
  ra?: number | undefined
  /** what was done to send it; that it is overdue */
  sn?: [step: number, at: number, validUntil: number, force: 0 | 1] | undefined
  od?: 1 | undefined
  d: string
  t: number
  u?: number
}

const stateNumbers = new Map(transferStates.map((state, index) => [state, index]))

export function toTransferWire(transfer: Transfer): TransferWire {
  const { payee, hold, personal } = transfer
  return {
    v: 2,
    a: transfer.account,
    r: transfer.reference,
    m: transfer.amount.minor.toString(),
    c: transfer.amount.currency,
    n: personal.person,
    b: personal.sealed,
    ...(payee.kind === 'wechatpay' && { k1: 1 }),
    ...(payee.nameDigest !== undefined && { nd: payee.nameDigest }),
    ...(payee.accepted !== undefined && { ok: payee.accepted }),
    s: stateNumbers.get(transfer.state) ?? 0,
    ...(hold && { h: [hold.reason, hold.at, hold.case] }),
    q: transfer.sequence,
    p: transfer.providerReference,
    f: transfer.fee?.minor.toString(),
    x: transfer.failure,
    st: transfer.settledAt,
    sm: transfer.settledAmount?.minor.toString(),
    ba: transfer.batch,
    ao: transfer.asOf,
    sb: transfer.settledBy,
    ds: transfer.dismissed,
    ra: transfer.ruledAt,
    sn: transfer.submission && writeSubmission(transfer.submission),
    od: transfer.overdue && 1,
    d: transfer.contentDigest,
    t: transfer.createdAt,
    ...(transfer.updatedAt !== transfer.createdAt && { u: transfer.updatedAt }),
  }
}

export function fromTransferWire(id: IntentId, wire: TransferWire): Transfer {
  const state = transferStates[wire.s]
  if (wire.v !== 2 || !state)
    throw new AppError('internal-error', { detail: 'A record is not readable by this version.' })
  const money = (minor: string) => ({ minor: BigInt(minor), currency: wire.c })
  const transfer: Transfer = {
    kind: 'transfer',
    id: id as TransferId,
    account: wire.a,
    reference: wire.r,
    amount: money(wire.m),
    personal: { person: wire.n, sealed: wire.b },
    payee: readPayee(wire),
    state: state as TransferState,
    sequence: wire.q,
    contentDigest: wire.d,
    createdAt: wire.t,
    updatedAt: wire.u ?? wire.t,
  }
  if (wire.h) transfer.hold = { reason: wire.h[0], at: wire.h[1], case: wire.h[2] }
  if (wire.p !== undefined) transfer.providerReference = wire.p
  if (wire.f !== undefined) transfer.fee = money(wire.f)
  if (wire.x) transfer.failure = wire.x
  if (wire.st !== undefined) transfer.settledAt = wire.st
  if (wire.sm !== undefined) transfer.settledAmount = money(wire.sm)
  if (wire.ba !== undefined) transfer.batch = wire.ba
  if (wire.ao !== undefined) transfer.asOf = wire.ao
  if (wire.sb !== undefined) transfer.settledBy = wire.sb
  if (wire.ds) transfer.dismissed = wire.ds
  if (wire.ra !== undefined) transfer.ruledAt = wire.ra
  if (wire.sn) transfer.submission = readSubmission(wire.sn)
  if (wire.od) transfer.overdue = true
  return transfer
}

function writeSubmission({ step, at, validUntil = 0, force }: Submission): NonNullable<TransferWire['sn']> {
  return [submissionSteps.indexOf(step), at, validUntil, force ? 1 : 0]
}

function readSubmission([step, at, validUntil, force]: NonNullable<TransferWire['sn']>): Submission {
  return {
    step: submissionSteps[step] ?? 'waiting',
    at,
    ...(validUntil > 0 && { validUntil }),
    ...(force === 1 && { force: true }),
  }
}

function readPayee({ k1, nd, ok }: TransferWire): Transfer['payee'] {
  const kind: Beneficiary['kind'] = k1 ? 'wechatpay' : 'bank'
  return { kind, ...(nd !== undefined && { nameDigest: nd }), ...(ok !== undefined && { accepted: ok }) }
}
