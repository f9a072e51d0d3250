import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Translation } from '../../../src/providers/provider.ts'
import { translateCallback } from '../../../src/providers/zenospay/translate.ts'
import { describeDisbursement } from '../../../src/sandbox/signed-callback.ts'
import { assertSound, reasonOf, sightingOf } from '../../support/translation.ts'
import { disbursement, testAccount } from '../../support/zenospay.ts'

function translate(body: string | Buffer): Translation {
  return translateCallback(testAccount, Buffer.from(body))
}

const understood = (body: string) => sightingOf(translate(body), 'transfer')
const reason = (body: string | Buffer) => reasonOf(translate(body))

const example = describeDisbursement(disbursement())
const withData = (fields: object) => {
  const { event, data } = JSON.parse(example) as { event: string; data: object }
  return { event, data: { ...data, ...fields } }
}
const withAmount = (text: string) => example.replace('"25000.00"', text)

describe('zenospay translation', () => {
  it('reads the example of the documentation', () => {
    assert.deepEqual(understood(example), {
      kind: 'transfer',
      source: 'callback',
      account: 'zeno-test',
      reference: 'RLG00000000',
      status: 'succeeded',
      providerReference: '01jmmtbfcthj8y0eg3w1he4q3t',
      amount: { minor: 2500000n, currency: 'IDR' },
      payee: { kind: 'bank', number: '0000000000', name: 'John Doe' },
      occurredAt: Date.parse('2025-01-09T17:54:48Z'),
    })
  })

  it('reads an amount as text and as a number, exactly', () => {
    for (const text of ['"25000.00"', '25000', '25000.00', '"25000"', '25000.000']) {
      assert.equal(understood(withAmount(text)).amount?.minor, 2500000n, text)
    }
    assert.equal(
      understood(withAmount('9007199254740993.01')).amount?.minor,
      900719925474099301n,
      'no float on the way',
    )
  })

  it('reads a status in any case; pending is not final', () => {
    const status = (text: string) => understood(example.replace('"success"', `"${text}"`)).status
    assert.equal(status('Success'), 'succeeded')
    assert.equal(status('SUCCESS'), 'succeeded')
    assert.equal(status('Fail'), 'failed')
    assert.equal(status('pending'), 'processing')
    assert.equal(status('Processing'), 'processing')
  })

  it('reads both forms of a time', () => {
    const spelled = example.replaceAll('2025-01-10T00:54:48+07:00', '2025-01-09T17:54:48.000000Z')
    assert.equal(understood(spelled).occurredAt, Date.parse('2025-01-09T17:54:48Z'))
  })

  it('says whom it paid as far as it says so', () => {
    const payee = (fields: object) => understood(JSON.stringify(withData(fields))).payee
    assert.deepEqual(payee({ account_name: null }), { kind: 'bank', number: '0000000000' })
    assert.deepEqual(payee({ account_name: '', account_number: undefined }), undefined)
    assert.deepEqual(payee({ account_number: null }), { kind: 'bank', name: 'John Doe' })
    assert.deepEqual(payee({ account_number: 123 }), { kind: 'bank', number: '123', name: 'John Doe' })
  })

  it('knows no reason for a failure, and says so', () => {
    assert.deepEqual(understood(example.replace('"success"', '"fail"')).failure, {
      code: 'declined-by-provider',
    })
    assert.equal(understood(example).failure, undefined)
  })

  describe('does not guess at', () => {
    const cases: Record<string, [string | Buffer, RegExp]> = {
      'what is not JSON': ['status=success', /not JSON/],
      'an empty body': ['', /not JSON/],
      'bytes that are not UTF-8': [Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), /not UTF-8/],
      'another event': [
        example.replace('disbursement.completed', 'payment.refunded'),
        /"payment.refunded" is not one/,
      ],
      'an unknown status': [example.replace('"success"', '"reversed"'), /status "reversed"/],
      'a status of a name that objects have': [
        example.replace('"success"', '"constructor"'),
        /status "constructor"/,
      ],
      'an amount with an exponent': [withAmount('2.5e4'), /amount cannot be read exactly/],
      'a negative amount': [withAmount('-25000'), /amount cannot be read exactly/],
      'an amount finer than the currency': [withAmount('25000.001'), /too-many-decimals/],
      'an amount that is null': [withAmount('null'), /data.amount/],
      'a key that says two things': [
        example.replace('"amount"', '"amount":"1.00","amount"'),
        /says one thing twice/,
      ],
      'a missing reference': [
        example.replace('merchant_transaction_id', 'other'),
        /data.merchant_transaction_id/,
      ],
      'a time that is none': [example.replaceAll('2025-01-10T00:54:48+07:00', 'yesterday'), /updated_at/],
      'nesting without end': [`${'['.repeat(200_000)}`, /nested too deeply|not JSON/],
      'an array': ['[]', /not of a form/],
      'a payout without an envelope': [
        JSON.stringify({ event: 'disbursement.completed', ...withData({}).data }),
        /data \(invalid_type\)/,
      ],
      'a name of another type': [JSON.stringify(withData({ account_name: ['John'] })), /data.account_name/],
      'an account number of a hostile size': [
        JSON.stringify(withData({ account_number: '1'.repeat(100_000) })),
        /data.account_number/,
      ],
    }
    for (const [title, [body, expected]] of Object.entries(cases)) {
      it(title, () => assert.match(reason(body), expected))
    }
  })

  it('never says a value of the body that is personal', () => {
    const secret = '5550001234'
    const broken = describeDisbursement(disbursement({ accountNumber: secret, accountName: secret })).replace(
      '"status":"success"',
      '"status":7e5',
    )
    assert.ok(!reason(broken).includes(secret))
    assert.ok(!reason(`${broken}}`).includes(secret))
  })

  it('a key named __proto__ is data and nothing more', () => {
    const planted = `{"__proto__":{"event":"disbursement.completed"},"data":{}}`
    assert.match(reason(planted), /not of a form/)
    assert.equal(({} as { event?: string }).event, undefined)
  })

  it('answers for any bytes, and never throws', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          assert.equal(translate(Buffer.from(bytes)).outcome, 'not-understood')
        },
      ),
    )
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(withData({}).data)), fc.jsonValue(), (field, value) =>
        assertSound(translate(JSON.stringify(withData({ [field]: value })))),
      ),
    )
  })
})
