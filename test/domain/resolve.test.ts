import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Coupon } from '../../src/domain/coupon.ts'
import { decide } from '../../src/domain/decide.ts'
import type { ReceiptId } from '../../src/domain/ids.ts'
import type { Intent } from '../../src/domain/intent.ts'
import { type Observation, observedStatuses, resolutionActions } from '../../src/domain/observation.ts'
import { findObstacle, findRuledOn, resolveHold } from '../../src/domain/resolve.ts'
import { finalTransferStates, type Transfer, transferStates } from '../../src/domain/transfer.ts'
import {
  collection,
  coupon,
  now,
  outcomeOf,
  rupiah,
  seenCollection,
  seenGrant,
  seenTransfer,
  seenUse,
  transfer,
} from '../support/intents.ts'

function hold<I extends Intent>(before: I, theirs: Observation): I {
  const decision = decide(before, theirs, now)
  assert.equal(decision.verdict, 'held')
  return outcomeOf(before, decision) as I
}

function resolve<I extends Intent>(
  before: I,
  theirs: Observation,
  action: (typeof resolutionActions)[number],
) {
  const resolution = { action, theirs, dismissed: [theirs.fact ?? ''] }
  const steps = resolveHold(hold(before, theirs), resolution, now)
  return { names: steps.map(({ fact }) => fact.name), after: steps.at(-1)?.intent as I }
}

describe('resolveHold', () => {
  const settled = transfer({ state: 'succeeded', settledAt: now, settledBy: 'rc-0', asOf: now })

  it('keep-ours releases and changes nothing else', () => {
    const { names, after } = resolve(settled, seenTransfer({ status: 'failed' }), 'keep-ours')
    assert.deepEqual(names, ['released'])
    const { dismissed: _, ruledAt: __, sequence: ___, ...rest } = after
    const { sequence: ____, ...was } = settled
    assert.deepEqual(rest, was)
  })

  it('take-theirs of a final state is a correction, and nothing is left of what it was', () => {
    const { names, after } = resolve(settled, seenTransfer({ status: 'failed' }), 'take-theirs')
    assert.deepEqual(names, ['released', 'corrected'])
    assert.deepEqual(
      [after.state, after.settledAt, after.failure, after.settledBy],
      ['failed', undefined, { code: 'unknown' }, 'rc-1'],
    )
    const failed = transfer({ state: 'failed', failure: { code: 'expired' } })
    const other = resolve(failed, seenTransfer({ occurredAt: now - 9 }), 'take-theirs').after
    assert.deepEqual([other.state, other.failure, other.settledAt], ['succeeded', undefined, now - 9])
  })

  it('take-theirs of a pending state is the fact that it is', () => {
    const { names } = resolve(transfer(), seenTransfer({ amount: rupiah(1n) }), 'take-theirs')
    assert.deepEqual(names, ['released', 'succeeded'])
  })

  it('take-theirs never leads back: a final state stays when they speak of what was before', () => {
    const theirs = seenTransfer({ status: 'processing', amount: rupiah(1n) })
    const { names, after } = resolve(settled, theirs, 'take-theirs')
    assert.deepEqual(names, ['released', 'corrected'])
    assert.deepEqual([after.state, after.settledAmount], ['succeeded', rupiah(1n)])
  })

  it('take-theirs takes amount, number and beneficiary, and leaves what was registered', () => {
    const theirs = seenTransfer({
      amount: rupiah(1n),
      providerReference: 'inquiry-2',
      payee: { kind: 'bank', person: 'other' },
    })
    const { after } = resolve(transfer({ providerReference: 'inquiry-1' }), theirs, 'take-theirs')
    assert.deepEqual([after.amount, after.settledAmount], [rupiah(2500000n), rupiah(1n)])
    assert.deepEqual([after.personal.person, after.payee.accepted], ['registered', 'other'])
    assert.equal(after.providerReference, 'inquiry-2')
    assert.equal(decide(after, theirs, now).verdict, 'repeat')
  })

  it('take-theirs of what names no amount keeps the one that was accepted before', () => {
    const { amount: _, ...theirs } = seenTransfer({ status: 'failed' })
    const { after } = resolve({ ...settled, settledAmount: rupiah(1n) }, theirs, 'take-theirs')
    assert.deepEqual(after.settledAmount, rupiah(1n))
  })

  it('take-theirs of the registered amount and beneficiary ends what was accepted before', () => {
    const accepted = { settledAmount: rupiah(1n), payee: { kind: 'bank', accepted: 'other' } } as const
    const { after } = resolve({ ...settled, ...accepted }, seenTransfer(), 'take-theirs')
    assert.deepEqual([after.settledAmount, after.payee.accepted], [undefined, undefined])
  })

  it('cancel cancels, once', () => {
    const { names, after } = resolve(settled, seenTransfer({ status: 'failed' }), 'cancel')
    assert.deepEqual(names, ['released', 'corrected'])
    assert.deepEqual([after.state, after.settledAt, after.settledBy], ['cancelled', undefined, undefined])
    assert.deepEqual(resolve(transfer(), seenTransfer({ amount: rupiah(1n) }), 'cancel').names, [
      'released',
      'cancelled',
    ])
    const cancelled = transfer({ state: 'cancelled' })
    assert.deepEqual(resolve(cancelled, seenTransfer(), 'cancel').names, ['released'])
  })

  it('of a coupon takes the consumption that was reported in the place of the known one', () => {
    const granted = coupon({ state: 'granted', couponNumber: 'c-1' })
    const used = outcomeOf(granted, decide(granted, seenUse(), now)) as Coupon
    const { names, after } = resolve(used, seenUse({ amount: rupiah(41n) }), 'take-theirs')
    assert.deepEqual(names, ['released', 'corrected'])
    assert.deepEqual(
      after.uses.map(({ amount }) => amount),
      [rupiah(41n)],
    )
    const failed = coupon({ state: 'failed', failure: { code: 'unknown' } })
    const taken = resolve(failed, seenGrant(), 'take-theirs').after
    assert.deepEqual([taken.state, taken.failure, taken.couponNumber], ['granted', undefined, 'c-1'])
    assert.equal(resolve(failed, seenUse(), 'take-theirs').after.failure, undefined)
  })

  it('of a pay-in takes amount, fee, net and reference', () => {
    const theirs = seenCollection({ amount: rupiah(600n), net: rupiah(595n), reference: 'ref-2' })
    const { after } = resolve(collection(), theirs, 'take-theirs')
    assert.deepEqual(
      [after.amount, after.fee, after.net, after.reference],
      [rupiah(600n), rupiah(5n), rupiah(595n), 'ref-2'],
    )
  })

  it('cannot mix currencies, cancel what is no transfer, or take what is not there', () => {
    const euro = { minor: 1n, currency: 'EUR' }
    const { amount: _, ...free } = coupon({
      uses: [{ transaction: 't', amount: rupiah(1n), at: 1, receipt: '' }],
    })
    const taking = (intent: Intent, theirs?: Observation) =>
      findObstacle(intent, { action: 'take-theirs', dismissed: [], ...(theirs && { theirs }) })
    assert.match(taking(transfer(), seenTransfer({ amount: euro })) ?? '', /IDR.*0\.01 EUR/)
    assert.match(taking(collection(), seenCollection({ amount: euro })) ?? '', /IDR/)
    assert.match(taking(free, seenUse({ amount: euro })) ?? '', /IDR/)
    assert.ok(taking(transfer()))
    assert.equal(taking(transfer(), seenTransfer()), undefined)
    for (const intent of [coupon(), collection()])
      assert.match(findObstacle(intent, { action: 'cancel', dismissed: [] }) ?? '', /cannot be cancelled/)
    for (const intent of [transfer(), coupon(), collection()])
      assert.equal(findObstacle(intent, { action: 'keep-ours', dismissed: [] }), undefined)
  })

  it('rules on what opened the case and what was taken, and on ours where ours was given up', () => {
    const heard = ['rc-0', 'rc-1', 'rc-2', 'rc-3'].map((receipt) => {
      return { receipt: receipt as ReceiptId, at: 1, body: '', fact: `fact of ${receipt}`, identity: '' }
    })
    const ruledOn = (action: (typeof resolutionActions)[number], theirs?: Observation) =>
      findRuledOn(settled, heard, { action, opened: 'rc-1' as ReceiptId, theirs })
    assert.deepEqual(ruledOn('keep-ours'), ['fact of rc-1'])
    assert.deepEqual(ruledOn('cancel'), ['fact of rc-0', 'fact of rc-1'])
    const theirs = seenTransfer({ receiptId: 'rc-2' as ReceiptId })
    assert.deepEqual(ruledOn('take-theirs', theirs), ['fact of rc-0', 'fact of rc-1', 'fact of rc-2'])
  })

  it('for any hold: numbered without gaps, free afterwards, and what was ruled on holds nothing again', () => {
    const starts = fc.constantFrom(...transferStates)
    const said = fc.record({
      status: fc.constantFrom(...observedStatuses),
      amount: fc.constantFrom(1n, 2500000n).map(rupiah),
      person: fc.constantFrom('registered', 'other'),
    })
    fc.assert(
      fc.property(starts, said, fc.constantFrom(...resolutionActions), (state, fields, action) => {
        const { person, ...rest } = fields
        const theirs = seenTransfer({ ...rest, payee: { kind: 'bank', person } })
        const decision = decide(transfer({ state }), theirs, now)
        if (decision.verdict !== 'held') return
        const held = outcomeOf(transfer({ state }), decision) as Transfer
        const steps = resolveHold(held, { action, theirs, dismissed: [theirs.fact ?? ''] }, now)
        assert.deepEqual(
          steps.map(({ fact }) => fact.sequence),
          steps.map((_, i) => held.sequence + 1 + i),
        )
        const after = steps.at(-1)?.intent as Transfer
        assert.equal(after.hold, undefined)
        assert.deepEqual(after.amount, held.amount)
        if (action === 'keep-ours') assert.equal(after.state, held.state)
        if (finalTransferStates.has(held.state)) assert.ok(finalTransferStates.has(after.state))
        assert.notEqual(decide(after, theirs, now).verdict, 'held')
      }),
    )
  })
})
