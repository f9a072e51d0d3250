/**
 * What is to be done next about an intent: pure. Nothing is ordered but from a step in which it is certain that it was not
 * ordered before; where the provider takes the same order a second time as the first, also after it has just said that it
 * does not know it. What a person has to decide, and what is final, is not sent.
 */
import type { Batch, BatchTotals } from '../../domain/batch.ts'
import type { Coupon } from '../../domain/coupon.ts'
import type { Intent } from '../../domain/intent.ts'
import { expiryOf, mayBeSent, reservationMarginMs, submissionHolds } from '../../domain/submission.ts'
import { finalTransferStates, type Transfer } from '../../domain/transfer.ts'
import type { Client, Question } from '../../providers/client.ts'
import { isSettled, isUnexplained, mayComeBack } from '../../store/commit.ts'
import { dayMs, hourMs, memberTimes, nextDeadline, nextQuestion, sinceOf, type WatchTimes } from './times.ts'

/** What an account's provider can be told and asked, and how patient the account is. */
export interface Terms extends Pick<Client, 'orders' | 'questions' | 'reservationMs' | 'explains'> {
  watch: WatchTimes
}

export interface View {
  intent: Intent
  /** Of a batch. */
  totals?: BatchTotals | undefined
  /** When the provider was asked about it last, where that was not long ago. */
  askedAt?: number | undefined
  /** Somebody wants it asked about before its time. */
  isWished?: boolean
  /** It has just said that it does not know it. */
  isNotKnown?: true
}

export type Next =
  | { do: 'reserve' | 'pay' | 'pay-batch' | 'grant' }
  /** The same again that may have been sent before. */
  | { do: 'pay-batch-again' | 'grant-again' }
  | { do: 'ask'; question: Exclude<Question['call'], 'batch-page' | 'collection'> }
  /** A grouping of ours: each of its transfers is to be sent. */
  | { do: 'fan-out' }
  /** The transfers of a batch that was refused or taken back. */
  | { do: 'follow' }
  | { do: 'expire' }
  | { do: 'rest'; until: number }
  | { do: 'drop' }

/** `marks`: what follows from its age, beside that. */
export interface Plan {
  marks: ('overdue' | 'silent')[]
  next: Next
}

export const usualReservationMs = 30 * 60_000

export function plan(view: View, terms: Terms, now: number): Plan {
  const { intent } = view
  if (isSettled(intent)) return { marks: [], next: nextOfSettled(view, terms, now) }
  return { marks: marksOf(view, terms, now), next: nextOf(view, terms, now) }
}

/** It is watched all the same: something was heard that only the provider can explain. It is asked once, and not for the asking. */
function nextOfSettled(view: View, terms: Terms, now: number): Next {
  const { intent, askedAt } = view
  const question = questionAbout(intent)
  if (isUnexplained(intent) && !view.isWished && !terms.explains) return { do: 'drop' }
  if (!question || !canBeAsked(intent, question, terms)) return { do: 'drop' }
  const again = askedAt === undefined ? now : askedAt + quietMsOf(intent, terms)
  const from = mayComeBack(intent) ? Math.max(again, intent.updatedAt + terms.watch.everyMs) : again
  return now < from ? { do: 'rest', until: from } : { do: 'ask', question }
}

function questionAbout(intent: Intent): 'transfer' | 'batch' | 'coupon' | undefined {
  if (intent.kind === 'transfer' || intent.kind === 'batch') return intent.kind
  return intent.kind === 'coupon' && intent.couponNumber !== undefined ? 'coupon' : undefined
}

/** Where a provider knows batches it knows a transfer by its place in one. What is in none would hold up all other questions. */
function canBeAsked(
  intent: Intent,
  question: 'transfer' | 'batch' | 'coupon',
  { questions }: Pick<Terms, 'questions'>,
): boolean {
  const hasPlace = intent.kind !== 'transfer' || intent.batch !== undefined || !questions.has('batch')
  return questions.has(question) && hasPlace
}

/** For how long it is not asked about again, whoever wishes for it: anybody may send old callbacks. */
export function quietMsOf(intent: Intent, { watch }: Pick<Terms, 'watch'>): number {
  return isSettled(intent) && !mayComeBack(intent) ? Math.max(hourMs, watch.everyMs) : watch.everyMs
}

/** Where nothing else is to be done until its next deadline. */
export function rest(intent: Intent, { watch }: Pick<Terms, 'watch'>, now: number): Next {
  return { do: 'rest', until: nextDeadline(sinceOf(intent), now, watch) }
}

function nextOf(view: View, terms: Terms, now: number): Next {
  const { intent } = view
  if (intent.hold && submissionHolds.has(intent.hold.reason)) return nextOfRefused(view, terms, now)
  switch (intent.kind) {
    case 'transfer':
      return nextOfTransfer(intent, view, terms, now)
    case 'batch':
      return isGrouping(terms) ? nextOfGrouping(intent, terms, now) : nextOfBatch(intent, view, terms, now)
    case 'coupon':
      return nextOfCoupon(intent, view, terms, now)
    case 'collection':
      return { do: 'drop' }
  }
}

/** Of a batch an earlier order may have been taken all the same: whoever has to decide is shown that. */
function nextOfRefused(view: View, terms: Terms, now: number): Next {
  const { intent, isNotKnown } = view
  const isAsked = intent.kind === 'batch' && intent.submission?.step === 'sending' && !isNotKnown
  return isAsked ? askFrom(view, 'batch', terms.watch.firstMs, terms, now) : rest(intent, terms, now)
}

function nextOfTransfer(intent: Transfer, view: View, terms: Terms, now: number): Next {
  const { submission, hold } = intent
  // Asked about where there is something to ask: what comes is shown to whoever has to decide.
  if (hold || finalTransferStates.has(intent.state)) return askTransfer(intent, view, terms, now)
  switch (submission?.step) {
    case 'waiting':
      // Somebody else has sent it: a callback tells that the money is under way.
      if (intent.state === 'processing') return askTransfer(intent, view, terms, now)
      return terms.orders.has('reserve') ? { do: 'reserve' } : rest(intent, terms, now)
    case 'reserving':
    case 'reserved':
      return nextOfReservation(intent, view, terms, now)
    default:
      return askTransfer(intent, view, terms, now)
  }
}

/** It is the provider's money as long as it was not ordered to be paid, so there is nothing to ask. */
function nextOfReservation(intent: Transfer, view: View, terms: Terms, now: number): Next {
  const { submission, state, providerReference } = intent
  const until = submission && expiryOf(submission, terms.reservationMs ?? usualReservationMs)
  // A callback has told more than we know of: the money is under way.
  if (until === undefined || state !== 'submitted') return askTransfer(intent, view, terms, now)
  if (now >= until) return { do: 'expire' }
  const isUsable =
    submission?.step === 'reserved' && until - now >= reservationMarginMs && providerReference !== undefined
  return isUsable && terms.orders.has('pay') ? { do: 'pay' } : { do: 'rest', until }
}

function askTransfer(intent: Transfer, view: View, terms: Terms, now: number): Next {
  const isMember = intent.batch !== undefined && !isGrouping(terms)
  const isUnsent = isMember && intent.state === 'registered' && terms.orders.has('pay-batch')
  if (isUnsent && !view.isWished) return rest(intent, terms, now)
  const { firstMs } = terms.watch
  return askFrom(
    view,
    'transfer',
    isMember ? Math.max(memberTimes * terms.watch.everyMs, firstMs) : firstMs,
    terms,
    now,
  )
}

function askFrom(
  { intent, askedAt, isWished }: View,
  question: 'transfer' | 'batch' | 'coupon',
  firstMs: number,
  terms: Terms,
  now: number,
): Next {
  if (!canBeAsked(intent, question, terms)) return rest(intent, terms, now)
  const again = askedAt === undefined ? 0 : askedAt + terms.watch.everyMs
  const from = Math.max(isWished ? 0 : sinceOf(intent) + firstMs, again)
  return now < from ? { do: 'rest', until: from } : { do: 'ask', question }
}

/** Its provider knows no batches. */
export function isGrouping({ orders, questions }: Pick<Terms, 'orders' | 'questions'>): boolean {
  return !orders.has('pay-batch') && !questions.has('batch')
}

function nextOfGrouping(intent: Batch, terms: Terms, now: number): Next {
  const isWanted = intent.submission?.step === 'waiting' && !intent.hold
  return isWanted && terms.orders.has('reserve') ? { do: 'fan-out' } : rest(intent, terms, now)
}

function nextOfBatch(intent: Batch, view: View, terms: Terms, now: number): Next {
  const step = intent.submission?.step
  // Where its transfers are under way somebody else has sent it.
  if (!intent.hold && step === 'waiting' && intent.state !== 'processing')
    return terms.orders.has('pay-batch') ? { do: 'pay-batch' } : rest(intent, terms, now)
  if (step === 'refused' || step === 'withdrawn') return { do: 'follow' }
  // Nobody has sent it, as far as we know and as far as we would.
  if (!step && intent.state === 'registered' && terms.orders.has('pay-batch') && view.isNotKnown)
    return { do: 'rest', until: nextQuestion(sinceOf(intent), now, terms.watch) }
  if (view.isNotKnown) return nextOfLostBatch(intent, view, terms, now)
  return askFrom(view, 'batch', terms.watch.firstMs, terms, now)
}

/** The provider does not have it, so it was lost on the way, or is still on it. */
function nextOfLostBatch(intent: Batch, { totals }: View, terms: Terms, now: number): Next {
  const { submission, state, hold } = intent
  const isLost = submission?.step === 'sending' && state === 'submitted' && !hold && isUntouched(totals)
  if (!isLost || !terms.orders.has('pay-batch') || isForgotten(submission.at, now))
    return { do: 'rest', until: nextQuestion(sinceOf(intent), now, terms.watch) }
  const from = submission.at + terms.watch.everyMs
  return now < from ? { do: 'rest', until: from } : { do: 'pay-batch-again' }
}

/** A provider answers for 30 days: what it does not know after that it may have carried out. */
function isForgotten(sentAt: number, now: number): boolean {
  return now - sentAt >= rememberedMs
}
const rememberedMs = 28 * dayMs

/** None of its transfers has been heard of, so what was sent can be sent again as it was. */
function isUntouched(totals: BatchTotals | undefined): boolean {
  if (!totals) return false
  const { registered: _, submitted: __, cancelled: ___, ...touched } = totals
  return Object.values(touched).every(({ count }) => count === 0)
}

function nextOfCoupon(intent: Coupon, view: View, terms: Terms, now: number): Next {
  const { isNotKnown } = view
  const { submission, hold, couponNumber } = intent
  if (couponNumber !== undefined && !isNotKnown)
    return askFrom(view, 'coupon', terms.watch.firstMs, terms, now)
  if (hold || isNotKnown || !terms.orders.has('grant')) return rest(intent, terms, now)
  if (submission?.step === 'waiting') return { do: 'grant' }
  if (submission?.step !== 'sending' || intent.state !== 'submitted') return rest(intent, terms, now)
  if (isForgotten(submission.at, now)) return rest(intent, terms, now)
  // Without a number it cannot be asked about; the same grant again is answered with the number.
  const from = submission.at + terms.watch.everyMs
  return now < from ? { do: 'rest', until: from } : { do: 'grant-again' }
}

function marksOf({ intent }: View, terms: Terms, now: number): Plan['marks'] {
  const { watch } = terms
  if (intent.kind === 'collection' || intent.hold || isOfAnother(intent, terms)) return []
  const age = now - sinceOf(intent)
  const marks: Plan['marks'] = []
  if (!intent.overdue && age >= watch.overdueMs) marks.push('overdue')
  // What waits for us is not the provider's silence.
  const isTheirs = !intent.submission || mayBeSent(intent) || intent.state === 'processing'
  if (age >= watch.giveUpMs && isTheirs) marks.push('silent')
  return marks
}

/** A mere grouping says by its transfers that it is late, and a transfer that waits for its batch by that. */
function isOfAnother(intent: Intent, terms: Terms): boolean {
  if (intent.kind === 'batch') return isGrouping(terms)
  const isMember = intent.kind === 'transfer' && intent.batch !== undefined && terms.orders.has('pay-batch')
  return isMember && intent.state === 'registered'
}

/** What needs a call, and which kind. */
export function laneOf(next: Next): 'send' | 'ask' | undefined {
  switch (next.do) {
    case 'reserve':
    case 'pay':
    case 'pay-batch':
    case 'grant':
    case 'pay-batch-again':
    case 'grant-again':
      return 'send'
    case 'ask':
      return 'ask'
    default:
      return undefined
  }
}

/** When it is looked at again after a call that told nothing new. */
export function afterQuestion(intent: Intent, { watch }: Pick<Terms, 'watch'>, now: number): number {
  if (intent.hold) return now + (now - intent.hold.at >= dayMs ? dayMs : Math.max(hourMs, watch.everyMs))
  return nextQuestion(sinceOf(intent), now, watch)
}
