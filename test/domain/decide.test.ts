import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Decision, decide, moves, register } from '../../src/domain/decide.ts'
import type { ReceiptId, TransferId } from '../../src/domain/ids.ts'
import { type Observation, observedStatuses } from '../../src/domain/observation.ts'
import { type Transfer, type TransferState, transferStates } from '../../src/domain/transfer.ts'

const now = Date.UTC(2025, 0, 10)

const registered: Transfer = register(
  {
    id: 'tr-1' as TransferId,
    account: 'zeno-main',
    reference: 'RLG00000000',
    amount: { minor: 2500000n, currency: 'IDR' },
    beneficiary: { kind: 'bank', bankCode: '002', accountNumber: '0000000000', name: 'John Doe' },
    contentDigest: 'digest',
  },
  now,
).transfer

function observe(fields: Partial<Observation> = {}): Observation {
  return {
    source: 'callback',
    receiptId: 'rc-1' as ReceiptId,
    account: 'zeno-main',
    reference: 'RLG00000000',
    status: 'succeeded',
    providerReference: 'inquiry-1',
    amount: { minor: 2500000n, currency: 'IDR' },
    accountNumber: '0000000000',
    ...fields,
  }
}

function changed(decision: Decision): Transfer {
  assert.ok(decision.verdict === 'applied' || decision.verdict === 'held', `It was ${decision.verdict}.`)
  return decision.transfer
}

describe('decide', () => {
  it('settles a registered transfer on a success, as one numbered fact', () => {
    const decision = decide(registered, observe({ occurredAt: now - 5 }), now)
    assert.equal(decision.verdict, 'applied')
    assert.deepEqual(decision.fact, {
      name: 'succeeded',
      sequence: 2,
      change: { from: { state: 'registered', held: false }, to: { state: 'succeeded', held: false } },
    })
    assert.equal(decision.transfer.settledAt, now - 5)
    assert.equal(decision.transfer.providerReference, 'inquiry-1')
  })

  it('keeps the reason of a failure', () => {
    const after = changed(
      decide(registered, observe({ status: 'failed', failure: { code: 'declined-by-provider' } }), now),
    )
    assert.equal(after.state, 'failed')
    assert.deepEqual(after.failure, { code: 'declined-by-provider' })
  })

  it('does not take pending for final', () => {
    const after = changed(decide(registered, observe({ status: 'processing' }), now))
    assert.equal(after.state, 'processing')
    assert.equal(after.settledAt, undefined)
  })

  it('changes nothing on a repeat', () => {
    const succeeded = changed(decide(registered, observe(), now))
    assert.deepEqual(decide(succeeded, observe({ receiptId: 'rc-2' as ReceiptId }), now + 1), {
      verdict: 'repeat',
    })
  })

  it('changes nothing on what has been overtaken', () => {
    const succeeded = changed(decide(registered, observe(), now))
    assert.deepEqual(decide(succeeded, observe({ status: 'processing' }), now), { verdict: 'stale' })
  })

  describe('holds for a person', () => {
    const differences = {
      'amount-differs': { amount: { minor: 2500001n, currency: 'IDR' } },
      'currency-differs': { amount: { minor: 2500000n, currency: 'CNY' } },
      'account-number-differs': { accountNumber: '0000000001' },
    } as const
    for (const [reason, fields] of Object.entries(differences)) {
      it(`a success where the ${reason.replaceAll('-', ' ')}`, () => {
        const decision = decide(registered, observe(fields), now)
        assert.ok(decision.verdict === 'held')
        assert.equal(decision.reason, reason)
        assert.equal(decision.transfer.state, 'registered', 'the state did not move')
        assert.deepEqual(decision.transfer.amount, registered.amount)
        assert.equal(decision.fact.name, 'held')
      })
    }

    it('a success where another openid was paid', () => {
      const known = { ...registered, beneficiary: { kind: 'wechatpay', openid: 'o-1' } } as const
      const decision = decide(known, observe({ openid: 'o-2' }), now)
      assert.ok(decision.verdict === 'held')
      assert.equal(decision.reason, 'openid-differs')
      for (const openid of [{ openid: 'o-1' }, {}]) {
        assert.equal(decide(known, observe({ accountNumber: '7', ...openid }), now).verdict, 'applied')
      }
    })

    it('a repeat of a settled transfer with another amount', () => {
      const succeeded = changed(decide(registered, observe(), now))
      const decision = decide(succeeded, observe({ amount: { minor: 1n, currency: 'IDR' } }), now)
      assert.ok(decision.verdict === 'held')
      assert.equal(decision.reason, 'amount-differs')
      assert.equal(decision.transfer.state, 'succeeded')
    })

    it('a reference that answers to another reference of the provider', () => {
      const known = { ...registered, providerReference: 'inquiry-0' }
      const decision = decide(known, observe(), now)
      assert.ok(decision.verdict === 'held')
      assert.equal(decision.reason, 'provider-reference-differs')
    })

    it('success after failure, and failure after success', () => {
      for (const [first, second] of [
        ['failed', 'succeeded'],
        ['succeeded', 'failed'],
      ] as const) {
        const settled = changed(decide(registered, observe({ status: first }), now))
        const decision = decide(settled, observe({ status: second }), now)
        assert.ok(decision.verdict === 'held')
        assert.equal(decision.reason, 'final-state-contradicted')
        assert.equal(decision.transfer.state, first)
      }
    })

    it('and lets nothing else happen meanwhile', () => {
      const held = changed(decide(registered, observe({ accountNumber: '1' }), now))
      assert.deepEqual(decide(held, observe(), now), { verdict: 'awaits-person' })
    })
  })

  describe('for any history', () => {
    const amounts = fc.constantFrom(2500000n, 2500000n, 2500000n, 1n)
    const observations = fc.array(
      fc.record({
        status: fc.constantFrom(...observedStatuses),
        amount: amounts.map((minor) => ({ minor, currency: 'IDR' })),
        accountNumber: fc.constantFrom('0000000000', '0000000000', '0000000000', '1'),
      }),
      { maxLength: 12 },
    )
    const starts = fc.constantFrom<TransferState>(...transferStates)
    const finals: readonly TransferState[] = ['succeeded', 'failed', 'returned', 'cancelled', 'expired']

    function replay(start: TransferState, history: Partial<Observation>[]) {
      const steps: { before: Transfer; decision: Decision }[] = []
      let transfer: Transfer = { ...registered, state: start }
      for (const fields of history) {
        const decision = decide(transfer, observe(fields), now)
        steps.push({ before: transfer, decision })
        if ('transfer' in decision) transfer = decision.transfer
      }
      return steps
    }

    it('a final state stays final, but for succeeded becoming returned', () => {
      fc.assert(
        fc.property(starts, observations, (start, history) => {
          for (const { before, decision } of replay(start, history)) {
            if (!('transfer' in decision) || !finals.includes(before.state)) continue
            const { state } = decision.transfer
            assert.ok(state === before.state || (before.state === 'succeeded' && state === 'returned'))
          }
        }),
      )
    })

    it('amount, account, reference and beneficiary never change', () => {
      fc.assert(
        fc.property(starts, observations, (start, history) => {
          for (const { decision } of replay(start, history)) {
            if (!('transfer' in decision)) continue
            const { amount, account, reference, beneficiary, id } = decision.transfer
            const was = registered
            assert.deepEqual(
              { amount, account, reference, beneficiary, id },
              {
                amount: was.amount,
                account: was.account,
                reference: was.reference,
                beneficiary: was.beneficiary,
                id: was.id,
              },
            )
          }
        }),
      )
    })

    it('the sequence has no gaps and each number is used once', () => {
      fc.assert(
        fc.property(starts, observations, (start, history) => {
          let last = registered.sequence
          for (const { decision } of replay(start, history)) {
            if (!('fact' in decision)) continue
            assert.equal(decision.fact.sequence, last + 1)
            assert.equal(decision.transfer.sequence, decision.fact.sequence)
            last = decision.fact.sequence
          }
        }),
      )
    })

    it('every observation a second time changes nothing', () => {
      fc.assert(
        fc.property(starts, observations, (start, history) => {
          for (const { before, decision } of replay(start, history)) {
            const after = 'transfer' in decision ? decision.transfer : before
            const seen = history[0]
            if (!seen) continue
            const once = decide(after, observe(seen), now)
            const settled = 'transfer' in once ? once.transfer : after
            const twice = decide(settled, observe(seen), now)
            assert.ok(!('transfer' in twice), `${settled.state} changed again: ${twice.verdict}`)
          }
        }),
      )
    })

    it('what it decides does not depend on what it was given before: the input is not touched', () => {
      fc.assert(
        fc.property(starts, observations, (start, history) => {
          const frozen = Object.freeze({ ...registered, state: start })
          for (const fields of history) decide(frozen, Object.freeze(observe(fields)), now)
        }),
      )
    })
  })

  it('has a rule for every state and every status', () => {
    for (const state of transferStates)
      assert.deepEqual(Object.keys(moves[state]).sort(), [...observedStatuses].sort())
  })
})
