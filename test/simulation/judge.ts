/**
 * The rules once more, as plainly as they can be told and from the words alone: no digests, no tables, no records. What a
 * worker decided is compared with what the judge says in the same order of commits.
 */
import type { ReceiptOutcome } from '../../src/domain/receipt.ts'
import type { RepeatClass } from '../../src/domain/repeats.ts'
import { aliasIdOf } from '../../src/store/ids.ts'
import { account } from '../model/things.ts'
import {
  type accountNumbers,
  amountOf,
  type CollectionWords,
  couponWorth,
  type GrantWords,
  numberOf,
  type TransferWords,
  type UseWords,
  type Words,
} from './words.ts'

export interface Said {
  receipt: string
  words: Words
  body: string
  at: number
}

export interface Verdict {
  outcome: ReceiptOutcome
  repeat?: RepeatClass
}

interface Known {
  state: string
  held?: Said
  asOf?: number
  number?: string
  person: string
  minor: bigint
  currency: string
  /** What was paid in, or used: by the provider's number. */
  paid: Map<string, string>
  used: bigint
  heard: { receipt: string; at: number; body: string; fact: string; identity: string }[]
  heardAtChange: number
  dismissed: Set<string>
  couponNumber?: string
}

export interface Judge {
  /** Whose a number of the provider's is: the first that came with it. */
  claimed(number: string, target: string): void
  /**
   * A decision is made on what was heard when it was read. That may be less than by now, as long as the intent has not
   * changed since: so there may be more than one right answer, and `found` picks.
   */
  judge(target: string, said: Said, found: Pick<Verdict, 'outcome' | 'repeat'>): Verdict
  /** It is remembered. */
  hear(target: string, said: Said): void
  /** The intent is another than before. */
  changed(target: string): void
  /** A person has decided. */
  resolved(target: string, action: 'take-theirs' | 'keep-ours' | 'cancel'): void
  stateOf(target: string): string | undefined
}

const windowMs = 35 * 24 * 60 * 60 * 1000
const over = ['succeeded', 'failed', 'returned', 'cancelled']

export function createJudge(): Judge {
  const known = new Map<string, Known>()
  const holders = new Map<string, string>()

  function knownOf(target: string, words: Words): Known {
    const one = known.get(target) ?? {
      state: 'registered',
      person: 'own',
      minor: words.kind === 'transfer' ? amountOf(words.to) : 0n,
      currency: 'THB',
      paid: new Map(),
      used: 0n,
      heard: [],
      heardAtChange: 0,
      dismissed: new Set(),
    }
    known.set(target, one)
    return one
  }

  function decide(one: Known, target: string, said: Said): ReceiptOutcome {
    const { words } = said
    if (one.dismissed.has(describe(words).fact)) return 'repeat'
    switch (words.kind) {
      case 'transfer':
        return one.held ? 'awaits-person' : judgeTransfer(one, words, target, holders)
      case 'coupon-use':
        return one.held ? 'awaits-person' : judgeUse(one, words)
      case 'coupon-grant':
        return one.held ? 'awaits-person' : judgeGrant(one, words)
      case 'collection':
        return one.held ? 'awaits-person' : judgePaid(one, words)
      default:
        throw new Error(`Nothing is judged of ${words.kind}.`)
    }
  }

  return {
    claimed(number, target) {
      if (!holders.has(number)) holders.set(number, target)
    },
    judge(target, said, found) {
      const one = knownOf(target, said.words)
      const classes = new Set<RepeatClass | undefined>()
      for (let count = one.heardAtChange; count <= one.heard.length; count++)
        classes.add(classify(one.heard.slice(0, count), said))
      const isRepeat = (some: RepeatClass | undefined) => some === 'identical' || some === 're-sent'
      if (classes.has(found.repeat) && isRepeat(found.repeat)) return { ...found, outcome: 'repeat' }
      if ([...classes].every(isRepeat)) return { outcome: 'repeat', repeat: 'identical' }
      const outcome = decide(one, target, said)
      if (outcome === 'held') one.held = said
      if (outcome === 'repeat') return { outcome, repeat: 're-sent' }
      if (outcome !== 'held' && outcome !== 'awaits-person') return { outcome }
      const repeat = classes.has(found.repeat) ? found.repeat : 'mutated'
      return { outcome, ...(repeat && { repeat }) }
    },
    resolved(target, action) {
      const one = known.get(target)
      const words = one?.held?.words
      if (!one || !words) return
      one.dismissed.add(describe(words).fact)
      delete one.held
      if (action === 'cancel') one.state = 'cancelled'
      if (action === 'take-theirs') take(one, words)
    },
    changed(target) {
      const one = known.get(target)
      if (one) one.heardAtChange = one.heard.length
    },
    stateOf: (target) => known.get(target)?.state,
    hear(target, { receipt, words, body, at }) {
      const { heard } = knownOf(target, words)
      if (heard.every((one) => one.receipt !== receipt)) heard.push({ receipt, body, at, ...describe(words) })
    },
  }
}

function judgeTransfer(
  one: Known,
  words: TransferWords,
  target: string,
  holders: ReadonlyMap<string, string>,
): ReceiptOutcome {
  const { to, off, currency = 'THB', person, number, status, at } = words
  const named = number && numberOf(to, number)
  if (named && holders.get(aliasIdOf('payout', account, named)) !== target) return 'held'
  if (off !== undefined && (currency !== one.currency || amountOf(to) + BigInt(off) !== one.minor))
    return 'held'
  if (named && one.number && named !== one.number) return 'held'
  if (person && whoIs(person) !== 'own' && whoIs(person) !== one.person) return 'held'

  if (status === one.state) return 'repeat'
  if (status === 'processing' && over.includes(one.state)) return 'stale'
  if (one.state === 'cancelled' && status === 'failed') return 'stale'
  if (one.state === 'returned' && status === 'succeeded') return 'stale'
  const moves = over.includes(one.state)
    ? one.state === 'succeeded' && status === 'returned'
    : status !== 'returned'
  if (!moves) return 'held'
  if (at !== undefined && one.asOf !== undefined && at < one.asOf) return 'stale'
  one.state = status
  if (at !== undefined) one.asOf = at
  if (named && !one.number) one.number = named
  return 'applied'
}

function judgeUse(one: Known, { transaction, minor, currency = 'THB' }: UseWords): ReceiptOutcome {
  const money = `${minor} ${currency}`
  if (one.paid.get(transaction) === money) return 'repeat'
  if (one.couponNumber === 'other' || currency !== 'THB') return 'held'
  if (one.paid.has(transaction) || one.used + BigInt(minor) > couponWorth) return 'held'
  if (one.state === 'failed') return 'held'
  use(one, transaction, money, BigInt(minor))
  return 'applied'
}

function use(one: Known, transaction: string, money: string, minor: bigint): void {
  const before = one.paid.get(transaction)
  if (before) one.used -= BigInt(before.split(' ')[0] ?? 0)
  one.paid.set(transaction, money)
  one.used += minor
  one.state = 'granted'
  one.couponNumber = 'own'
}

function judgeGrant(one: Known, { status, number }: GrantWords): ReceiptOutcome {
  if (one.couponNumber && number && number !== one.couponNumber) return 'held'
  if (one.state === status) return 'repeat'
  if (one.state !== 'registered') return 'held'
  one.state = status
  if (number) one.couponNumber = number
  return 'applied'
}

function judgePaid(
  one: Known,
  { transaction, reference, minor, currency = 'THB' }: CollectionWords,
): ReceiptOutcome {
  const money = `${minor} ${currency} ${reference}`
  const before = one.paid.get(transaction)
  if (before !== undefined) return before === money ? 'repeat' : 'held'
  one.paid.set(transaction, money)
  return 'applied'
}

function take(one: Known, words: Words): void {
  switch (words.kind) {
    case 'transfer': {
      one.state = words.status
      if (words.off !== undefined) one.minor = amountOf(words.to) + BigInt(words.off)
      if (words.at !== undefined) one.asOf = words.at
      if (words.number) one.number = numberOf(words.to, words.number)
      if (words.person) one.person = whoIs(words.person)
      return
    }
    case 'coupon-use':
      use(one, words.transaction, `${words.minor} ${words.currency ?? 'THB'}`, BigInt(words.minor))
      return
    case 'coupon-grant':
      one.state = words.status
      if (words.number) one.couponNumber = words.number
      return
    case 'collection':
      one.paid.set(words.transaction, `${words.minor} ${words.currency ?? 'THB'} ${words.reference}`)
      return
    case 'batch':
    case 'junk':
      return
  }
}

/** However it is written. */
function whoIs(person: keyof typeof accountNumbers): 'own' | 'other' {
  return person === 'spelled' ? 'own' : person
}

function classify(heard: Known['heard'], said: Said): RepeatClass | undefined {
  // One that waited for a person comes again and is no repeat of itself.
  if (heard.some(({ receipt }) => receipt === said.receipt)) return undefined
  const { fact, identity } = describe(said.words)
  const earlier = heard.filter(({ at }) => at >= said.at - windowMs)
  if (earlier.some(({ body }) => body === said.body)) return 'identical'
  if (earlier.some((one) => one.fact === fact)) return 're-sent'
  return earlier.some((one) => one.identity === identity) ? 'mutated' : undefined
}

/** What is said, without when, and however names and numbers are written. */
function describe(words: Words): { fact: string; identity: string } {
  const [identity, rest] = partsOf(words)
  return { identity: identity.join('|'), fact: [...identity, ...rest].join('|') }
}

function partsOf(words: Words): [identity: unknown[], rest: unknown[]] {
  switch (words.kind) {
    case 'transfer': {
      const { to, status, off, currency = 'THB', person, number, reason } = words
      const amount = off === undefined ? 'none' : `${off} ${currency}`
      return [
        [words.kind, status, number ? numberOf(to, number) : to],
        [to, amount, person && whoIs(person), reason],
      ]
    }
    case 'batch':
      return [[words.kind, words.status], [words.figures]]
    case 'coupon-grant':
      return [[words.kind, words.status], [words.number]]
    case 'coupon-use':
      return [
        [words.kind, words.transaction],
        [words.minor, words.currency ?? 'THB'],
      ]
    case 'collection':
      return [
        [words.kind, words.transaction],
        [words.reference, words.minor, words.currency ?? 'THB'],
      ]
    case 'junk':
      return [[words.kind], []]
  }
}
