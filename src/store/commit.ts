/** What is written together is written here, by one script: state, events, receipt, memory, totals, case and counts. */

import type { BatchTotals } from '../domain/batch.ts'
import type { Case } from '../domain/case.ts'
import type { Step } from '../domain/decision.ts'
import { AppError } from '../domain/errors.ts'
import type { Because } from '../domain/event.ts'
import type { Intent } from '../domain/intent.ts'
import type { OpenReceipt, Receipt, ReceiptOutcome } from '../domain/receipt.ts'
import type { Heard, RepeatClass } from '../domain/repeats.ts'
import { hasEnded, mayBeSent, type SubmissionStep } from '../domain/submission.ts'
import { amountOf, finalTransferStates, type Transfer } from '../domain/transfer.ts'
import { writeCase } from './case-write.ts'
import { encodeRecord, encodeStep } from './codec/codec.ts'
import { encodeHeard, untold } from './codec/heard.ts'
import type { KeptIntent } from './codec/kept-intent.ts'
import { encodeReceipt, readOutcome } from './codec/receipt.ts'
import { delayField } from './delay-counts.ts'
import { delayOf } from './delays.ts'
import type { Keys } from './keys.ts'
import { encodeLink, linksOf } from './links.ts'
import { repeatField } from './repeat-counts.ts'
import { createTransaction, type Transaction, type TransactionOutcome } from './transaction.ts'

export interface CommitRequest {
  /** The intent as it was decided on. Missing where it is new: nothing may be there then, but for the claim. */
  before?: Intent
  /** The claim, as text, that a new intent takes the place of. */
  claim?: string
  /** What changed, in order; none where nothing did. */
  steps: readonly Step[]
  because: Because
  /** Recorded with what became of it, unless it is only counted. */
  receipt?: RecordedReceipt
  /** Counted for the account. */
  repeat?: RepeatClass
  /** The provider is to be asked; of a batch about each of its transfers. */
  ask?: boolean
  /** Written if it is still as it was read. */
  case?: { before?: Case; after: Case }
  /** Of a batch: its totals as they were decided on. */
  totals?: { before: BatchTotals; version: string }
  /** Nothing follows from those totals that is not in the steps. */
  settled?: true
  /** Receipts that are to be decided anew. */
  ready?: readonly Receipt[]
  /** More is written in the same step, which then says that the log has grown. */
  silent?: true
  at: number
}

export interface RecordedReceipt {
  open: OpenReceipt
  outcome: ReceiptOutcome
  heard?: Heard
  /** Somebody else than the intent is about whom it names, as a keyed digest. */
  other?: string | undefined
}

/** Of an intent that has left: the text that stands for it, and what comes back with it. */
export interface Revival {
  tombstone: string
  kept: KeptIntent
}

export type CommitOutcome =
  | { outcome: 'committed' }
  /** Something has changed meanwhile: read and decide again. */
  | { outcome: 'moved-on' }
  | { outcome: 'recorded-before'; result: ReceiptOutcome }

export interface CommitOptions {
  /** Where it is part of more. */
  into?: Transaction | undefined
  /** Of an intent that comes back from the archive. */
  revival?: Revival | undefined
}

/** The checks come in this order; the first is the receipt's, where there is one. */
export function composeCommit(
  keys: Keys,
  request: CommitRequest,
  body: string | undefined,
  { into: transaction = createTransaction(), revival }: CommitOptions = {},
): Transaction {
  const { before, steps, receipt, at } = request
  const intent = steps.at(-1)?.intent ?? before
  if (!intent) throw new AppError('internal-error', { detail: 'A commit is about nothing.' })
  const partition = keys.partitionOf(intent.id)
  if (receipt) {
    transaction.check('unsettled', keys.receipt(partition, receipt.open.id))
  }
  const record = keys.intent(intent.id)
  if (revival) transaction.check('same', record, revival.tombstone)
  else if (before) transaction.check('version', record, String(before.sequence))
  else if (request.claim !== undefined) transaction.check('same', record, request.claim)
  else transaction.check('absent', record)
  if (request.totals && intent.kind === 'batch')
    transaction.check('field', keys.totals(intent.id), 'version', request.totals.version)

  if (revival && (steps.length > 0 || receipt)) revive(transaction, keys, revival, at)
  writeSteps(transaction, keys, request, intent)
  if (request.case) writeCase(transaction, keys, { ...request.case, because: request.because, at })
  if (receipt && body !== undefined) {
    const text = encodeReceipt(receipt, body, intent, before?.sequence ?? 0, at)
    transaction.do('SET', keys.receipt(partition, receipt.open.id), text)
    const heard = receipt.heard ? encodeHeard(receipt.heard) : untold
    transaction.do('HSET', keys.heard(intent.id), receipt.open.id, heard)
  }
  if (request.repeat)
    transaction.do('HINCRBY', keys.repeats(partition), repeatField(intent.account, request.repeat), 1)
  for (const one of request.ready ?? [])
    transaction.do('HSET', keys.ready(partition), one.id, JSON.stringify(one))
  if (request.ask) ask(transaction, keys, intent, at)
  if (request.settled) transaction.do('SREM', keys.dueBatches(partition), intent.id)
  if ((steps.length > 0 || request.case) && !request.silent)
    transaction.publish(keys.wakeChannel, String(partition))
  return transaction
}

/** A command takes this many arguments at once and not many more. */
const argumentsAtOnce = 1_000

/** Back from the archive, as it left and with its memory; the steps are written over it. It may leave again in time. */
function revive(transaction: Transaction, keys: Keys, { kept }: Revival, at: number): void {
  const { intent, heard, members } = kept
  transaction.do('SET', keys.intent(intent.id), encodeRecord(intent))
  transaction.do('ZADD', keys.final(keys.partitionOf(intent.id), intent.account), at, intent.id)
  for (const some of chunk(Object.entries(heard).flat()))
    transaction.do('HSET', keys.heard(intent.id), ...some)
  if (intent.kind !== 'batch') return
  transaction.do('ZADD', keys.audits(keys.partitionOf(intent.id)), 0, intent.id)
  for (const some of chunk(members.flatMap(([id, score]) => [score, id])))
    transaction.do('ZADD', keys.members(intent.id), ...some)
}

/** Each of an even number. */
function chunk<Each>(all: readonly Each[]): Each[][] {
  const count = Math.ceil(all.length / argumentsAtOnce)
  return Array.from({ length: count }, (_, i) => all.slice(i * argumentsAtOnce, (i + 1) * argumentsAtOnce))
}

export function readCommit(answer: TransactionOutcome, request: CommitRequest): CommitOutcome {
  if (answer.outcome === 'written') return { outcome: 'committed' }
  if (request.receipt && answer.check === 1)
    return { outcome: 'recorded-before', result: readOutcome(answer.found ?? '') }
  return { outcome: 'moved-on' }
}

function writeSteps(
  transaction: Transaction,
  keys: Keys,
  { before, steps, because, totals, at }: CommitRequest,
  after: Intent,
): void {
  if (steps.length === 0) return
  const partition = keys.partitionOf(after.id)
  // First: where a sum does not fit, Redis refuses it, and what a script has written by then would stay.
  if (after.kind === 'transfer') tally(transaction, keys, before as Transfer | undefined, after)
  let record = ''
  for (const { fact, intent } of steps) {
    const written = encodeStep({ fact, intent, because, at, ...(totals && { totals: totals.before }) })
    record = written.record
    transaction.log(keys.events(partition), keys.intent(after.id), written.event)
  }
  transaction.keep(keys.intent(after.id), record)
  if (after.kind === 'transfer') {
    // Who was paid in truth is found like who was registered.
    const { accepted } = after.payee
    if (accepted !== undefined && accepted !== (before as Transfer | undefined)?.payee.accepted)
      transaction.do('ZADD', keys.payee(partition, accepted), after.createdAt, after.id)
  }
  if (after.kind === 'batch')
    transaction.do('HSET', keys.totals(after.id), 'watch', watches(after.state) ? 'any' : 'last')
  for (const link of linksOf(before, after))
    transaction.do('SADD', keys.dueLinks(partition), encodeLink(link))
  const delay = because.source === 'callback' ? delayOf(before, after, at) : undefined
  if (delay) transaction.do('HINCRBY', keys.delays(partition), delayField(after.account, delay), 1)
  place(transaction, keys, before, after, because.source === 'callback')
}

/** Before the first movement and after the last, any movement matters. In between only the last one does. */
function watches(state: string): boolean {
  return state !== 'processing'
}

function tally(transaction: Transaction, keys: Keys, before: Transfer | undefined, after: Transfer): void {
  if (!after.batch) return
  const from = before && { state: before.state, minor: amountOf(before).minor }
  const to = { state: after.state, minor: amountOf(after).minor }
  if (from?.state === to.state && from.minor === to.minor) return
  const final =
    Number(finalTransferStates.has(to.state)) - Number(from ? finalTransferStates.has(from.state) : false)
  transaction.tally(keys.totals(after.batch), {
    due: keys.dueBatches(keys.partitionOf(after.id)),
    batch: after.batch,
    from,
    to,
    final: final as 1 | 0 | -1,
  })
}

/** Among those to be asked about while it is pending, among those that may leave once it is final. */
function place(
  transaction: Transaction,
  keys: Keys,
  before: Intent | undefined,
  after: Intent,
  isHeard: boolean,
): void {
  const partition = keys.partitionOf(after.id)
  const was = before && isSettled(before)
  const is = isSettled(after)
  if (is) {
    transaction.do('ZADD', keys.final(partition, after.account), after.updatedAt, after.id)
    if (was) return
    const watch = keys.watch(partition, after.account)
    if (mayComeBack(after)) transaction.do('ZADD', watch, after.updatedAt, after.id)
    else if (isHeard && isUnexplained(after)) transaction.do('ZADD', watch, explainAt(after), after.id)
    else transaction.do('ZREM', watch, after.id)
    if (after.overdue) transaction.do('ZREM', keys.overdue(partition, after.account), after.id)
    return
  }
  if (was) transaction.do('ZREM', keys.final(partition, after.account), after.id)
  const watch = keys.watch(partition, after.account)
  // Now, also where it was due before: whoever saw it there decided on what it was then, and must not put it off.
  if (isToBeSent(after) && !(before && isToBeSent(before)))
    transaction.do('ZADD', watch, after.updatedAt, after.id)
  else if (!before || was) transaction.do('ZADD', watch, after.createdAt + firstLookMs, after.id)
  if (after.overdue && !before?.overdue)
    transaction.do('ZADD', keys.overdue(partition, after.account), after.updatedAt, after.id)
}

/** Something of ours is to be done about it, and nobody else's word is waited for. */
function isToBeSent({ submission, hold }: Intent): boolean {
  return submission !== undefined && !hold && toBeSent.has(submission.step)
}
const toBeSent: ReadonlySet<SubmissionStep> = new Set(['waiting', 'reserved', 'refused', 'withdrawn'])

/** A provider that knows batches tells of all of it at once; of a mere grouping each transfer is asked about. */
function ask(transaction: Transaction, keys: Keys, intent: Intent, at: number): void {
  const { id, account } = intent
  const partition = keys.partitionOf(id)
  // Also where it is due already: whoever looked at it before this must see that it is another wish, and not put it off.
  transaction.do('ZADD', keys.watch(partition, account), at, id)
  if (intent.kind === 'batch' && !intent.wechatpay) transaction.do('SADD', keys.askedBatches(partition), id)
}

/** Until then a provider is left in peace; an account may want that longer, and the watch keeps to it. */
export const firstLookMs = 30_000

/** Of these a bank may send money back that had arrived, and nobody calls: they are looked at for some time longer. */
export function mayComeBack(intent: Intent): boolean {
  return (
    intent.kind === 'batch' && intent.wechatpay !== undefined && intent.state === 'finished' && !intent.hold
  )
}

/** What we sent has ended, and its fee or why it failed is not known: some providers tell that to who asks and in no callback. */
export function isUnexplained(intent: Intent): boolean {
  if (intent.kind !== 'transfer' || !mayBeSent(intent)) return false
  if (intent.state === 'succeeded') return intent.fee === undefined
  return intent.state === 'failed' && intent.failure?.reason === undefined
}

export function explainAt({ updatedAt }: Pick<Intent, 'updatedAt'>): number {
  return updatedAt + firstLookMs
}

/** Nothing more is awaited of it, from a provider or a person. */
export function isSettled(intent: Intent): boolean {
  return !intent.hold && hasEnded(intent)
}
