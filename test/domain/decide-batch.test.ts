import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Batch, type BatchTotals, batchStates, countFinal, emptyTotals } from '../../src/domain/batch.ts'
import { batchMoves, decideBatch, findDrift, settleBatch } from '../../src/domain/decide-batch.ts'
import { observedBatchStatuses } from '../../src/domain/observation.ts'
import { beginSending } from '../../src/domain/submission.ts'
import { transferStates } from '../../src/domain/transfer.ts'
import { batch, now, outcomeOf, rupiah, seenBatch as seen, totals } from '../support/intents.ts'

const open = totals({ processing: [1, 100n], succeeded: [1, 200n] })
const paid = totals({ succeeded: [2, 300n] })
const names = ({ steps }: { steps: { fact: { name: string } }[] }) => steps.map(({ fact }) => fact.name)
const lastOf = (before: Batch, settled: ReturnType<typeof settleBatch>) =>
  settled.steps.at(-1)?.intent ?? before

describe('decideBatch', () => {
  describe('moves as its table says, and is never finished by its provider', () => {
    for (const state of batchStates) {
      for (const status of observedBatchStatuses) {
        const move = batchMoves[state][status]
        it(`${state}, and ${status} is reported: ${move}`, () => {
          const before = batch({ state, published: 'processing:1:100 succeeded:1:200' })
          const decision = decideBatch(before, seen({ status }), open, now)
          const verdicts = { move: 'applied', hint: 'stale', repeat: 'repeat', stale: 'stale' }
          assert.equal(decision.verdict, verdicts[move])
          if (move === 'hint') assert.deepEqual(decision, { verdict: 'stale', ask: true })
          const after = outcomeOf(before, decision)
          const isOpen = state !== 'finished' && state !== 'closed'
          if (move === 'move')
            assert.equal(after.state, status === 'closed' ? 'closed' : isOpen ? 'processing' : state)
          else assert.equal(after.state, state)
        })
      }
    }
  })

  it('keeps the provider’s figures beside ours, and asks while transfers are open', () => {
    const figures = { count: 2, succeededCount: 2, succeededAmount: rupiah(300n) }
    const decision = decideBatch(batch({ state: 'processing' }), seen({ figures }), open, now)
    assert.ok(decision.verdict === 'applied')
    assert.deepEqual(names(decision), ['reported'])
    assert.equal(decision.ask, true)
    const after = outcomeOf(batch(), decision)
    assert.deepEqual([after.figures, after.state], [figures, 'processing'])
    const again = decideBatch(after, seen({ figures }), open, now)
    assert.deepEqual(again, { verdict: 'stale', ask: true })
    assert.equal(decideBatch(after, seen({ figures }), paid, now).verdict, 'repeat')
  })

  it('lets older figures change nothing, and keeps its first number and reason', () => {
    const known = batch({ state: 'closed', asOf: now, providerReference: 'p-1', closeReason: 'OVERDUE' })
    const older = seen({ status: 'closed', figures: { count: 9 }, occurredAt: now - 1 })
    assert.deepEqual(decideBatch(known, older, open, now), { verdict: 'stale' })
    const other = seen({
      status: 'closed',
      figures: { count: 2 },
      providerReference: 'p-2',
      closeReason: 'X',
    })
    const after = outcomeOf(known, decideBatch(known, other, open, now))
    assert.deepEqual([after.providerReference, after.closeReason], ['p-1', 'OVERDUE'])
  })

  it('is proved to have been sent by what the provider knows of it', () => {
    const still = totals({ submitted: [2, 300n] })
    for (const step of ['waiting', 'sending'] as const)
      for (const status of observedBatchStatuses) {
        const before = batch({ state: 'submitted', submission: { step, at: now - 1 } })
        const after = outcomeOf(
          before,
          decideBatch(before, seen({ status, figures: { count: 2 } }), still, now),
        )
        assert.deepEqual(after.submission, { step: 'acknowledged', at: now }, `${step} ${status}`)
        assert.equal(beginSending(after, now), undefined)
      }
    const refused = batch({ state: 'submitted', submission: { step: 'refused', at: now - 1 } })
    const after = outcomeOf(refused, decideBatch(refused, seen({ status: 'accepted' }), still, now))
    assert.equal(after.submission?.step, 'refused')
  })

  describe('by its transfers alone', () => {
    it('is processing with the first that moves, and finished with the last', () => {
      const still = totals({ registered: [2, 300n] })
      assert.deepEqual(settleBatch(batch(), still, now).steps, [])
      const cancelled = totals({ registered: [1, 100n], cancelled: [1, 200n] })
      assert.deepEqual(settleBatch(batch(), cancelled, now).steps, [], 'the rest can still be sent')
      const first = settleBatch(batch(), totals({ registered: [1, 100n], processing: [1, 200n] }), now)
      assert.deepEqual(names(first), ['processing'])
      const last = settleBatch(lastOf(batch(), first), paid, now)
      assert.deepEqual(names(last), ['finished'])
      assert.deepEqual(names(settleBatch(batch(), paid, now)), ['finished'], 'all at once')
    })

    it('is finished once, and amended once for each movement after that', () => {
      const finished = lastOf(batch(), settleBatch(batch(), paid, now))
      assert.deepEqual(settleBatch(finished, paid, now).steps, [])
      const returned = totals({ succeeded: [1, 200n], returned: [1, 100n] })
      const amended = settleBatch(finished, returned, now)
      assert.deepEqual(names(amended), ['amended'])
      assert.equal(lastOf(finished, amended).state, 'finished')
      assert.deepEqual(settleBatch(lastOf(finished, amended), returned, now).steps, [])
    })

    it('is amended by an operator’s amount, though no state moves', () => {
      const finished = lastOf(batch(), settleBatch(batch(), paid, now))
      assert.deepEqual(names(settleBatch(finished, totals({ succeeded: [2, 299n] }), now)), ['amended'])
    })
  })

  describe('drifts', () => {
    const drifting: [string, Partial<Batch>, BatchTotals][] = [
      ['another count', { figures: { count: 3 } }, open],
      ['another total', { figures: { amount: rupiah(301n) } }, open],
      ['more successes', { figures: { succeededCount: 1 } }, paid],
      ['other sums', { figures: { succeededCount: 2, succeededAmount: rupiah(299n) } }, paid],
      ['failures of what succeeded', { figures: { failedCount: 1 } }, paid],
    ]
    for (const [what, fields, ours] of drifting) {
      it(`for ${what}`, () => {
        const before = batch({ state: 'processing', ...fields })
        const settled = settleBatch(before, ours, now)
        assert.equal(names(settled).at(-1), 'drifted')
        assert.ok(settled.drift)
        const after = lastOf(before, settled)
        assert.deepEqual(settleBatch(after, ours, now).steps, [], 'once')
      })
    }

    it('not for figures that only the last transfer can make right', () => {
      const figures = { succeededCount: 2, succeededAmount: rupiah(300n), failedCount: 0 }
      assert.equal(findDrift(batch({ figures }), open, false), undefined)
      assert.equal(findDrift(batch({ figures }), paid, true), undefined)
    })

    it('not for a return that the provider still counts as paid, or as failed', () => {
      const back = totals({ succeeded: [1, 200n], returned: [1, 100n] })
      for (const figures of [
        { succeededCount: 2, succeededAmount: rupiah(300n), failedCount: 0 },
        { succeededCount: 1, succeededAmount: rupiah(200n), failedCount: 1, failedAmount: rupiah(100n) },
      ])
        assert.equal(findDrift(batch({ figures }), back, true), undefined)
      const mixed = { succeededCount: 2, succeededAmount: rupiah(200n) }
      assert.ok(findDrift(batch({ figures: mixed }), back, true), 'of both the same count and sum')
    })

    it('not for transfers that were cancelled before it was sent: the provider never had them', () => {
      const left = totals({ succeeded: [1, 200n], cancelled: [1, 100n] })
      const sent = { count: 1, amount: rupiah(200n) }
      for (const figures of [sent, { count: 2, amount: rupiah(300n) }])
        assert.equal(findDrift(batch({ figures }), left, false), undefined)
      assert.match(findDrift(batch({ figures: { count: 0 } }), left, false) ?? '', /counts 0 .* 1 are/)
      assert.ok(findDrift(batch({ figures: { amount: rupiah(100n) } }), left, false))
      assert.ok(findDrift(batch({ figures: sent }), paid, false), 'nothing was cancelled')
      for (const failed of [0, 1]) {
        const figures = { ...sent, succeededCount: 1, failedCount: failed }
        assert.equal(findDrift(batch({ figures }), left, true), undefined)
      }
      assert.ok(findDrift(batch({ figures: { ...sent, failedCount: 2 } }), left, true))
    })

    it('and no longer once the figures agree', () => {
      const before = batch({ state: 'finished', figures: { count: 3 }, drifted: true })
      const decision = decideBatch(before, seen({ figures: { count: 2 } }), paid, now)
      assert.equal(outcomeOf(before, decision).drifted, undefined)
    })
  })

  it('for any history: numbered without gaps, finished once, and in agreement with its transfers', () => {
    const movements = fc.array(fc.tuple(fc.nat({ max: 2 }), fc.constantFrom(...transferStates)), {
      maxLength: 12,
    })
    fc.assert(
      fc.property(movements, (history) => {
        const states = ['registered', 'registered', 'registered'] as string[]
        let current = batch({ count: 3, amount: rupiah(3n) })
        let finished = 0
        for (const [which, state] of history) {
          states[which] = state
          const sums = emptyTotals()
          for (const one of transferStates) {
            const count = states.filter((other) => other === one).length
            sums[one] = { count, minor: BigInt(count) }
          }
          const settled = settleBatch(current, sums, now)
          for (const { fact } of settled.steps) {
            assert.equal(fact.sequence, current.sequence + 1)
            if (fact.name === 'finished') finished++
            current = { ...current, sequence: fact.sequence }
          }
          current = lastOf(current, settled)
          if (countFinal(sums) === 3) assert.equal(current.state, 'finished')
          assert.deepEqual(settleBatch(current, sums, now).steps, [])
        }
        assert.ok(finished <= 1)
      }),
    )
  })
})
