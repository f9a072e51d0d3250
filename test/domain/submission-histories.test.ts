/** Random histories of one transfer that is sent: what must hold whatever comes, in whatever order. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { decide } from '../../src/domain/decide.ts'
import { cancelTransfer } from '../../src/domain/decide-transfer.ts'
import type { Step } from '../../src/domain/decision.ts'
import type { Observation } from '../../src/domain/observation.ts'
import { observedStatuses, resolutionActions } from '../../src/domain/observation.ts'
import { findObstacle, resolveHold } from '../../src/domain/resolve.ts'
import {
  beginReserving,
  beginSending,
  expireSubmission,
  markOverdue,
  requestSubmission,
  sendWithBatch,
  takeBack,
} from '../../src/domain/submission.ts'
import { finalTransferStates, type Transfer } from '../../src/domain/transfer.ts'
import { now, rupiah, seenSubmission, seenTransfer, transfer } from '../support/intents.ts'

type Move =
  | { do: 'request'; force: boolean }
  | { do: 'reserve' | 'send' | 'takeBack' | 'expire' | 'cancel' | 'overdue' | 'with-batch' }
  | { do: 'answer' | 'report'; seen: Observation }
  | { do: 'resolve'; action: (typeof resolutionActions)[number] }

const amount = fc.constantFrom(...Array<bigint>(9).fill(2500000n), 1n).map(rupiah)
const answers = fc
  .record({
    status: fc.constantFrom('reserved', 'reserved', 'reserved', 'acknowledged', 'refused'),
    amount,
    remedy: fc.constantFrom('failed', 'operator', 'operator'),
    nameDigest: fc.constantFrom('john', 'john', 'jane', undefined),
    left: fc.constantFrom(1, 1_800_000),
  })
  .map(({ status, amount, remedy, nameDigest, left }) =>
    seenSubmission({
      status,
      amount,
      remedy,
      payee: { kind: 'bank', ...(nameDigest !== undefined && { nameDigest }) },
      validUntil: now + left,
      fact: `${status} ${remedy}`,
    }),
  )
const reports = fc
  .record({
    status: fc.constantFrom(...observedStatuses),
    source: fc.constantFrom('callback', 'query'),
    amount,
  })
  .map((fields) => seenTransfer(fields))
const simple = ['reserve', 'send', 'takeBack'] as const
const rare = ['expire', 'cancel', 'overdue', 'with-batch'] as const
const moves: fc.Arbitrary<Move> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ do: fc.constant('request'), force: fc.boolean() }) },
  { weight: 9, arbitrary: fc.record({ do: fc.constantFrom(...simple) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom(...rare) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('answer'), seen: answers }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('report'), seen: reports }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('resolve'), action: fc.constantFrom(...resolutionActions) }),
  },
) as fc.Arbitrary<Move>
const histories = fc
  .record({ force: fc.boolean(), moves: fc.array(moves, { maxLength: 40 }) })
  .map(({ force, moves }): Move[] => [{ do: 'request', force }, ...moves])

interface Played {
  move: Move
  before: Transfer
  steps: Step<Transfer>[]
  after: Transfer
  at: number
}

function play(history: readonly Move[]): Played[] {
  let current = transfer()
  // What came while it was held, and is decided when it no longer is.
  let heldBy: Observation | undefined
  return history.map((move, i) => {
    const at = now + i * 1000
    const before = Object.freeze(current)
    const steps = apply(move, before, heldBy, at)
    current = steps.at(-1)?.intent ?? before
    if (!before.hold && current.hold && 'seen' in move) heldBy = move.seen
    return { move, before, steps, after: current, at }
  })
}

function apply(move: Move, before: Transfer, theirs: Observation | undefined, at: number): Step<Transfer>[] {
  const one = (step: Step<Transfer> | undefined) => (step ? [step] : [])
  switch (move.do) {
    case 'request':
      return one(requestSubmission(before, move, at))
    case 'reserve':
      return one(beginReserving(before, at))
    case 'send':
      return one(beginSending(before, at))
    case 'takeBack':
      return one(takeBack(before, at))
    case 'expire':
      return one(expireSubmission(before, 1_800_000, at))
    case 'cancel':
      return one(cancelTransfer(before, at))
    case 'overdue':
      return one(markOverdue(before, at))
    case 'with-batch':
      return one(sendWithBatch(before, at))
    case 'answer':
    case 'report': {
      const decision = decide(before, move.seen, at)
      return 'steps' in decision ? (decision.steps as Step<Transfer>[]) : []
    }
    case 'resolve': {
      const resolution = { action: move.action, dismissed: [theirs?.fact ?? ''], ...(theirs && { theirs }) }
      if (!before.hold || findObstacle(before, resolution) !== undefined) return []
      return resolveHold(before, resolution, at) as Step<Transfer>[]
    }
  }
}

const begins = (played: Played) => played.move.do === 'send' && played.steps.length > 0
const check = (property: (played: Played[]) => void, numRuns = 1000) =>
  fc.assert(
    fc.property(histories, (history) => property(play(history))),
    { numRuns },
  )

describe('for any history of a submission', () => {
  it('an order is never given twice but for a call that was not made, a refusal, or a person’s word', () => {
    let given = 0
    let again = 0
    check((played) => {
      let isGiven = false
      for (const one of played) {
        if (begins(one)) {
          assert.equal(isGiven, false, 'sent twice')
          isGiven = true
          given++
        }
        const names = one.steps.map(({ fact }) => fact.name)
        const isRefused = one.before.hold?.reason === 'refused-by-provider' && names.includes('released')
        if (names.includes('unsent') || isRefused) {
          if (isGiven) again++
          isGiven = false
        }
      }
    })
    assert.ok(given > 300 && again > 50, `${given} were given, ${again} of them again`)
  })

  it('nothing is begun that is final, held, or known to be under way', () => {
    check((played) => {
      for (const { move, before, steps } of played) {
        if ((move.do !== 'send' && move.do !== 'reserve') || steps.length === 0) continue
        assert.ok(!before.hold && (before.state === 'registered' || before.state === 'submitted'))
        assert.ok(before.submission?.step === 'waiting' || before.submission?.step === 'reserved')
      }
    })
  })

  it('what may have been ordered is not expired, cancelled or sent with its batch', () => {
    check((played) => {
      let maybe = false
      for (const one of played) {
        if (begins(one)) maybe = true
        const names = one.steps.map(({ fact }) => fact.name)
        const isRefusal = one.before.hold?.reason === 'refused-by-provider'
        if (maybe && !isRefusal)
          assert.ok(!names.includes('cancelled') && !names.includes('expired'), names.join())
        if (maybe && one.move.do === 'with-batch') assert.deepEqual(names, [])
        if (names.includes('unsent') || (isRefusal && names.includes('released'))) maybe = false
      }
    })
  })

  it('the sequence has no gaps, and nothing happens to what is held but a person’s word', () => {
    check((played) => {
      for (const { move, before, steps, after } of played) {
        assert.deepEqual(
          steps.map(({ fact }) => fact.sequence),
          steps.map((_, i) => before.sequence + 1 + i),
        )
        assert.equal(after.sequence, before.sequence + steps.length)
        if (before.hold && steps.length > 0) assert.equal(move.do, 'resolve')
      }
    })
  })

  it('what the provider tells of the money is true at any step, whatever we were about to do', () => {
    check((played) => {
      for (const { move, before, after } of played) {
        if (move.do !== 'report' || move.seen.kind !== 'transfer' || before.hold) continue
        const { status } = move.seen
        const isNews = status === 'succeeded' || status === 'failed'
        const isSame = move.seen.amount?.minor === before.amount.minor && !before.settledAmount
        if (!isNews || !isSame || finalTransferStates.has(before.state) || after.hold) continue
        if (before.asOf === undefined) assert.equal(after.state, status)
      }
    })
  })

  it('final stays final but for a return and a person, and the name is forced only by a person', () => {
    check((played) => {
      for (const { move, before, after } of played) {
        if (finalTransferStates.has(before.state) && after.state !== before.state)
          assert.ok(move.do === 'resolve' || after.state === 'returned')
        if (after.submission?.force && !before.submission?.force)
          assert.ok(move.do === 'resolve' || (move.do === 'request' && move.force))
      }
    })
  })
})
