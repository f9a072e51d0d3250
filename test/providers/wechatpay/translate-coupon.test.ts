import assert from 'node:assert/strict'
import fc from 'fast-check'
import { translateCallback } from '../../../src/providers/wechatpay/translate.ts'
import { assertSound, reasonOf, sightingOf } from '../../support/translation.ts'
import { eventOf, testAccount } from '../../support/wechatpay.ts'

const use = {
  consume_time: '2027-01-10T00:54:48+08:00',
  consume_mchid: '1900000099',
  transaction_id: '4200000001202701101234567890',
  consume_amount: 350,
}
const coupon = {
  stock_creator_mchid: '1900000001',
  stock_id: '9856888',
  coupon_id: '98674556',
  coupon_name: '消费金',
  status: 'SENDED',
  description: '',
  create_time: '2027-01-01T10:00:00+08:00',
  coupon_type: 'NORMAL',
  no_cash: false,
  available_begin_time: '2027-01-01T00:00:00+08:00',
  available_end_time: '2027-02-01T00:00:00+08:00',
  singleitem: false,
  normal_coupon_information: { coupon_amount: 1000, transaction_minimum: 0 },
  consume_information: use,
  business_type: 'MULTIUSE',
}
type Draft = Record<string, unknown>

const translate = (content: Draft | string) => {
  const plaintext = typeof content === 'string' ? content : JSON.stringify(content)
  return translateCallback(testAccount, Buffer.from(eventOf('COUPON.USE', plaintext)))
}
const withUse = (fields: Draft) => ({ ...coupon, consume_information: { ...use, ...fields } })
const understood = (content: Draft = coupon) => sightingOf(translate(content), 'coupon-use')

describe('wechatpay translation of a coupon’s use', () => {
  it('reads one', () => {
    assert.deepEqual(understood(), {
      kind: 'coupon-use',
      source: 'callback',
      account: 'wx-test',
      couponNumber: '98674556',
      stockId: '9856888',
      transaction: '4200000001202701101234567890',
      amount: { minor: 350n, currency: 'CNY' },
      occurredAt: Date.parse('2027-01-09T16:54:48Z'),
    })
  })

  it('reads numbers that are written as numbers, exactly', () => {
    const content = JSON.stringify(coupon)
      .replace('"98674556"', '98674556001234567890')
      .replace('350', '"350"')
    const seen = sightingOf(translate(content), 'coupon-use')
    assert.equal(seen.couponNumber, '98674556001234567890')
    assert.equal(seen.amount.minor, 350n)
  })

  it('asks only for what it needs', () => {
    const { consume_time, transaction_id, consume_amount } = use
    const bare = {
      stock_id: '9856888',
      coupon_id: '98674556',
      consume_information: { consume_time, transaction_id, consume_amount },
    }
    assert.deepEqual(understood(bare), understood())
  })

  it('takes any state that the coupon is in after it: it was used all the same', () => {
    for (const status of ['USED', 'EXPIRED', 'RECOVER'])
      assert.deepEqual(understood({ ...coupon, status }), understood())
  })

  describe('does not guess at', () => {
    const { consume_amount: _, ...singleUse } = use
    const cases: Record<string, [Draft | string, RegExp]> = {
      'a single-use coupon, which says no amount': [
        { ...coupon, business_type: undefined, consume_information: singleUse },
        /consume_amount is missing: only multi-use coupons/,
      ],
      'a coupon of another business': [{ ...coupon, business_type: 'CARD' }, /business_type is not MULTIUSE/],
      'a stock of another merchant': [{ ...coupon, stock_creator_mchid: '1900000002' }, /another merchant/],
      'no consumption': [{ ...coupon, consume_information: undefined }, /consume_information/],
      'no purchase': [withUse({ transaction_id: null }), /consume_information.transaction_id/],
      'no time': [withUse({ consume_time: null }), /consume_information.consume_time/],
      'a time that is none': [
        withUse({ consume_time: '2027-02-31T00:00:00Z' }),
        /consume_time is not a time/,
      ],
      'no coupon': [{ ...coupon, coupon_id: '' }, /coupon_id/],
      'no stock': [{ ...coupon, stock_id: undefined }, /stock_id/],
      'a consumption of nothing': [withUse({ consume_amount: 0 }), /fen above zero/],
      'negative fen': [withUse({ consume_amount: -350 }), /fen above zero/],
      'fen with decimals': [withUse({ consume_amount: 3.5 }), /fen above zero/],
      'fen with an exponent': [JSON.stringify(coupon).replace('350', '35e1'), /fen above zero/],
      'fen of a hostile size': [withUse({ consume_amount: '9'.repeat(19) }), /fen above zero/],
      'a coupon of a hostile size': [{ ...coupon, coupon_id: '9'.repeat(100_000) }, /coupon_id/],
      'a key that says two things': [
        JSON.stringify(coupon).replace('"consume_amount"', '"consume_amount":1,"consume_amount"'),
        /says one thing twice/,
      ],
    }
    for (const [title, [content, expected]] of Object.entries(cases))
      it(title, () => assert.match(reasonOf(translate(content)), expected))
  })

  it('is sound for any content and any value in any place', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(coupon)),
        fc.constantFrom(...Object.keys(use)),
        fc.jsonValue(),
        fc.json(),
        (field, useField, value, json) => {
          assertSound(translate({ ...coupon, [field]: value }))
          assertSound(translate(withUse({ [useField]: value })))
          assert.equal(translate(json).outcome, 'not-understood')
        },
      ),
    )
  })
})
