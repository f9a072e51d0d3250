/** What must hold of the log, event by event as it grows, and of what rests at that moment. */
import { type BatchTotals, emptyTotals } from '../../src/domain/batch.ts'
import type { CaseEvent, IntentEvent, LoggedEvent } from '../../src/domain/event.ts'
import type { Intent } from '../../src/domain/intent.ts'
import type { Transfer } from '../../src/domain/transfer.ts'
import type { Look } from '../model/subject.ts'
import { alike, ensure, show } from './failure.ts'

const final: Record<Intent['kind'], readonly string[]> = {
  transfer: ['succeeded', 'failed', 'returned', 'cancelled', 'expired'],
  batch: ['finished', 'closed'],
  coupon: ['granted', 'failed'],
  collection: ['completed'],
}
/** None of these happens to one intent twice but by a person's hand. */
const once: readonly string[] = [
  'registered',
  'processing',
  'succeeded',
  'failed',
  'returned',
  'cancelled',
  'finished',
  'closed',
  'granted',
  'completed',
  'accepted',
]

export interface Checkers {
  see(event: LoggedEvent): void
  /** After the step that made these events. */
  rest(look: Look): void
  lastOf(id: string): Intent | undefined
  intents(): Intent[]
  count(): number
}

/** `isAsked`: somebody asks providers, and puts off what was asked about. */
export function createCheckers({ isAsked }: { isAsked: boolean }): Checkers {
  const last = new Map<string, IntentEvent>()
  const happened = new Map<string, Set<string>>()
  const cases = new Map<string, CaseEvent>()
  const members = new Map<string, Map<string, Transfer>>()
  let checks = 0
  const check: typeof ensure = (holds, what) => {
    checks++
    ensure(holds, what)
  }

  function seeIntent(event: IntentEvent): void {
    const { fact, intent, because } = event
    const before = last.get(intent.id)
    const by = because.source === 'operator'
    check(
      fact.sequence === (before?.fact.sequence ?? 0) + 1,
      () => `A gap before ${show(fact)} of ${intent.id}.`,
    )
    check(intent.sequence === fact.sequence, () => `An event shows another sequence: ${show(event)}.`)
    const from = before ? before.fact.change.to : null
    check(alike(fact.change.from, from), () => `${show(fact)} does not begin where ${show(from)} was.`)
    const to = { state: intent.state, held: intent.hold !== undefined }
    check(alike(fact.change.to, to), () => `${show(fact)} does not show the intent: ${show(to)}.`)
    const done = happened.get(intent.id) ?? new Set()
    check(by || !once.includes(fact.name) || !done.has(fact.name), () => `${fact.name} twice: ${intent.id}.`)
    happened.set(intent.id, done.add(fact.name))
    if (before) seeChange(before.intent, event, by)
    if (intent.kind === 'batch' && (fact.name === 'finished' || fact.name === 'amended'))
      check(isComplete(event), () => `A batch is ${fact.name} before its end: ${show(event.totals)}.`)
    last.set(intent.id, event)
    if (intent.kind === 'transfer' && intent.batch) {
      const beside = members.get(intent.batch) ?? new Map<string, Transfer>()
      members.set(intent.batch, beside.set(intent.id, intent))
    }
  }

  function seeChange(before: Intent, { fact, intent }: IntentEvent, by: boolean): void {
    const wasFinal = final[before.kind].includes(before.state)
    const isReturn = before.state === 'succeeded' && intent.state === 'returned' && fact.name === 'returned'
    check(
      !wasFinal || before.state === intent.state || isReturn || by,
      () => `${before.id} was ${before.state} and became ${intent.state}.`,
    )
    check(!before.hold || fact.name === 'released', () => `${fact.name} of what is held: ${before.id}.`)
    check(fact.name !== 'released' || by, 'Released by nobody.')
    check(!intent.hold || before.hold || fact.name === 'held', 'Held without saying so.')
    for (const field of ['account', 'reference', 'contentDigest', 'createdAt'] as const)
      check(by || before[field] === intent[field], () => `${field} of ${before.id} changed.`)
    if ('amount' in before && 'amount' in intent)
      check(by || alike(before.amount, intent.amount), () => `The amount of ${before.id} changed.`)
    check(alike(before.personal, intent.personal), () => `Whom ${before.id} is about changed.`)
    check(
      by || intent.kind === 'batch' || (intent.asOf ?? Infinity) >= (before.asOf ?? 0),
      () => `What is known of ${before.id} became older.`,
    )
  }

  function isComplete({ intent, totals }: IntentEvent): boolean {
    if (intent.kind !== 'batch' || !totals) return false
    if (intent.state === 'closed') return true
    const done = final.transfer.reduce((sum, state) => sum + totals[state as Transfer['state']].count, 0)
    return done === intent.count
  }

  function seeCase(event: CaseEvent): void {
    const before = cases.get(event.case.id)
    check(
      event.fact.sequence === (before?.fact.sequence ?? 0) + 1,
      () => `A gap in the case: ${show(event)}.`,
    )
    check(before?.case.state !== event.case.state, () => `A case became what it was: ${show(event)}.`)
    cases.set(event.case.id, event)
  }

  /** From the log of the transfers alone. */
  function sumOf(batch: string): BatchTotals {
    const totals = emptyTotals()
    for (const { state, amount, settledAmount } of members.get(batch)?.values() ?? []) {
      totals[state].count += 1
      totals[state].minor += (settledAmount ?? amount).minor
    }
    return totals
  }

  return {
    see(event) {
      if ('case' in event) seeCase(event)
      else if ('intent' in event) seeIntent(event)
    },
    rest({ intent, totals, watched, final: since }) {
      if (!intent) return
      const { id } = intent
      check(alike(last.get(id)?.intent, intent), () => `The last event does not show ${id} as it is.`)
      if (totals)
        check(
          alike(totals.totals, sumOf(id)),
          () => `Totals ${show(totals.totals)} of transfers ${show(sumOf(id))}.`,
        )
      const isOver = final[intent.kind].includes(intent.state) && !intent.hold
      check(
        (since !== undefined) === isOver,
        () => `${id} is ${isOver ? '' : 'not '}over and lies elsewhere.`,
      )
      check(watched !== undefined || isOver, () => `Nobody will ask about ${id}.`)
      if (intent.hold) {
        const { at } = intent.hold
        check(
          isAsked || (watched !== undefined && watched <= at),
          () => `The provider is not asked about ${id}.`,
        )
        const open = cases.get(intent.hold.case)
        check(open?.case.state === 'open', () => `${id} is held without an open case.`)
      }
    },
    lastOf: (id) => last.get(id)?.intent,
    intents: () => [...last.values()].map(({ intent }) => intent),
    count: () => checks,
  }
}
