import assert from 'node:assert/strict'
import type { ReceiptId } from '../../src/domain/ids.ts'
import type { Observation } from '../../src/domain/observation.ts'
import { classifyRepeat, describeFact, type Heard } from '../../src/domain/repeats.ts'
import { rupiah, seenBatch, seenCollection, seenGrant, seenTransfer, seenUse } from '../support/intents.ts'

const heard = (fields: Partial<Heard> = {}): Heard => ({
  receipt: 'rc-1' as ReceiptId,
  at: 1_000,
  body: 'body',
  fact: 'fact',
  identity: 'identity',
  ...fields,
})
const later = (fields: Partial<Heard> = {}) =>
  heard({ receipt: 'rc-2' as ReceiptId, at: 2_000, body: 'b2', fact: 'f2', identity: 'i2', ...fields })

describe('repeats', () => {
  it('are told apart by what was heard before, the closest first', () => {
    const classify = (fields: Partial<Heard>) => classifyRepeat([heard()], later(fields), 1_000)
    assert.equal(classify({ body: 'body', fact: 'fact', identity: 'identity' }), 'identical')
    assert.equal(classify({ fact: 'fact', identity: 'identity' }), 're-sent')
    assert.equal(classify({ identity: 'identity' }), 'mutated')
    assert.equal(classify({}), undefined)
  })

  it('are remembered for the window, to its last moment', () => {
    const same = later({ body: 'body' })
    assert.equal(classifyRepeat([heard()], same, 1_000), 'identical')
    assert.equal(classifyRepeat([heard()], same, 999), undefined)
  })

  it('are not made of one receipt that is decided again, nor of what we asked for', () => {
    assert.equal(classifyRepeat([heard()], heard(), 1_000), undefined)
    assert.equal(classifyRepeat([heard({ asked: true })], later({ body: 'body' }), 1_000), undefined)
    assert.equal(classifyRepeat([heard()], later({ body: 'body', asked: true }), 1_000), undefined)
  })

  describe('of a fact', () => {
    const same: [string, Observation, Observation][] = [
      ['another time', seenTransfer(), seenTransfer({ occurredAt: 1 })],
      ['another receipt', seenTransfer(), seenTransfer({ receiptId: 'rc-9' as ReceiptId })],
      [
        'another name',
        seenTransfer(),
        seenTransfer({ payee: { kind: 'bank', person: 'registered', nameDigest: 'x' } }),
      ],
      [
        'another explanation',
        seenTransfer({ status: 'failed', failure: { code: 'unknown', reason: 'A' } }),
        seenTransfer({ status: 'failed', failure: { code: 'unknown', reason: 'B' } }),
      ],
      ['a later consumption date', seenUse(), seenUse({ occurredAt: 1 })],
      ['another channel', seenCollection(), seenCollection({ channel: 'QRIS', rrn: '1' })],
    ]
    for (const [what, one, other] of same) {
      it(`${what} makes no other`, () => assert.deepEqual(describeFact(one), describeFact(other)))
    }

    const mutated: [string, Observation, Observation][] = [
      ['amount', seenTransfer(), seenTransfer({ amount: rupiah(1n) })],
      ['currency', seenTransfer(), seenTransfer({ amount: { minor: 2500000n, currency: 'CNY' } })],
      ['account', seenTransfer(), seenTransfer({ payee: { kind: 'bank', person: 'other' } })],
      ['reference', seenTransfer(), seenTransfer({ reference: 'ref-2' })],
      ['figures', seenBatch(), seenBatch({ figures: { count: 1 } })],
      ['coupon', seenGrant(), seenGrant({ couponNumber: 'c-2' })],
      ['consumption', seenUse(), seenUse({ amount: rupiah(1n) })],
      ['net', seenCollection(), seenCollection({ net: rupiah(1n) })],
    ]
    for (const [what, one, other] of mutated) {
      it(`another ${what} makes another fact of the same identity`, () => {
        assert.equal(describeFact(one).identity, describeFact(other).identity)
        assert.notEqual(describeFact(one).fact, describeFact(other).fact)
      })
    }

    it('parts that run into each other are kept apart', () => {
      const one = seenTransfer({ reference: 'a b', batch: 'c' })
      const other = seenTransfer({ reference: 'a', batch: 'b c' })
      assert.notEqual(describeFact(one).fact, describeFact(other).fact)
      const missing = seenUse({ stockId: '-' })
      assert.notEqual(describeFact(missing).fact, describeFact(seenUse({ stockId: '' })).fact)
    })
  })
})
