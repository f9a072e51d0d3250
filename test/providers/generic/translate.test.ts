import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createGeneric } from '../../../src/providers/generic/index.ts'
import type { Translation } from '../../../src/providers/provider.ts'
import { describeGeneric } from '../../../src/sandbox/generic-body.ts'
import { acmeTranslate, acmeVerify, declare, noFetch, payoutOf, secret } from '../../support/generic.ts'
import { assertSound, reasonOf, sightingOf } from '../../support/translation.ts'

type Draft = Record<string, unknown>

const example = {
  data: {
    ref: 'r-1',
    id: 'px-1',
    amount: '25.00',
    currency: 'EUR',
    status: 'paid',
    at: '2025-03-01T11:59:00Z',
  },
}

function translate(body: unknown, rules: Draft = {}, fields: Draft = {}): Translation {
  const account = declare(acmeVerify, { translate: { ...acmeTranslate, ...rules }, ...fields })
  const raw = Buffer.isBuffer(body) ? body : typeof body === 'string' ? Buffer.from(body) : undefined
  return createGeneric(account, { fetch: noFetch }).translate(raw ?? Buffer.from(JSON.stringify(body)))
}

const understood = (...args: Parameters<typeof translate>) => sightingOf(translate(...args), 'transfer')
const reason = (...args: Parameters<typeof translate>) => reasonOf(translate(...args))

const withData = (fields: Draft) => ({ data: { ...example.data, ...fields } })

describe('generic translation', () => {
  it('reads what the pointers point at', () => {
    assert.deepEqual(understood(example), {
      kind: 'transfer',
      source: 'callback',
      account: 'acme',
      reference: 'r-1',
      providerReference: 'px-1',
      status: 'succeeded',
      amount: { minor: 2500n, currency: 'EUR' },
      occurredAt: Date.parse('2025-03-01T11:59:00Z'),
    })
  })

  it('reads what its own signer writes, through every pointer', () => {
    const rules = {
      reference: '/a~1b/0/ref~0',
      amount: '/a~1b/0/value',
      accountNumber: '/a~1b/1/iban',
      name: '/a~1b/1/holder',
      fee: '/a~1b/0/fee',
      failureCode: '/why/code',
      failureCodes: { E12: 'beneficiary-blocked' },
      failureReason: '/why/text',
      amountUnit: 'minor',
    }
    const account = declare(acmeVerify, { translate: { ...acmeTranslate, ...rules } })
    const body = describeGeneric(account, payoutOf({ status: 'rejected', accountNumber: 'DE00' }))
    assert.deepEqual(JSON.parse(body)['a/b'], [
      { 'ref~': 'ref-1', value: '2500', fee: '0' },
      { iban: 'DE00', holder: 'John Doe' },
    ])
    const observation = understood(body, rules)
    assert.deepEqual(observation.payee, { kind: 'bank', number: 'DE00', name: 'John Doe' })
    assert.deepEqual(observation.fee, { minor: 0n, currency: 'EUR' })
    assert.equal(observation.status, 'failed')
    assert.deepEqual(observation.failure, {
      code: 'beneficiary-blocked',
      reason: 'Declined by the bank',
    })
    assert.deepEqual(observation.amount, { minor: 2500n, currency: 'EUR' })
  })

  it('reads numbers exactly, as text and as numbers', () => {
    for (const text of ['25', '25.0', '25.00', '"25.00"', '25.000'])
      assert.equal(understood(JSON.stringify(example).replace('"25.00"', text)).amount?.minor, 2500n, text)
    const large = JSON.stringify(example).replace('"25.00"', '9007199254740993.01')
    assert.equal(understood(large).amount?.minor, 900719925474099301n)
    const reference = JSON.stringify(example).replace('"r-1"', '90071992547409931234')
    assert.equal(understood(reference).reference, '90071992547409931234')
  })

  it('reads minor units by the currency, and only whole ones', () => {
    const minor = (amount: unknown, currency = 'EUR') =>
      translate(withData({ amount, currency }), { amountUnit: 'minor' })
    const amountOf = (translation: Translation) => sightingOf(translation, 'transfer').amount
    assert.deepEqual(amountOf(minor(2500)), { minor: 2500n, currency: 'EUR' })
    assert.deepEqual(amountOf(minor('2500', 'jpy')), { minor: 2500n, currency: 'JPY' })
    for (const amount of ['25.00', '1e3', '-5', '007', ' 5', ''])
      assert.equal(minor(amount).outcome, 'not-understood')
    assert.match(reason(withData({ amount: '1'.repeat(19) }), { amountUnit: 'minor' }), /too-large/)
  })

  it('takes the account’s currency where no pointer says another', () => {
    const translation = understood(withData({ currency: 'USD' }), { currency: undefined })
    assert.equal(translation.amount?.currency, 'EUR')
    assert.equal(understood(withData({ currency: 'usd' })).amount?.currency, 'USD')
  })

  it('leaves out what may be missing, and says why what failed', () => {
    const { id: _, at: __, ...rest } = example.data
    const observation = understood({ data: { ...rest, status: 'rejected', extra: [] } })
    assert.equal(observation.providerReference, undefined)
    assert.equal(observation.occurredAt, undefined)
    assert.deepEqual(observation.failure, { code: 'declined-by-provider' })
    assert.equal(understood(withData({ id: null })).providerReference, undefined)
    assert.equal(understood(withData({ status: 'open' })).status, 'processing')
  })

  it('reads whom it paid, also by the name alone', () => {
    const rules = { accountNumber: '/data/iban', name: '/data/holder' }
    const payee = (fields: Draft) => understood(withData(fields), rules).payee
    assert.deepEqual(payee({ iban: 'DE00', holder: 'Jane' }), { kind: 'bank', number: 'DE00', name: 'Jane' })
    assert.deepEqual(payee({ holder: 'Jane', iban: null }), { kind: 'bank', name: 'Jane' })
    assert.deepEqual(payee({ iban: 'DE00', holder: '' }), { kind: 'bank', number: 'DE00' })
    assert.equal(payee({}), undefined)
    assert.match(reason(withData({ holder: ['Jane'] }), rules), /name at \/data\/holder is neither text/)
  })

  it('reads a fee exactly, in the unit and the currency of the amount', () => {
    const rules = { fee: '/data/fee' }
    for (const text of ['1.5', '"1.50"', '1.500'])
      assert.deepEqual(
        understood(JSON.stringify(withData({ fee: '@', currency: 'USD' })).replace('"@"', text), rules).fee,
        { minor: 150n, currency: 'USD' },
        text,
      )
    const minor = { ...rules, amountUnit: 'minor' }
    assert.equal(understood(withData({ amount: 2500, fee: 150 }), minor).fee?.minor, 150n)
    for (const fee of [undefined, null, '']) assert.equal(understood(withData({ fee }), rules).fee, undefined)
    for (const fee of ['-1', '1e2', '1.505', 'free', '9'.repeat(30)])
      assert.match(reason(withData({ fee }), rules), /The fee at \/data\/fee cannot be read exactly/, fee)
    assert.match(reason(withData({ amount: 2500, fee: '1.50' }), minor), /fee at .* \(not-a-decimal\)/)
  })

  it('reads the provider’s words for a failure as ours, and keeps them', () => {
    const failureCodes = { NO_FUNDS: 'insufficient-funds', 51: 'limit-exceeded' }
    const failure = (code: unknown, rules: Draft = {}) =>
      understood(withData({ status: 'rejected', code, text: 'Not today' }), {
        failureCode: '/data/code',
        failureCodes,
        ...rules,
      }).failure
    assert.deepEqual(failure('NO_FUNDS'), { code: 'insufficient-funds', reason: 'NO_FUNDS' })
    assert.deepEqual(failure(51), { code: 'limit-exceeded', reason: '51' })
    assert.deepEqual(failure('OTHER'), { code: 'unknown', reason: 'OTHER' })
    assert.deepEqual(failure('constructor'), { code: 'unknown', reason: 'constructor' })
    assert.deepEqual(failure('cancelled'), { code: 'unknown', reason: 'cancelled' }, 'ours by accident')
    assert.deepEqual(failure('a sentence about Jane'), { code: 'unknown' })
    assert.deepEqual(failure(null), { code: 'declined-by-provider' })
    assert.deepEqual(failure('NO_FUNDS', { failureReason: '/data/text' }), {
      code: 'insufficient-funds',
      reason: 'Not today',
    })
    assert.deepEqual(failure('NO_FUNDS', { failureCodes: undefined }), {
      code: 'unknown',
      reason: 'NO_FUNDS',
    })
    assert.equal(understood(withData({ code: 'NO_FUNDS' }), { failureCode: '/data/code' }).failure, undefined)
  })

  it('reads a status that is a word, a number or a yes', () => {
    const statuses = { true: 'succeeded', 3: 'failed' }
    assert.equal(understood(withData({ status: true }), { statuses }).status, 'succeeded')
    assert.equal(understood(withData({ status: 3 }), { statuses }).status, 'failed')
  })

  it('reads the payload of a body that is a compact JWS', () => {
    const verify = { scheme: 'jws', algorithms: ['HS256'], secrets: [secret] }
    const provider = createGeneric(declare(verify), { fetch: noFetch })
    const token = `e30.${Buffer.from(JSON.stringify(example)).toString('base64url')}.AAAA`
    const translation = provider.translate(Buffer.from(token))
    assert.equal(sightingOf(translation, 'transfer').reference, 'r-1')
    assert.equal(provider.translate(Buffer.from('no token')).outcome, 'not-understood')
    const beside = createGeneric(declare({ ...verify, header: 'x-jws' }), { fetch: noFetch })
    assert.equal(beside.translate(Buffer.from(JSON.stringify(example))).outcome, 'understood')
  })

  describe('does not guess at', () => {
    const text = JSON.stringify(example)
    const cases: Record<string, [unknown, RegExp]> = {
      'what is not JSON': ['status=paid', /not JSON/],
      'an empty body': ['', /not JSON/],
      'bytes that are not UTF-8': [Buffer.from([0x7b, 0xff, 0x7d]), /not UTF-8/],
      'a key that says two things': [text.replace('"ref"', '"ref":"r-0","ref"'), /one thing twice/],
      'nesting without end': ['['.repeat(200_000), /nested too deeply|not JSON/],
      'a missing reference': [withData({ ref: undefined }), /reference at \/data\/ref is missing/],
      'a reference that is null': [withData({ ref: null }), /reference at \/data\/ref is missing/],
      'a reference that is empty': [withData({ ref: '' }), /reference at \/data\/ref is missing/],
      'a reference that is a list': [withData({ ref: ['r-1'] }), /neither text nor a number/],
      'a reference without end': [withData({ ref: 'x'.repeat(257) }), /longer than 256/],
      'a status that is not declared': [withData({ status: 'PAID' }), /none of those in `statuses`/],
      'a status that every object inherits': [withData({ status: 'constructor' }), /none of those/],
      'a currency that is declared and missing': [
        withData({ currency: undefined }),
        /currency at .* is missing/,
      ],
      'a currency that is none': [withData({ currency: 'EURO' }), /unknown-currency/],
      'an amount with an exponent': [text.replace('"25.00"', '2.5e1'), /not-a-decimal/],
      'an amount without end': [text.replace('"25.00"', '1e400'), /not-a-decimal/],
      'a negative amount': [withData({ amount: '-25' }), /not-a-decimal/],
      'an amount finer than the currency': [withData({ amount: '25.001' }), /too-many-decimals/],
      'a time that is none': [withData({ at: 'yesterday' }), /occurredAt at .* is not a time/],
      'a list in place of an object': [[example], /is missing/],
      'a text in place of an object': ['"data"', /is missing/],
      'what an object inherits': ['{"__proto__":{"data":{}}}', /is missing/],
    }
    for (const [title, [body, expected]] of Object.entries(cases)) {
      it(title, () => assert.match(reason(body), expected))
    }

    it('a length of a list, or what lists inherit', () => {
      for (const reference of ['/list/length', '/list/-', '/list/00', '/data/ref/0', '/data/__proto__/x'])
        assert.match(reason({ ...example, list: ['a'] }, { reference }), /is missing/, reference)
    })
  })

  it('never quotes a value, and never throws', () => {
    fc.assert(
      fc.property(fc.json(), fc.uint8Array(), (json, bytes) => {
        assertSound(translate(json))
        assertSound(translate(Buffer.from(bytes)))
      }),
    )
    const rules = {
      accountNumber: '/data/iban',
      name: '/data/holder',
      fee: '/data/fee',
      failureCode: '/data/code',
    }
    const places = [...Object.keys(example.data), 'iban', 'holder', 'fee', 'code']
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.jsonValue(), (field, value) => {
        assertSound(translate(withData({ [field]: value }), rules))
        assertSound(translate(withData({ status: 'rejected', [field]: value }), rules))
      }),
    )
    const planted = { ref: 'Planted Name', status: 'Planted', amount: 'Planted', at: 'Planted' }
    for (const field of Object.keys(planted)) {
      const translation = translate(withData({ ...planted, status: field === 'status' ? 'Planted' : 'paid' }))
      assert.ok(!JSON.stringify(translation).includes('Planted'))
    }
  })
})
