/**
 * A provider that takes a batch as a whole and grants coupons. The same number twice is the same order to it, and it keeps what
 * it has once refused for good. Of the transfers it calls nobody: it is asked, page by page.
 */
import type { Sighting } from '../../../src/domain/observation.ts'
import type { CallResult, Order, Question } from '../../../src/providers/client.ts'
import { account } from '../../model/things.ts'
import { ensure, show } from '../failure.ts'
import { accountNumbers } from '../words.ts'
import { createBook } from './book.ts'
import { answered, type Desk, type Mood, refused, unexpected } from './provider.ts'

type PayBatch = Extract<Order, { call: 'pay-batch' }>
type BatchStatus = 'accepted' | 'processing' | 'finished' | 'closed'

interface KnownBatch {
  order: PayBatch
  status: BatchStatus
  at: number
}

/** What was signed so long ago is not taken any more. */
const signedMs = 25_000
const pageSize = 2
const second = (ms: number) => ms - (ms % 1000)

export function createWholeDesk(clock: () => number): Desk {
  const book = createBook()
  const batches = new Map<string, KnownBatch>()
  const coupons = new Map<string, string>()
  const refusedForGood = new Set<string>()

  /** As it stands before this order; undefined where it is to be taken. */
  function refuse(reference: string, of: 'batch' | 'coupon', mood: Mood | undefined): CallResult | undefined {
    if (mood === 'failed') refusedForGood.add(reference)
    if (refusedForGood.has(reference)) return refused('failed', of, reference)
    const isNo = mood === 'same' || mood === 'operator' || mood === 'ask'
    return isNo ? refused(mood, of, reference) : undefined
  }

  function payBatch(order: PayBatch, mood: Mood | undefined): CallResult {
    const { reference, transfers } = order
    const known = batches.get(reference)
    const { notAfter: _, ...content } = order
    if (known) {
      ensure(show(known.order) === show(content), () => `${reference} came again and was another.`)
      return answered({ ...describeBatch(known), status: 'accepted', source: 'submission' })
    }
    const no = refuse(reference, 'batch', mood)
    if (no) return no
    const taken: KnownBatch = { order: content, status: 'accepted', at: second(clock()) }
    batches.set(reference, taken)
    for (const one of transfers) book.pay(one.reference, taken.at)
    return mood === 'ask-taken' ? refused('ask', 'batch', reference) : answered(acceptedOf(taken))
  }

  const acceptedOf = (one: KnownBatch): Sighting => ({ ...describeBatch(one), source: 'submission' })

  function grant(reference: string, mood: Mood | undefined): CallResult {
    const no = coupons.has(reference) ? undefined : refuse(reference, 'coupon', mood)
    if (no) return no
    if (!coupons.has(reference)) {
      coupons.set(reference, `N-${reference}`)
      book.pay(reference, second(clock()))
      book.move(reference, 'succeeded', second(clock()))
    }
    return mood === 'ask-taken'
      ? refused('ask', 'coupon', reference)
      : answered(describeCoupon(reference, 'submission'))
  }

  function describeCoupon(reference: string, source: 'submission' | 'query'): Sighting {
    const couponNumber = coupons.get(reference) ?? ''
    return { kind: 'coupon-grant', source, account, reference, status: 'granted', couponNumber }
  }

  function describeBatch({ order, status, at }: KnownBatch) {
    const { reference, transfers } = order
    return {
      kind: 'batch' as const,
      source: 'query' as const,
      account,
      reference,
      status,
      providerReference: `B-${reference}`,
      figures: { count: transfers.length },
      occurredAt: at,
    }
  }

  function describeDetail(batch: string, reference: string): Sighting {
    const paid = book.of(reference)
    ensure(paid, () => `${reference} is asked about and was never ordered.`)
    const { state, at } = paid
    return {
      kind: 'transfer',
      source: 'query',
      account,
      reference,
      batch,
      status: state,
      providerReference: `D-${reference}`,
      occurredAt: at,
    }
  }

  /** Of one by itself it says more than in a list. */
  function describeOne(batch: string, reference: string): Sighting {
    const seen = describeDetail(batch, reference)
    const failure = { code: 'unknown' as const, reason: 'ACCOUNT_FROZEN' }
    const isFailed = book.of(reference)?.state === 'failed'
    return {
      ...seen,
      payee: { kind: 'bank', number: accountNumbers.own },
      ...(isFailed && { failure }),
    } as Sighting
  }

  function answerPage(known: KnownBatch, from: number): CallResult {
    ensure(known.status === 'finished', 'Pages are asked for before the end.')
    const { reference, transfers } = known.order
    const some = transfers.slice(from, from + pageSize)
    const next = from + pageSize < transfers.length ? { next: from + pageSize } : {}
    return {
      ...answered(...some.map((one) => describeDetail(reference, one.reference))),
      ...next,
    } as CallResult
  }

  function answer(question: Question): CallResult {
    if (question.call === 'coupon') return answered(describeCoupon(question.reference, 'query'))
    if (question.call === 'collection') return unexpected(question.call)
    const known = batches.get((question.call === 'transfer' ? question.batch : question.reference) ?? '')
    if (!known) return { outcome: 'not-known' }
    if (question.call === 'batch') return answered(describeBatch(known))
    if (question.call === 'batch-page') return answerPage(known, question.from)
    const { reference, transfers } = known.order
    return transfers.some((one) => one.reference === question.reference)
      ? answered(describeOne(reference, question.reference))
      : { outcome: 'not-known' }
  }

  function advance(known: KnownBatch, to: BatchStatus): void {
    known.status = to
    known.at = second(clock())
  }

  /** Closed before anything of it was paid. */
  function close(known: KnownBatch): void {
    for (const { reference } of known.order.transfers) book.move(reference, 'failed', second(clock()))
    advance(known, 'closed')
  }

  function finish(known: KnownBatch, how: number): void {
    for (const [i, { reference }] of known.order.transfers.entries())
      book.move(reference, ((how >> i) & 3) === 3 ? 'failed' : 'succeeded', second(clock()))
    advance(known, 'finished')
  }

  function settle(known: KnownBatch, how: number): void {
    const { status, order } = known
    if (status === 'accepted') {
      if (how % 6 === 0) close(known)
      else advance(known, 'processing')
    } else if (status === 'processing') finish(known, how)
    else if (status === 'finished' && how % 3 === 0) {
      const back = order.transfers[how % order.transfers.length]
      if (back) book.move(back.reference, 'returned', second(clock()))
    }
  }

  return {
    orders: new Set(['pay-batch', 'grant']),
    questions: new Set(['batch', 'batch-page', 'transfer', 'coupon']),
    book,
    take(order, mood, sentAt) {
      if (clock() - sentAt > signedMs) return { outcome: 'not-known' }
      if (order.call === 'pay-batch') return payBatch(order, mood)
      return order.call === 'grant' ? grant(order.reference, mood) : unexpected(order.call)
    },
    answer: (question, mood) => (mood === 'not-known-yet' ? { outcome: 'not-known' } : answer(question)),
    settle(of, how) {
      const all = [...batches.values()]
      const one = all[of % Math.max(1, all.length)]
      if (!one) return []
      settle(one, how)
      const isOver = one.status === 'finished' || one.status === 'closed'
      return isOver && how % 2 === 0 ? [{ ...describeBatch(one), source: 'callback' }] : []
    },
    settleAll() {
      for (const one of batches.values()) {
        if (one.status === 'accepted' || one.status === 'processing') finish(one, 0)
      }
    },
  }
}
