import assert from 'node:assert/strict'
import fc from 'fast-check'
import { cancelTransfer, decideTransfer, transferMoves } from '../../src/domain/decide-transfer.ts'
import type { Failure } from '../../src/domain/failure.ts'
import { caseIdOfHold, type ReceiptId } from '../../src/domain/ids.ts'
import type { HoldReason } from '../../src/domain/intent.ts'
import { observedStatuses, type TransferObservation } from '../../src/domain/observation.ts'
import {
  beginReserving,
  beginSending,
  type SubmissionStep,
  submissionSteps,
  takeBack,
} from '../../src/domain/submission.ts'
import { finalTransferStates, type Transfer, transferStates } from '../../src/domain/transfer.ts'
import { now, outcomeOf, rupiah, seenTransfer as seen, transfer } from '../support/intents.ts'

const decide = (before: Transfer, fields: Partial<TransferObservation> = {}) =>
  decideTransfer(before, seen(fields), now)

describe('decideTransfer', () => {
  it('settles on a success, as one numbered fact', () => {
    const decision = decide(transfer(), { occurredAt: now - 5 })
    assert.ok(decision.verdict === 'applied')
    assert.deepEqual(
      decision.steps.map(({ fact }) => fact),
      [
        {
          name: 'succeeded',
          sequence: 2,
          change: { from: { state: 'registered', held: false }, to: { state: 'succeeded', held: false } },
        },
      ],
    )
    const { settledAt, asOf, providerReference, settledBy } = outcomeOf(transfer(), decision)
    assert.deepEqual(
      { settledAt, asOf, providerReference, settledBy },
      { settledAt: now - 5, asOf: now - 5, providerReference: 'inquiry-1', settledBy: 'rc-1' },
    )
  })

  it('keeps the reason of a failure and the fee of a success', () => {
    const failure = { code: 'beneficiary-blocked', reason: 'ACCOUNT_FROZEN' } as const
    assert.deepEqual(
      outcomeOf(transfer(), decide(transfer(), { status: 'failed', failure })).failure,
      failure,
    )
    const failed = outcomeOf(transfer(), decide(transfer(), { status: 'failed' }))
    assert.deepEqual(failed.failure, { code: 'unknown' })
    assert.deepEqual(outcomeOf(transfer(), decide(transfer(), { fee: rupiah(7n) })).fee, rupiah(7n))
  })

  describe('moves as its table says', () => {
    const verdicts = { move: 'applied', repeat: 'repeat', stale: 'stale', contradiction: 'held' }
    for (const state of transferStates) {
      for (const status of observedStatuses) {
        const move = transferMoves[state][status]
        it(`${state}, and ${status} is reported: ${move}`, () => {
          const before = transfer({ state, providerReference: 'inquiry-1' })
          const decision = decide(before, { status })
          assert.equal(decision.verdict, verdicts[move])
          const expected = move === 'move' ? status : state
          assert.equal(outcomeOf(before, decision).state, expected)
          if (decision.verdict === 'held') assert.equal(decision.reason, 'final-state-contradicted')
        })
      }
    }

    it('never out of a final state, but for a success that comes back', () => {
      for (const state of finalTransferStates)
        for (const status of observedStatuses)
          assert.equal(
            transferMoves[state][status] === 'move',
            state === 'succeeded' && status === 'returned',
            `${state} ${status}`,
          )
    })
  })

  describe('holds, in whatever state it is,', () => {
    const differences: [HoldReason, Partial<Transfer>, Partial<TransferObservation>][] = [
      ['amount-differs', {}, { amount: rupiah(2500001n) }],
      ['amount-differs', { settledAmount: rupiah(1n) }, {}],
      ['currency-differs', {}, { amount: { minor: 2500000n, currency: 'CNY' } }],
      ['account-number-differs', {}, { payee: { kind: 'bank', person: 'other' } }],
      ['openid-differs', { payee: { kind: 'wechatpay' } }, { payee: { kind: 'wechatpay', person: 'other' } }],
      ['provider-reference-differs', { providerReference: 'inquiry-0' }, {}],
      ['provider-reference-taken', {}, { takenBy: 'tr-2' }],
    ]
    for (const [reason, known, said] of differences) {
      it(`where the ${reason.replaceAll('-', ' ')}: ${Object.keys(said).join() || Object.keys(known).join()}`, () => {
        for (const state of transferStates)
          for (const status of observedStatuses) {
            const before = transfer({ state, ...known })
            const decision = decide(before, { ...said, status })
            assert.ok(decision.verdict === 'held', `${state} ${status}: ${decision.verdict}`)
            assert.equal(decision.reason, reason)
            const { hold, sequence, updatedAt, ...rest } = outcomeOf(before, decision)
            assert.deepEqual(hold, { reason, at: now, case: caseIdOfHold(before.id, 2) })
            const { sequence: _, updatedAt: __, ...was } = before
            assert.deepEqual(rest, was, 'nothing else moved')
          }
      })
    }

    const harmless: [string, Partial<Transfer>, Partial<TransferObservation>][] = [
      ['another name', {}, { payee: { kind: 'bank', person: 'registered', nameDigest: 'jon' } }],
      ['a number of another kind', {}, { payee: { kind: 'wechatpay', person: 'other' } }],
      [
        'the account that a person accepted',
        { payee: { kind: 'bank', accepted: 'other' } },
        { payee: { kind: 'bank', person: 'other' } },
      ],
      ['the amount that a person accepted', { settledAmount: rupiah(1n) }, { amount: rupiah(1n) }],
    ]
    for (const [what, known, said] of harmless) {
      it(`but not for ${what}`, () => {
        assert.equal(decide(transfer(known), said).verdict, 'applied')
      })
    }
  })

  describe('reports what a repeat tells first,', () => {
    const failed = (failure: Failure) =>
      transfer({ state: 'failed', providerReference: 'inquiry-1', failure })
    const tell = (before: Transfer, fields: Partial<TransferObservation>) => {
      const decision = decide(before, { ...fields, status: before.state as 'failed' })
      const after = outcomeOf(before, decision)
      if ('steps' in decision) {
        assert.deepEqual(
          decision.steps.map(({ fact }) => fact.name),
          ['reported'],
        )
        assert.equal(after.state, before.state)
        assert.equal(decide(after, { ...fields, status: before.state as 'failed' }).verdict, 'repeat')
      }
      return { verdict: decision.verdict, after }
    }

    it('as the number and the fee, and leaves those that are known', () => {
      const { verdict, after } = tell(transfer({ state: 'succeeded' }), { fee: rupiah(5n) })
      assert.deepEqual([verdict, after.providerReference, after.fee], ['applied', 'inquiry-1', rupiah(5n)])
      assert.equal(tell(after, { fee: rupiah(6n) }).verdict, 'repeat')
      assert.equal(after.settledBy, undefined, 'it is what it was before')
    })

    const better: [string, Failure, Failure][] = [
      ['a reason', { code: 'declined-by-provider' }, { code: 'beneficiary-blocked', reason: 'FROZEN' }],
      ['a word that we do not know', { code: 'declined-by-provider' }, { code: 'unknown', reason: 'NEW' }],
      ['a code', { code: 'unknown' }, { code: 'declined-by-provider' }],
      ['a reason of the same', { code: 'expired' }, { code: 'expired', reason: 'OVERDUE_CLOSE' }],
    ]
    for (const [what, known, said] of better) {
      it(`as ${what} of a failure, and is not told otherwise after that`, () => {
        const { after } = tell(failed(known), { failure: said })
        assert.deepEqual(after.failure, said)
        assert.equal(tell(after, { failure: known }).verdict, 'repeat')
      })
    }

    it('and takes no reason in the place of another', () => {
      const known = { code: 'beneficiary-blocked', reason: 'FROZEN' } as const
      for (const failure of [{ code: 'expired', reason: 'LATE' }, { code: 'unknown' }] as const)
        assert.equal(tell(failed(known), { failure }).verdict, 'repeat')
      const specific = failed({ code: 'beneficiary-blocked' })
      assert.equal(tell(specific, { failure: { code: 'unknown', reason: 'NEW' } }).verdict, 'repeat')
      assert.equal(
        tell(transfer({ state: 'succeeded', providerReference: 'inquiry-1' }), {}).verdict,
        'repeat',
      )
    })
  })

  describe('of what we send ourselves', () => {
    const at = (step: SubmissionStep, fields: Partial<Transfer> = {}) =>
      transfer({ state: 'submitted', submission: { step, at: now }, ...fields })

    it('is not moved by `processing` before the order: what is set aside is as pending', () => {
      for (const step of ['waiting', 'reserving', 'reserved'] as const)
        assert.deepEqual(decide(at(step), { status: 'processing' }), { verdict: 'stale' }, step)
      for (const step of ['sending', 'acknowledged'] as const)
        assert.equal(outcomeOf(at(step), decide(at(step), { status: 'processing' })).state, 'processing')
      const unsent = at('waiting', { state: 'registered' })
      assert.equal(decide(unsent, { status: 'processing' }).verdict, 'applied', 'somebody else sent it')
    })

    it('is what the provider says at any step, and is not sent after that', () => {
      for (const step of submissionSteps)
        for (const status of ['succeeded', 'failed'] as const) {
          const after = outcomeOf(at(step), decide(at(step), { status }))
          assert.equal(after.state, status, step)
          assert.equal(
            beginSending(after, now) ?? beginReserving(after, now) ?? takeBack(after, now),
            undefined,
          )
        }
    })

    it('shows nobody a `processing` that says nothing while it is held over its sending', () => {
      const held = (reason: HoldReason, step: SubmissionStep) =>
        at(step, { hold: { reason, at: now, case: caseIdOfHold(transfer().id, 2) } })
      const seenOf = (one: Transfer, fields: Partial<TransferObservation>) => decide(one, fields).verdict
      for (const [reason, step] of [
        ['beneficiary-name-differs', 'reserved'],
        ['refused-by-provider', 'sending'],
      ] as const) {
        assert.equal(seenOf(held(reason, step), { status: 'processing' }), 'stale')
        for (const said of [{ status: 'processing', amount: rupiah(1n) }, { status: 'succeeded' }] as const)
          assert.equal(seenOf(held(reason, step), said), 'awaits-person')
      }
      assert.equal(seenOf(held('amount-differs', 'sending'), { status: 'processing' }), 'awaits-person')
    })
  })

  describe('of a return that the provider tells when it is asked', () => {
    const asked = { status: 'returned', source: 'query', occurredAt: now - 5 } as const

    it('knows that it arrived before, though nobody told', () => {
      for (const state of ['registered', 'submitted', 'processing'] as const) {
        const before = transfer({ state })
        const decision = decide(before, { ...asked, fee: rupiah(5n) })
        assert.ok(decision.verdict === 'applied')
        assert.deepEqual(
          decision.steps.map(({ fact }) => [fact.name, fact.sequence]),
          [
            ['succeeded', 2],
            ['returned', 3],
          ],
        )
        const after = outcomeOf(before, decision)
        assert.deepEqual(
          [after.state, after.settledAt, after.fee, after.providerReference],
          ['returned', now - 5, rupiah(5n), 'inquiry-1'],
        )
        assert.equal(decide(after, asked).verdict, 'repeat')
      }
    })

    it('but not by a callback, of what is final, of another amount, or where it is older', () => {
      assert.equal(decide(transfer(), { ...asked, source: 'callback' }).verdict, 'held')
      for (const state of ['failed', 'cancelled', 'expired'] as const)
        assert.equal(decide(transfer({ state }), asked).verdict, 'held', state)
      assert.equal(decide(transfer(), { ...asked, amount: rupiah(1n) }).verdict, 'held')
      const newer = transfer({ state: 'processing', asOf: now })
      assert.deepEqual(decide(newer, asked), { verdict: 'stale', ask: true })
    })
  })

  it('warns of another name, and of no other thing', () => {
    const decision = decide(transfer(), { payee: { kind: 'bank', person: 'registered', nameDigest: 'jon' } })
    assert.deepEqual(decision.verdict === 'applied' && decision.warnings, ['name-differs'])
    const same = decide(transfer())
    assert.equal('warnings' in same, false)
  })

  it('is not moved by what is older than what is known, and asks', () => {
    const before = transfer({ state: 'processing', asOf: now })
    assert.deepEqual(decide(before, { occurredAt: now - 1 }), { verdict: 'stale', ask: true })
    assert.equal(decide(before, { occurredAt: now }).verdict, 'applied', 'equal times say nothing')
    assert.equal(decide(before).verdict, 'applied', 'nor does none')
    const settled = transfer({ state: 'succeeded', asOf: now })
    assert.equal(decide(settled, { status: 'returned', occurredAt: now - 1 }).verdict, 'stale')
    assert.equal(
      decide(settled, { status: 'failed', occurredAt: now - 1 }).verdict,
      'held',
      'two final states contradict each other in any order',
    )
  })

  it('waits for the person while it is held, whatever comes', () => {
    const held = outcomeOf(transfer(), decide(transfer(), { amount: rupiah(1n) }))
    for (const status of observedStatuses)
      assert.deepEqual(decide(held, { status }), { verdict: 'awaits-person' })
  })

  it('is not held again by what was ruled on, unless it happened since, and is moved by it where it may be', () => {
    const fact = seen({ status: 'returned' }).fact ?? ''
    const ruled = { dismissed: [fact], ruledAt: now }
    const registered = transfer(ruled)
    assert.equal(decide(registered, { status: 'returned' }).verdict, 'repeat')
    assert.equal(decide(registered, { status: 'returned', occurredAt: now }).verdict, 'repeat')
    assert.equal(decide(registered, { status: 'returned', occurredAt: now + 1 }).verdict, 'held')
    assert.equal(decide(registered, { status: 'returned', amount: rupiah(1n) }).verdict, 'held')
    assert.equal(
      decide(transfer({ ...ruled, state: 'succeeded' }), { status: 'returned' }).verdict,
      'applied',
    )
  })

  it('is cancelled only before it was sent, and not while it is held', () => {
    for (const state of transferStates)
      assert.equal(cancelTransfer(transfer({ state }), now) !== undefined, state === 'registered', state)
    const held = outcomeOf(transfer(), decide(transfer(), { amount: rupiah(1n) }))
    assert.equal(cancelTransfer(held, now), undefined)
    const step = cancelTransfer(transfer(), now)
    assert.deepEqual([step?.fact.name, step?.intent.state], ['cancelled', 'cancelled'])
  })

  describe('for any history', () => {
    const observations = fc.array(
      fc.record({
        status: fc.constantFrom(...observedStatuses),
        amount: fc.constantFrom(2500000n, 2500000n, 2500000n, 1n).map(rupiah),
        occurredAt: fc.option(fc.integer({ min: now - 3, max: now + 3 }), { nil: undefined }),
        receiptId: fc.integer({ min: 1, max: 99 }).map((number) => `rc-${number}` as ReceiptId),
        person: fc.constantFrom('registered', 'registered', 'registered', 'other'),
      }),
      { maxLength: 12 },
    )
    const starts = fc.constantFrom(...transferStates)

    function replay(start: Transfer, history: Partial<TransferObservation & { person: string }>[]) {
      let current = start
      return history.map(({ person = 'registered', occurredAt, ...fields }) => {
        const before = Object.freeze(current)
        const payee = { kind: 'bank', person } as const
        const what = seen({ ...fields, payee, ...(occurredAt !== undefined && { occurredAt }) })
        const decision = decideTransfer(before, Object.freeze(what), now)
        current = outcomeOf(before, decision)
        return { before, decision, what, current }
      })
    }

    it('states move as the table says, and final ones stay final but for returned', () => {
      fc.assert(
        fc.property(starts, observations, (state, history) => {
          for (const { before, what, current } of replay(transfer({ state }), history)) {
            if (current.state === before.state) continue
            assert.equal(transferMoves[before.state][what.status], 'move')
            assert.equal(current.state, what.status)
            if (finalTransferStates.has(before.state)) assert.equal(current.state, 'returned')
          }
        }),
      )
    })

    it('amount, account, reference and beneficiary never change', () => {
      fc.assert(
        fc.property(starts, observations, (state, history) => {
          for (const { current } of replay(transfer({ state }), history)) {
            const { amount, account, reference, personal, payee, id, settledAmount } = current
            const was = transfer()
            assert.deepEqual(
              { amount, account, reference, personal, payee, id },
              {
                amount: was.amount,
                account: was.account,
                reference: was.reference,
                personal: was.personal,
                payee: was.payee,
                id: was.id,
              },
            )
            assert.equal(settledAmount, undefined)
          }
        }),
      )
    })

    it('the sequence has no gaps, and moves only with a change', () => {
      fc.assert(
        fc.property(starts, observations, (state, history) => {
          for (const { before, decision, current } of replay(transfer({ state }), history)) {
            const steps = 'steps' in decision ? decision.steps : []
            assert.deepEqual(
              steps.map(({ fact }) => fact.sequence),
              steps.map((_, i) => before.sequence + 1 + i),
            )
            assert.equal(current.sequence, before.sequence + steps.length)
          }
        }),
      )
    })

    it('time never goes back, and the same a second time changes nothing', () => {
      fc.assert(
        fc.property(starts, observations, (state, history) => {
          for (const { before, what, current } of replay(transfer({ state }), history)) {
            assert.ok((current.asOf ?? 0) >= (before.asOf ?? 0))
            assert.equal('steps' in decideTransfer(current, what, now + 1), false)
          }
        }),
      )
    })
  })
})
