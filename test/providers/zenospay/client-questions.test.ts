import assert from 'node:assert/strict'
import type { Exchange, Question } from '../../../src/providers/client.ts'
import { sightingOf } from '../../support/translation.ts'
import { answered, createCalling, paymentStatus, payoutStatus } from '../../support/zenospay-client.ts'

const reference = payoutStatus.merchant_transaction_id
const aboutPayout: Question = { call: 'transfer', reference }
const aboutPayment: Question = { call: 'collection', reference }

const said = (data: object) => answered(200, { status: true, data })
const payout = (fields: object = {}) => said({ ...payoutStatus, ...fields })
const payment = (fields: object = {}) => said({ ...paymentStatus, ...fields })
const no = (status: number, message?: string) => answered(status, { status: false, data: null, message })

async function ask(question: Question, answer: Exchange) {
  const { provider, client, requests } = createCalling(answer)
  const result = await client.ask(question)
  const part = result.outcome === 'answered' ? result.parts[0] : undefined
  return { result, part, requests, translation: part && provider.translate(part.body, part.asked) }
}

async function seePayout(answer: Exchange) {
  const { translation, result } = await ask(aboutPayout, answer)
  assert.ok(translation, JSON.stringify(result))
  return sightingOf(translation, 'transfer')
}

async function seePayment(answer: Exchange) {
  const { translation, result } = await ask(aboutPayment, answer)
  assert.ok(translation, JSON.stringify(result))
  return sightingOf(translation, 'collection')
}

describe('zenospay questions', () => {
  it('are asked by our reference alone, and may be repeated', async () => {
    const bodies = []
    for (const question of [aboutPayout, aboutPayment]) bodies.push((await ask(question, no(404))).requests)
    assert.deepEqual(
      bodies
        .flat()
        .map(({ method, path, body, repeatable, notAfter }) => [method, path, body, repeatable, notAfter]),
      [
        ['POST', '/api/check/inquiry', '{"merchant_transaction_id":"INQ12300456"}', true, undefined],
        ['POST', '/api/check/transaction', '{"merchant_transaction_id":"INQ12300456"}', true, undefined],
      ],
    )
  })

  describe('about a payout', () => {
    it('the example of the documentation, whose bytes are kept as they came', async () => {
      const answer = payout()
      const { part } = await ask(aboutPayout, answer)
      assert.ok(answer.outcome === 'answered')
      assert.deepEqual(part?.body, answer.body)
      assert.deepEqual(part?.asked, { source: 'query', call: 'transfer', status: 200, reference })
      assert.deepEqual(await seePayout(answer), {
        kind: 'transfer',
        source: 'query',
        account: 'zeno-test',
        reference,
        status: 'succeeded',
        amount: { minor: 10_000_000n, currency: 'IDR' },
        payee: { kind: 'bank', number: '00000000' },
        fee: { minor: 550_000n, currency: 'IDR' },
        occurredAt: Date.parse('2025-01-01T12:00:00Z'),
      })
    })

    it('its status in any case; pending and processing are not final', async () => {
      const statuses = []
      for (const status of ['Success', 'FAIL', 'Pending', 'processing'])
        statuses.push((await seePayout(payout({ status }))).status)
      assert.deepEqual(statuses, ['succeeded', 'failed', 'processing', 'processing'])
    })

    it('why it failed, as a code, and in their words where these name nobody', async () => {
      const failure = async (reason: unknown) => (await seePayout(payout({ status: 'Fail', reason }))).failure
      assert.deepEqual(await failure('Invalid account'), {
        code: 'beneficiary-not-found',
        reason: 'Invalid account',
      })
      assert.deepEqual(await failure('Name of Budi does not match'), { code: 'beneficiary-mismatch' })
      assert.deepEqual(await failure(null), { code: 'declined-by-provider' })
      assert.deepEqual(await failure(''), { code: 'declined-by-provider' })
      assert.deepEqual(await failure({ text: 'Invalid account' }), { code: 'declined-by-provider' })
      assert.deepEqual(await failure('x'.repeat(5_000)), { code: 'unknown' })
      assert.equal((await seePayout(payout({ reason: 'Invalid account' }))).failure, undefined)
    })

    it('a fee where there is one', async () => {
      assert.equal((await seePayout(payout({ service_fee_final: null }))).fee, undefined)
      assert.equal((await seePayout(payout({ service_fee_final: 5500 }))).fee?.minor, 550_000n)
    })

    it('a moment in whole seconds, as callbacks have it', async () => {
      const { occurredAt } = await seePayout(payout({ updated_at: '2025-01-01T12:00:00.987654Z' }))
      assert.equal(occurredAt, Date.parse('2025-01-01T12:00:00Z'))
      const { payee, occurredAt: none } = await seePayout(payout({ updated_at: null, account_number: null }))
      assert.deepEqual([payee, none], [undefined, undefined])
    })

    const unknown: [string, Exchange, RegExp][] = [
      ['another reference', payout({ merchant_transaction_id: 'INQ1' }), /another than was asked about/],
      ['a status that is not known', payout({ status: 'reversed' }), /"reversed" is not known/],
      ['an amount that is not exact', payout({ amount: '1.001' }), /amount cannot be read exactly/],
      ['no amount', payout({ amount: null }), /amount/],
      ['a fee that is not exact', payout({ service_fee_final: '-5' }), /fee cannot be read exactly/],
      ['a time that is none', payout({ updated_at: 'now' }), /updated_at/],
      ['no data', answered(200, { status: true, data: null }), /not of a form/],
      ['a fault', answered(503, ''), /HTTP 503/],
      ['a page', answered(200, '<html>'), /not JSON/],
    ]
    for (const [title, answer, because] of unknown) {
      it(`${title} is no answer`, async () => {
        const { result } = await ask(aboutPayout, answer)
        assert.ok(result.outcome === 'unknown', JSON.stringify(result))
        assert.match(result.because, because)
      })
    }
  })

  describe('that are refused', () => {
    const cases: [string, Exchange, object][] = [
      ['it is not found, in words', no(200, 'Transaction not found'), { outcome: 'not-known' }],
      ['it is not found, in other words', no(200, 'Data tidak ditemukan.'), { outcome: 'not-known' }],
      ['it is not found, by status', no(404), { outcome: 'not-known' }],
      [
        'a page is not found',
        answered(404, '<html>'),
        { outcome: 'refused', remedy: 'ask', code: 'refused' },
      ],
      [
        'a route is not found',
        answered(404, { message: 'The route api/check/inquiry could not be found.' }),
        { outcome: 'refused', remedy: 'ask', code: 'refused' },
      ],
      [
        'the merchant is not found',
        no(200, 'Merchant not found'),
        { outcome: 'refused', remedy: 'ask', code: 'payer-refused' },
      ],
      ['in unknown words', no(200, 'Nope'), { outcome: 'refused', remedy: 'ask', code: 'refused' }],
      ['too many', no(429), { outcome: 'refused', remedy: 'same', code: 'rate-limited' }],
      ['unauthenticated', no(401), { outcome: 'refused', remedy: 'operator', code: 'unauthenticated' }],
    ]
    for (const [title, answer, expected] of cases) {
      it(title, async () => assert.deepEqual((await ask(aboutPayout, answer)).result, expected))
    }
  })

  describe('about a pay-in', () => {
    it('the example of the documentation, whose figures do not add up', async () => {
      assert.deepEqual(await seePayment(payment()), {
        kind: 'collection',
        source: 'query',
        account: 'zeno-test',
        transaction: '0aa59d5a-2a10-45be-a174-f7b954113d12',
        reference,
        amount: { minor: 10_000_000n, currency: 'IDR' },
        net: { minor: 9_600_000n, currency: 'IDR' },
        channel: 'QRIS',
        rrn: '987654321',
        occurredAt: Date.parse('2025-01-01T00:00:00Z'),
        secrets: {},
      })
    })

    it('a fee where its two fees agree, or there is one', async () => {
      const fee = async (fields: object) => (await seePayment(payment(fields))).fee?.minor
      assert.equal(await fee({ service_fee_amount: '2000.00' }), 200_000n)
      assert.equal(await fee({ service_fee_amount: null }), 200_000n)
      assert.equal(await fee({ service_fee_final: null }), 0n)
      assert.equal(await fee({ service_fee_final: null, service_fee_amount: null }), undefined)
    })

    it('says nothing of one that is not there yet, or failed', async () => {
      for (const status of ['Pending', 'fail', 'PROCESSING'])
        assert.deepEqual((await ask(aboutPayment, payment({ status }))).result, {
          outcome: 'answered',
          parts: [],
        })
    })

    for (const [title, answer] of [
      ['another reference', payment({ merchant_transaction_id: 'INQ1' })],
      ['another reference that is pending', payment({ merchant_transaction_id: 'INQ1', status: 'pending' })],
      ['an unknown status', payment({ status: 'refunded' })],
      ['no status', payment({ status: null })],
      ['a fee that is not exact', payment({ service_fee_final: '1e3' })],
      ['a net that is not exact', payment({ nett_amount: '-1' })],
      ['a number that is none', payment({ transaction_id: 'a b' })],
    ] as const) {
      it(`${title} is no answer`, async () => {
        assert.equal((await ask(aboutPayment, answer)).result.outcome, 'unknown')
      })
    }
  })

  describe('about the balance', () => {
    const balance = (answer: Exchange) => createCalling(answer).client.balance?.()

    it('as the provider writes it, to the last digit', async () => {
      const body =
        '{"status":true,"data":{"balance":900719925474099301.52,"reserved_funds":210000,"outstanding_funds":0}}'
      assert.deepEqual(await balance(answered(200, body)), {
        available: '900719925474099301.52',
        reserved: '210000',
        outstanding: '0',
        currency: 'IDR',
      })
      assert.deepEqual(await balance(said({ balance: '-12.50' })), { available: '-12.50', currency: 'IDR' })
    })

    it('is none where it cannot be read', async () => {
      for (const answer of [
        said({ balance: '1e9' }),
        said({ balance: null }),
        said({ balance: 1, reserved_funds: 'much' }),
        no(200, 'No'),
        answered(500, { status: true, data: { balance: 1 } }),
        { outcome: 'unknown', because: 'It took too long.' },
        { outcome: 'unsent', because: 'The breaker is open.' },
      ] as const)
        assert.equal(await balance(answer), undefined)
    })
  })
})
