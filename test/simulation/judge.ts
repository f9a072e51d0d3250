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
  fee?: number
  /** Of a failure, the word that the provider has for why. */
  reason?: string
  person: string
  minor: bigint
  currency: string
  /** What was paid in, or used: by the provider's number. */
  paid: Map<string, string>
  used: bigint
  heard: { receipt: string; at: number; body: string; fact: string; identity: string }[]
  heardAtChange: number
  /** What a person has ruled on. */
  dismissed: Set<string>
  couponNumber?: string
  settledBy?: Said
  usedBy: Map<string, Said>
  /** What is shown to the person who has to decide. */
  shown: Set<string>
}

export interface Judge {
  /** Whose a number of the provider's is: the first that came with it. */
  claimed(number: string, target: string): void
  /** A person says whose it is. */
  moved(number: string, target: string): void
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
  resolved(target: string, action: 'take-theirs' | 'keep-ours' | 'cancel', taken: Said | undefined): void
  stateOf(target: string): string | undefined
}

const windowMs = 35 * 24 * 60 * 60 * 1000
const over = ['succeeded', 'failed', 'returned', 'cancelled']

export function createJudge(): Judge {
  const known = new Map<string, Known>()
  const holders = new Map<string, string>()
  /** As each found it when it last came with the number: a person may give it to another in the middle of a decision. */
  const seen = new Map<string, string>()

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
      usedBy: new Map(),
      shown: new Set(),
    }
    known.set(target, one)
    return one
  }

  function decide(one: Known, target: string, said: Said): ReceiptOutcome {
    const { words } = said
    if (one.held) return 'awaits-person'
    const before = one.state
    const outcome = decideFree(one, target, words)
    // What is only told beside a state that is known made it nothing.
    const isReport = words.kind === 'transfer' && one.state === before
    if (outcome === 'applied' && !isReport) one.settledBy = said
    if (outcome === 'applied' && words.kind === 'coupon-use') one.usedBy.set(words.transaction, said)
    return outcome === 'held' && one.dismissed.has(describe(words).fact) ? 'repeat' : outcome
  }

  function decideFree(one: Known, target: string, words: Words): ReceiptOutcome {
    switch (words.kind) {
      case 'transfer':
        return judgeTransfer(one, words, target, seen)
      case 'coupon-use':
        return judgeUse(one, words)
      case 'coupon-grant':
        return judgeGrant(one, words)
      case 'collection':
        return judgePaid(one, words)
      default:
        throw new Error(`Nothing is judged of ${words.kind}.`)
    }
  }

  return {
    claimed(number, target) {
      if (!holders.has(number)) holders.set(number, target)
      seen.set(`${number} ${target}`, holders.get(number) ?? target)
    },
    moved(number, target) {
      if (holders.has(number)) holders.set(number, target)
    },
    judge(target, said, found) {
      const one = knownOf(target, said.words)
      const outcome = decide(one, target, said)
      const { fact } = describe(said.words)
      const answers: Verdict[] = []
      for (let count = one.heardAtChange; count <= one.heard.length; count++) {
        const heard = one.heard.slice(0, count)
        const isShown = heard.some(
          ({ receipt, fact: other }) => receipt !== said.receipt && other === fact && one.shown.has(receipt),
        )
        answers.push(classify(heard, said, outcome === 'awaits-person' && isShown ? 'repeat' : outcome))
      }
      const answer = answers.find((each) => each.outcome === found.outcome && each.repeat === found.repeat)
      const last = answer ?? answers.at(-1) ?? { outcome }
      if (last.outcome === 'held') {
        one.held = said
        one.shown = new Set([said.receipt, ...(one.settledBy ? [one.settledBy.receipt] : [])])
      }
      if (last.outcome === 'awaits-person') one.shown.add(said.receipt)
      return last
    },
    resolved(target, action, taken) {
      const one = known.get(target)
      if (!one?.held) return
      const remember = (some: Said | undefined) => {
        if (some && one.heard.some(({ receipt }) => receipt === some.receipt))
          one.dismissed.add(describe(some.words).fact)
      }
      remember(one.held)
      remember(taken)
      if (action !== 'keep-ours')
        remember(taken?.words.kind === 'coupon-use' ? one.usedBy.get(taken.words.transaction) : one.settledBy)
      delete one.held
      if (action === 'cancel' && one.state !== 'cancelled') {
        one.state = 'cancelled'
        delete one.settledBy
        delete one.reason
      }
      if (action === 'take-theirs' && taken) take(one, taken)
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
  seen: ReadonlyMap<string, string>,
): ReceiptOutcome {
  const { to, off, currency = 'THB', person, number, status, at } = words
  const named = number && numberOf(to, number)
  if (named && seen.get(`${aliasIdOf('payout', account, named)} ${target}`) !== target) return 'held'
  if (off !== undefined && (currency !== one.currency || amountOf(to) + BigInt(off) !== one.minor))
    return 'held'
  if (named && one.number && named !== one.number) return 'held'
  if (person && whoIs(person) !== 'own' && whoIs(person) !== one.person) return 'held'

  if (status === one.state) return tell(one, words, named) ? 'applied' : 'repeat'
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
  if (words.fee !== undefined) one.fee = words.fee
  tell(one, words, named)
  return 'applied'
}

/** What nobody has said before of its number, its fee and why it failed. */
function tell(one: Known, { fee, reason }: TransferWords, number: string | undefined): boolean {
  const isNews =
    (number !== undefined && one.number === undefined) ||
    (fee !== undefined && one.fee === undefined) ||
    (reason !== undefined && one.reason === undefined && one.state === 'failed')
  one.number ??= number
  one.fee ??= fee
  if (one.state === 'failed') one.reason ??= reason
  return isNews
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
  const isNumberNews = status === 'granted' && number !== undefined && !one.couponNumber
  if (one.state === status && !isNumberNews) return 'repeat'
  if (one.state !== 'registered' && one.state !== status) return 'held'
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

function take(one: Known, said: Said): void {
  const { words } = said
  switch (words.kind) {
    case 'transfer':
      takeTransfer(one, words, said)
      return
    case 'coupon-use':
      use(one, words.transaction, `${words.minor} ${words.currency ?? 'THB'}`, BigInt(words.minor))
      one.usedBy.set(words.transaction, said)
      one.settledBy = said
      return
    case 'coupon-grant':
      one.state = words.status
      if (words.number) one.couponNumber = words.number
      one.settledBy = said
      return
    case 'collection':
      one.paid.set(words.transaction, `${words.minor} ${words.currency ?? 'THB'} ${words.reference}`)
      one.settledBy = said
      return
    case 'batch':
    case 'junk':
      return
  }
}

/** Whom, how much and under which number in any case; the state where it is not overtaken. */
function takeTransfer(one: Known, words: TransferWords, said: Said): void {
  const { to, off, number, person, status, at } = words
  if (off !== undefined) one.minor = amountOf(to) + BigInt(off)
  if (number) one.number = numberOf(to, number)
  if (person) one.person = whoIs(person)
  const isOvertaken =
    (status === 'processing' && over.includes(one.state)) ||
    (one.state === 'cancelled' && status === 'failed') ||
    (one.state === 'returned' && status === 'succeeded')
  if (isOvertaken) return
  const { reason: why, fee = one.fee } = words
  // Of what had failed before, the reason stays where they give none.
  const before = one.reason
  delete one.reason
  const known = status === 'failed' ? (why ?? before) : undefined
  if (known !== undefined) one.reason = known
  if (fee !== undefined) one.fee = fee
  one.state = status
  one.settledBy = said
  if (one.asOf !== undefined || at !== undefined) one.asOf = Math.max(one.asOf ?? 0, at ?? 0)
}

/** However it is written. */
function whoIs(person: keyof typeof accountNumbers): 'own' | 'other' {
  return person === 'spelled' ? 'own' : person
}

/** What is counted: nothing of what was news or was counted before; as a mutation only what a person has to see. */
function classify(heard: Known['heard'], said: Said, outcome: ReceiptOutcome): Verdict {
  if (outcome === 'applied' || heard.some(({ receipt }) => receipt === said.receipt)) return { outcome }
  const seems = seemsTo(heard, said)
  if (outcome === 'held' || outcome === 'awaits-person') return { outcome, ...(seems && { repeat: seems }) }
  if (seems === 'identical') return { outcome, repeat: seems }
  return outcome === 'repeat' || seems ? { outcome, repeat: 're-sent' } : { outcome }
}

function seemsTo(heard: Known['heard'], said: Said): RepeatClass | undefined {
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
      const { to, status, off, currency = 'THB', person, number } = words
      const amount = off === undefined ? 'none' : `${off} ${currency}`
      return [
        [words.kind, status, number ? numberOf(to, number) : to],
        [to, amount, person && whoIs(person)],
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
