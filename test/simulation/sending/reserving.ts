/**
 * A provider where money is set aside first and paid by a second order. It takes each order as a new one: the same number twice
 * is paid twice. What was set aside and not ordered to be paid runs out by itself.
 */
import type { Sighting } from '../../../src/domain/observation.ts'
import type { CallResult, Order } from '../../../src/providers/client.ts'
import { account } from '../../model/things.ts'
import { ensure } from '../failure.ts'
import { accountNumbers, names } from '../words.ts'
import { type Book, createBook } from './book.ts'
import { answered, type Desk, type Mood, refused, unexpected } from './provider.ts'

interface Reservation {
  number: string
  reference: string
  minor: bigint
  validUntil: number
  isOrdered: boolean
  force: boolean
}

type Reserve = Extract<Order, { call: 'reserve' }>
type Pay = Extract<Order, { call: 'pay' }>

export const reservationMs = 30 * 60_000
const second = (ms: number) => ms - (ms % 1000)

/** Whether it may be paid at all, whatever was set aside, is for the judge to say: `isOddly` tells what was set aside wrongly. */
export function createReservingDesk(clock: () => number): Desk {
  const book = createBook()
  const reservations = new Map<string, Reservation>()
  const odd = new Map<string, Mood>()
  const base = {
    account,
    source: 'submission' as const,
    kind: 'submission' as const,
    of: 'transfer' as const,
  }

  function reserve(order: Reserve, mood: Mood | undefined): CallResult {
    const { reference } = order
    if (mood === 'same' || mood === 'operator' || mood === 'failed' || mood === 'ask')
      return refused(mood, 'transfer', reference)
    const number = `R-${reference}-${reservations.size}`
    const validUntil = clock() + reservationMs
    const minor = order.amount.minor + (mood === 'odd-amount' ? 1n : 0n)
    reservations.set(number, { number, reference, minor, validUntil, isOrdered: false, force: false })
    if (mood?.startsWith('odd') || mood === 'no-name') odd.set(number, mood)
    if (mood === 'ask-taken') return refused('ask', 'transfer', reference)
    const name = mood === 'odd-name' ? names.other : names.own
    return answered({
      ...base,
      reference,
      status: 'reserved',
      providerReference: number,
      amount: { minor, currency: order.amount.currency },
      payee: { kind: 'bank', ...(mood !== 'no-name' && { name }) },
      validUntil,
    })
  }

  function pay({ reference, reservation, force }: Pay, mood: Mood | undefined, sentAt: number): CallResult {
    const one = reservations.get(reservation)
    ensure(one && one.reference === reference, () => `${reference} is paid by another's reservation.`)
    const strange = odd.get(reservation)
    ensure(strange !== 'odd-amount', () => `${reference} is paid though the amount is another.`)
    ensure(!strange || force, () => `${reference} is paid though nobody confirmed the name.`)
    ensure(sentAt < one.validUntil, () => `${reference} is ordered when its reservation has run out.`)
    // It was long on its way.
    if (clock() >= one.validUntil) return refused('failed', 'transfer', reference)
    if (mood === 'same' || mood === 'operator' || mood === 'failed' || mood === 'ask')
      return refused(mood, 'transfer', reference)
    one.isOrdered = true
    book.pay(reference, second(clock()))
    if (mood === 'ask-taken') return refused('ask', 'transfer', reference)
    return answered({ ...base, reference, status: 'acknowledged' })
  }

  /** What was only set aside is as pending as what is being paid. */
  function describe(reference: string): Sighting | undefined {
    const mine = [...reservations.values()].filter((one) => one.reference === reference)
    const last = mine.find(({ isOrdered }) => isOrdered) ?? mine.at(-1)
    if (!last) return undefined
    const paid = book.of(reference)
    const isOver = !paid && clock() >= last.validUntil
    const status = paid?.state ?? (isOver ? 'failed' : 'processing')
    const at = paid?.at ?? (isOver ? last.validUntil : last.validUntil - reservationMs)
    return {
      kind: 'transfer',
      source: 'query',
      account,
      reference,
      status,
      amount: { minor: last.minor, currency: 'THB' },
      payee: { kind: 'bank', number: accountNumbers.own },
      ...(status === 'failed' && { failure: { code: 'unknown' as const, reason: isOver ? 'OUT' : 'NO' } }),
      occurredAt: second(at),
    }
  }

  /** It calls back about what it has paid, and with its own number. */
  function callbackAbout(reference: string): Sighting[] {
    const seen = describe(reference)
    const number = [...reservations.values()].find((one) => one.reference === reference && one.isOrdered)
    if (seen?.kind !== 'transfer' || !number) return []
    const { failure: _, ...rest } = seen
    return [{ ...rest, source: 'callback', providerReference: number.number }]
  }

  return {
    orders: new Set(['reserve', 'pay']),
    questions: new Set(['transfer']),
    reservationMs,
    book,
    take(order, mood, sentAt) {
      if (order.call === 'reserve') return reserve(order, mood)
      return order.call === 'pay' ? pay(order, mood, sentAt) : unexpected(order.call)
    },
    answer(question) {
      if (question.call !== 'transfer') return unexpected(question.call)
      const seen = describe(question.reference)
      return seen ? answered(seen) : { outcome: 'not-known' }
    },
    settle(of, how) {
      const all = book.all()
      const one = all[of % Math.max(1, all.length)]
      if (!one) return []
      book.move(one.reference, nextOf(one.state, how), second(clock()))
      const callback = callbackAbout(one.reference)
      // What comes back later is told of by a callback or not at all.
      return how % 3 === 0 && book.of(one.reference)?.state !== 'returned' ? [] : callback
    },
    settleAll: () => settleAll(book, clock()),
  }
}

function nextOf(state: string, how: number): 'succeeded' | 'failed' | 'returned' {
  if (state === 'succeeded' && how % 5 === 0) return 'returned'
  return how % 4 === 0 ? 'failed' : 'succeeded'
}

export function settleAll(book: Book, now: number): void {
  for (const { reference } of book.all()) book.move(reference, 'succeeded', second(now))
}
