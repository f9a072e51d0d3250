import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Translation } from '../../../src/providers/provider.ts'
import { translateCallback } from '../../../src/providers/zenospay/translate.ts'
import { assertSound, reasonOf, sightingOf } from '../../support/translation.ts'
import { testAccount } from '../../support/zenospay.ts'

/** The documentation's own form; its figures do not add up there either. */
const payment = {
  transaction_id: '9d6f8a50-3c1e-4f43-9d0e-2d6e8c1f0a11',
  merchant_transaction_id: 'order-1',
  created_at: '2025-01-10T00:54:42+07:00',
  amount: '10000.00',
  currency: 'IDR',
  channel: 'BCA',
  service_fee_rate: '0.70',
  service_fee_amount: '5000.00',
  nett_amount: '9930.00',
  rrn: '501000123456',
  customer_info: { customer_name: 'Siti Rahma', product_name: 'Order 1' },
}
type Draft = Record<string, unknown>

const translate = (body: unknown): Translation =>
  translateCallback(testAccount, Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)))
const withFields = (fields: Draft) => ({ ...payment, ...fields })
const understood = (fields: Draft = {}) => sightingOf(translate(withFields(fields)), 'collection')
const reason = (fields: Draft) => reasonOf(translate(withFields(fields)))
const written = (field: string, raw: string) =>
  JSON.stringify(withFields({ [field]: '@' })).replace('"@"', raw)

describe('zenospay translation of a pay-in', () => {
  it('reads one that is flat', () => {
    assert.deepEqual(understood(), {
      kind: 'collection',
      source: 'callback',
      account: 'zeno-test',
      transaction: '9d6f8a50-3c1e-4f43-9d0e-2d6e8c1f0a11',
      reference: 'order-1',
      amount: { minor: 1000000n, currency: 'IDR' },
      fee: { minor: 500000n, currency: 'IDR' },
      net: { minor: 993000n, currency: 'IDR' },
      channel: 'BCA',
      rrn: '501000123456',
      occurredAt: Date.parse('2025-01-09T17:54:42Z'),
      secrets: { customerName: 'Siti Rahma' },
    })
  })

  it('reads the same from an envelope, and from a flat body that names its event', () => {
    for (const event of ['payment.completed', 'Payment.Completed']) {
      assert.deepEqual(sightingOf(translate({ event, data: payment }), 'collection'), understood())
      assert.deepEqual(sightingOf(translate({ event, ...payment }), 'collection'), understood())
    }
    for (const event of [null, '']) assert.deepEqual(understood({ event }), understood())
  })

  it('reads money as text and as a number, exactly', () => {
    for (const raw of ['10000', '10000.00', '"10000"', '10000.000']) {
      const { amount } = sightingOf(translate(written('amount', raw)), 'collection')
      assert.equal(amount.minor, 1000000n, raw)
      const { fee } = sightingOf(translate(written('service_fee_amount', raw)), 'collection')
      assert.equal(fee?.minor, 1000000n, raw)
    }
    const { net } = sightingOf(translate(written('nett_amount', '9007199254740993.01')), 'collection')
    assert.equal(net?.minor, 900719925474099301n, 'no float on the way')
  })

  it('leaves out what is not said', () => {
    const { transaction_id, merchant_transaction_id, amount } = payment
    assert.deepEqual(
      sightingOf(translate({ transaction_id, merchant_transaction_id, amount }), 'collection'),
      {
        kind: 'collection',
        source: 'callback',
        account: 'zeno-test',
        transaction: transaction_id,
        reference: 'order-1',
        amount: { minor: 1000000n, currency: 'IDR' },
        secrets: {},
      },
    )
    for (const nothing of [null, '']) {
      const { rrn, channel, fee, net, secrets, occurredAt } = understood({
        rrn: nothing,
        channel: nothing,
        service_fee_amount: nothing,
        nett_amount: nothing,
        created_at: nothing,
        customer_info: { customer_name: nothing },
      })
      assert.deepEqual([rrn, channel, fee, net, occurredAt], Array(5).fill(undefined))
      assert.deepEqual(secrets, {})
    }
    assert.deepEqual(understood({ customer_info: null }).secrets, {})
  })

  it('takes the currency that it names, in either case, and counts by it', () => {
    assert.deepEqual(understood({ currency: 'jpy', service_fee_amount: '0', nett_amount: '0' }).amount, {
      minor: 10000n,
      currency: 'JPY',
    })
    for (const currency of [null, '']) assert.equal(understood({ currency }).amount.currency, 'IDR')
  })

  it('takes a status for what it says, though none is documented', () => {
    assert.equal(understood({ status: 'Success' }).transaction, payment.transaction_id)
    for (const status of ['Pending', 'fail', 'processing', 'constructor'])
      assert.match(reason({ status }), /is not that of a pay-in/)
  })

  describe('does not guess at', () => {
    const cases: Record<string, [unknown, RegExp]> = {
      'an amount with an exponent': [written('amount', '1e4'), /The amount cannot be read exactly/],
      'a negative amount': [withFields({ amount: '-1' }), /The amount cannot/],
      'an amount finer than the currency': [withFields({ amount: '1.001' }), /too-many-decimals/],
      'an amount of a hostile size': [written('amount', '9'.repeat(10_000)), /amount \(too_big\)/],
      'more money than there is': [withFields({ amount: '9'.repeat(40) }), /too-large/],
      'no amount': [withFields({ amount: null }), /amount/],
      'a currency that is none': [withFields({ currency: 'RUPIAH' }), /unknown-currency/],
      'a fee finer than the currency': [
        withFields({ service_fee_amount: '70.007' }),
        /The service_fee_amount cannot be read exactly/,
      ],
      'a negative net': [withFields({ nett_amount: '-5' }), /The nett_amount cannot be read exactly/],
      'a time that is none': [withFields({ created_at: 'yesterday' }), /created_at is not a time/],
      'a number of two words': [withFields({ transaction_id: 'a b' }), /transaction_id/],
      'a number without end': [withFields({ transaction_id: 'a'.repeat(129) }), /transaction_id/],
      'a number that is a list': [
        { event: 'payment.completed', data: withFields({ transaction_id: [] }) },
        /_id/,
      ],
      'a customer of another type': [withFields({ customer_info: 'Siti' }), /customer_info/],
      'a channel of another type': [withFields({ channel: { code: 'BCA' } }), /channel/],
      'a key that says two things': [
        JSON.stringify(payment).replace('"amount"', '"amount":"1.00","amount"'),
        /says one thing twice/,
      ],
      'a flat body without a reference': [
        withFields({ merchant_transaction_id: undefined }),
        /names no event and is no pay-in/,
      ],
      'an envelope without data': [{ event: 'payment.completed' }, /transaction_id/],
      'data of another type': [{ event: 'payment.completed', data: [payment] }, /the whole/],
      'an event of another type': [withFields({ event: { name: 'payment.completed' } }), /event/],
    }
    for (const [title, [body, expected]] of Object.entries(cases))
      it(title, () => assert.match(reasonOf(translate(body)), expected))
  })

  it('never says a value that is personal', () => {
    const name = 'Siti Planted'
    for (const customer_info of [{ customer_name: [name] }, name, { customer_name: name.repeat(99) }])
      assert.ok(!reason({ customer_info, amount: 'x' }).includes('Planted'))
  })

  it('is sound for any value in any place, and for any two amounts exact', () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(payment)), fc.jsonValue(), (field, value) => {
        assertSound(translate(withFields({ [field]: value })))
        assertSound(translate({ event: 'payment.completed', data: withFields({ [field]: value }) }))
      }),
    )
    const decimal = fc
      .tuple(fc.bigInt({ min: 0n, max: 10n ** 15n }), fc.integer({ min: 0, max: 99 }))
      .map(([whole, cents]) => ({
        text: `${whole}.${String(cents).padStart(2, '0')}`,
        minor: whole * 100n + BigInt(cents),
      }))
    fc.assert(
      fc.property(decimal, decimal, fc.boolean(), (amount, fee, isNumber) => {
        const raw = ({ text }: { text: string }) => (isNumber ? text : JSON.stringify(text))
        const body = JSON.stringify(withFields({ amount: '@1', service_fee_amount: '@2' }))
          .replace('"@1"', raw(amount))
          .replace('"@2"', raw(fee))
        const seen = sightingOf(translate(body), 'collection')
        assert.deepEqual([seen.amount.minor, seen.fee?.minor], [amount.minor, fee.minor])
      }),
    )
  })
})
