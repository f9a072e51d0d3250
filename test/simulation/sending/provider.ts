/** What the make-believe providers have in common: what becomes of a call on its way, and how they say what they say. */
import type { Sighting } from '../../../src/domain/observation.ts'
import type { Asked } from '../../../src/domain/receipt.ts'
import type { AnswerPart, CallResult, Client, Order, Question } from '../../../src/providers/client.ts'
import type { AccountProvider } from '../../../src/providers/provider.ts'
import { account } from '../../model/things.ts'
import { ensure } from '../failure.ts'
import type { Fate } from '../plan.ts'
import type { Actor, Turnstile } from '../turnstile.ts'
import type { Book } from './book.ts'

/**
 * How it takes the next order. `late`: it arrives when nobody waits for its answer any more. `ask` and `ask-taken`: it says that it
 * may have taken it, and did not, or did. `odd-…`: what it set aside is not quite what was ordered.
 */
export type Mood =
  | 'late'
  | 'same'
  | 'ask'
  | 'ask-taken'
  | 'operator'
  | 'failed'
  | 'odd-name'
  | 'no-name'
  | 'odd-amount'
  /** Of the next question: it has it, and does not know so yet. */
  | 'not-known-yet'

const usual = ['late', 'same', 'ask', 'ask-taken', 'operator', 'failed'] as const

export const moods: Record<'reserving' | 'whole', readonly Mood[]> = {
  reserving: [...usual, 'odd-name', 'no-name', 'odd-amount'],
  whole: [...usual, 'late', 'ask-taken', 'not-known-yet', 'not-known-yet', 'not-known-yet'],
}

export interface Desk {
  orders: Client['orders']
  questions: Client['questions']
  reservationMs?: number
  book: Book
  /** An order has arrived. `sentAt`: when it left. */
  take(order: Order, mood: Mood | undefined, sentAt: number): CallResult
  answer(question: Question, mood: Mood | undefined): CallResult
  /** Something of it goes on; `how` says what. What it calls back with. */
  settle(of: number, how: number): Sighting[]
  /** Everything that is on its way comes to its end. */
  settleAll(): void
}

export interface Travelling {
  order: Order
  sentAt: number
}

export interface Post {
  clientFor(actor: Actor): Client
  /** What is on its way arrives now. */
  arrive(): void
  mood(mood: Mood): void
  calm(): void
}

export function createPost(desk: Desk, turnstile: Turnstile, clock: () => number): Post {
  let mood: Mood | undefined
  let travelling: Travelling[] = []

  /** Of an order, or of a question. */
  function nextMood(isAsked: boolean): Mood | undefined {
    if (mood === undefined || (mood === 'not-known-yet') !== isAsked) return undefined
    const one = mood
    mood = undefined
    return one
  }

  function order(given: Order, fate: Fate): CallResult {
    if (given.notAfter !== undefined && clock() > given.notAfter)
      return { outcome: 'unsent', because: 'It is too late for that.' }
    if (fate === 'cut') return { outcome: 'unsent', because: 'Nothing left.' }
    const lost: CallResult = { outcome: 'unknown', because: 'It timed out.' }
    if (fate === 'die-before' || fate === 'fault-before') return lost
    const one = nextMood(false)
    if (one === 'late') {
      travelling.push({ order: given, sentAt: clock() })
      return lost
    }
    const result = desk.take(given, one, clock())
    return fate === 'ok' ? result : lost
  }

  return {
    clientFor: (actor) => ({
      orders: desk.orders,
      questions: desk.questions,
      ...(desk.reservationMs !== undefined && { reservationMs: desk.reservationMs }),
      order: (given) => turnstile.step(actor, (fate) => order(given, fate)),
      ask: (question) =>
        turnstile.step(actor, (fate) => {
          if (fate === 'cut') return { outcome: 'unsent', because: 'Nothing left.' }
          if (fate !== 'ok') return { outcome: 'unknown', because: 'It timed out.' }
          return desk.answer(question, nextMood(true))
        }),
    }),
    arrive() {
      const all = travelling
      travelling = []
      for (const one of all) desk.take(one.order, undefined, one.sentAt)
    },
    mood(next) {
      mood = next
    },
    calm() {
      mood = undefined
    },
  }
}

/** The body is what it says, and can be read again. `nonce`: the same in other bytes. */
export function write(seen: Sighting, nonce = 0): Buffer {
  return Buffer.from(
    JSON.stringify({ seen, nonce }, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)),
  )
}

function read(body: Buffer): Sighting {
  const revive = (_: string, value: unknown) =>
    typeof value === 'string' && /^-?\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value
  return (JSON.parse(body.toString(), revive) as { seen: Sighting }).seen
}

export function partOf(seen: Sighting): AnswerPart {
  const source = seen.source === 'submission' ? 'submission' : 'query'
  const reference = 'reference' in seen ? seen.reference : ''
  const asked: Asked = { source, call: 'call', status: 200, reference }
  return { asked, body: write(seen), keyId: '', headers: {} }
}

export function answered(...seen: Sighting[]): CallResult {
  return { outcome: 'answered', parts: seen.map(partOf) }
}

/** A refusal that a person or the intent has to hear of. */
export function refused(
  remedy: 'same' | 'ask' | 'operator' | 'failed',
  of: 'transfer' | 'batch' | 'coupon',
  reference: string,
): CallResult {
  if (remedy === 'same' || remedy === 'ask') return { outcome: 'refused', remedy, code: 'BUSY' }
  const failure = { code: 'declined-by-provider' as const, reason: 'NO' }
  const base = { kind: 'submission', source: 'submission', account, of, reference } as const
  return {
    outcome: 'refused',
    remedy,
    code: 'NO',
    part: partOf({ ...base, status: 'refused', remedy, failure }),
  }
}

export function createTranslator(): AccountProvider {
  return {
    account,
    provider: 'generic',
    budgetMs: 1_000,
    verify: () => ({ outcome: 'refused', reason: 'signature-missing', digest: '' }),
    translate: (body) => ({ outcome: 'understood', observation: read(body) }),
    accepted: { contentType: 'text/plain', body: 'ok' },
    keyIds: () => [],
  }
}

/** A call that nobody should have made. */
export function unexpected(call: string): never {
  ensure(false, `Nobody can be told or asked ${call} here.`)
  throw new Error(call)
}
