import assert from 'node:assert/strict'
import type { CallResult, Exchange, Order } from '../../../src/providers/client.ts'
import { sightingOf } from '../../support/translation.ts'
import { testAccount } from '../../support/zenospay.ts'
import {
  answered,
  askedAt,
  callingAccount,
  createCalling,
  payOrder,
  reservation,
  reserveOrder,
} from '../../support/zenospay-client.ts'

const reserved = (fields: object = {}) => answered(200, { status: true, data: { ...reservation, ...fields } })
const no = (status: number, message?: unknown) => answered(status, { status: false, data: null, message })

async function give(order: Order, answer: Exchange) {
  const { provider, client } = createCalling(answer)
  const result = await client.order(order)
  const part = 'part' in result ? result.part : result.outcome === 'answered' ? result.parts[0] : undefined
  const translation = part && provider.translate(part.body, part.asked)
  return { result, part, seen: translation && sightingOf(translation, 'submission') }
}

describe('zenospay orders', () => {
  describe('what is sent', () => {
    it('an inquiry, minified, in the documented order and with a whole number of rupiah', async () => {
      const { client, requests } = createCalling(reserved())
      await client.order(reserveOrder)
      const [request] = requests
      assert.equal(
        request?.body,
        '{"merchant_transaction_id":"RP123333333","amount":100000,"bank_code":"014","account_number":"0123456789","customer_name":"John Doe"}',
      )
      assert.deepEqual([request?.method, request?.path, request?.repeatable], ['POST', '/api/inquiry', false])
      assert.equal(request?.notAfter, askedAt + 10_000)
    })

    it('an amount beyond what a float holds, to the last digit', async () => {
      const { client, requests } = createCalling(reserved())
      await client.order({ ...reserveOrder, amount: { minor: 99_999_999_999_900n, currency: 'IDR' } })
      assert.match(requests[0]?.body ?? '', /"amount":999999999999,/)
    })

    it('a transfer by its inquiry alone; `force` only where it was asked for', async () => {
      const { client, requests } = createCalling(answered(200, { status: true }))
      await client.order(payOrder)
      await client.order({ ...payOrder, force: true })
      assert.deepEqual(
        requests.map(({ path, body, repeatable }) => [path, body, repeatable]),
        [
          ['/api/transfer', '{"inquiry_id":"01jj1g751vqw68ng5546xnda5c"}', false],
          ['/api/transfer', '{"inquiry_id":"01jj1g751vqw68ng5546xnda5c","force":true}', false],
        ],
      )
    })

    it('within one bucket, of the size that the account says', () => {
      const limit = (calls: typeof callingAccount.calls) =>
        createCalling(reserved(), { ...callingAccount, calls }).endpoints[0]
      assert.deepEqual(limit({ timeoutMs: 7_000 }), {
        account: 'zeno-test',
        baseUrl: 'https://zenospay.example',
        limits: [{ bucket: 'all', count: 20, perMs: 1000 }],
        timeoutMs: 7_000,
      })
      assert.equal(limit({ perSecond: 3, timeoutMs: 7_000 })?.limits[0]?.count, 3)
    })

    it('nothing where the account has no credentials', () => {
      assert.throws(() => createCalling(reserved(), testAccount), /cannot call/)
    })
  })

  describe('an inquiry that is answered', () => {
    it('says what was set aside, for whom, until when and for what fee', async () => {
      const { result, part, seen } = await give(reserveOrder, reserved())
      assert.equal(result.outcome, 'answered')
      assert.deepEqual(part?.asked, {
        source: 'submission',
        call: 'reserve',
        status: 200,
        reference: 'RP123333333',
      })
      assert.deepEqual([part?.keyId, part?.headers], ['', {}])
      assert.deepEqual(seen, {
        kind: 'submission',
        source: 'submission',
        of: 'transfer',
        account: 'zeno-test',
        reference: 'RP123333333',
        occurredAt: askedAt,
        status: 'reserved',
        providerReference: '01jj1g751vqw68ng5546xnda5c',
        amount: { minor: 10_000_000n, currency: 'IDR' },
        payee: { kind: 'bank', number: '0123456789', name: 'John Doe' },
        fee: { minor: 550_000n, currency: 'IDR' },
        validUntil: askedAt + 30 * 60_000,
      })
    })

    it('has no name where the bank gave none', async () => {
      for (const account_name of [null, '']) {
        const { seen } = await give(reserveOrder, reserved({ account_name }))
        assert.deepEqual(seen?.payee, { kind: 'bank', number: '0123456789' })
      }
    })

    it('with another amount, number or name than was ordered is shown as it is: deciding is not done here', async () => {
      const other = { amount: 1, account_number: '99', account_name: 'Jane Roe' }
      const { result, seen } = await give(reserveOrder, reserved(other))
      assert.equal(result.outcome, 'answered')
      assert.deepEqual(
        [seen?.amount?.minor, seen?.payee],
        [100n, { kind: 'bank', number: '99', name: 'Jane Roe' }],
      )
    })

    const unknown: [string, Exchange, RegExp][] = [
      ['about another reference', reserved({ merchant_transaction_id: 'RP1' }), /another than was asked for/],
      ['for another bank', reserved({ bank_code: '008' }), /names another bank/],
      ['without its number', reserved({ inquiry_id: null }), /inquiry_id/],
      ['with a number that is none', reserved({ inquiry_id: 'a b' }), /inquiry_id/],
      ['without the account', reserved({ account_number: undefined }), /account_number/],
      ['with an amount that is not exact', reserved({ amount: '1.005' }), /amount cannot be read exactly/],
      ['with a fee that is not exact', reserved({ fee: '1e3' }), /fee cannot be read exactly/],
      ['without data', answered(200, { status: true }), /data .*not of a form/],
      [
        'with a status that is text',
        answered(200, { status: 'true', data: reservation }),
        /neither yes nor no/,
      ],
      ['without a status', answered(200, { data: reservation }), /neither yes nor no/],
      ['that says two things', answered(200, '{"status":true,"status":false}'), /says one thing twice/],
      ['that is cut short', answered(200, '{"status":true,"data":{"merch'), /not JSON/],
      ['that is a page', answered(200, '<html>'), /not JSON/],
      ['that is a list', answered(200, '[]'), /not of the documented form/],
      ['that is empty', answered(200, ''), /not JSON/],
      [
        'of a hostile size',
        answered(200, `{"status":true,"x":"${'a'.repeat(70_000)}"}`),
        /has 700\d\d bytes/,
      ],
      ['that redirects', answered(302, ''), /HTTP 302/],
      ['that is a fault of theirs, whatever it says', no(500, 'Account not found'), /HTTP 500/],
      ['that a gateway gave up on', answered(504, ''), /HTTP 504/],
      ['that timed out at theirs', no(408, 'Request timeout'), /HTTP 408/],
      ['that contradicts itself', answered(400, { status: true, data: reservation }), /says that it is well/],
    ]
    for (const [title, answer, because] of unknown) {
      it(`${title} is unknown`, async () => {
        const { result } = await give(reserveOrder, answer)
        assert.ok(result.outcome === 'unknown', JSON.stringify(result))
        assert.match(result.because, because)
        assert.ok(!result.because.includes('John'))
      })
    }
  })

  it('a transfer that is taken is acknowledged, which says nothing of the money', async () => {
    const { result, part, seen } = await give(payOrder, answered(200, { status: true }))
    assert.equal(result.outcome, 'answered')
    assert.equal(part?.asked.call, 'pay')
    assert.deepEqual(seen, {
      kind: 'submission',
      source: 'submission',
      of: 'transfer',
      account: 'zeno-test',
      reference: 'RP123333333',
      occurredAt: askedAt,
      status: 'acknowledged',
    })
  })

  for (const [title, answer] of [
    ['a 500', no(500, 'Server error')],
    ['a 502', answered(502, '<html>')],
    ['half an answer', answered(200, '{"status":')],
    ['no word on whether', answered(200, {})],
  ] as const) {
    it(`a transfer that gets ${title} is unknown`, async () => {
      assert.equal((await give(payOrder, answer)).result.outcome, 'unknown')
    })
  }

  it('hands on what the call says of itself', async () => {
    for (const exchange of [
      { outcome: 'unknown', because: 'It took longer than 15000 ms.' },
      { outcome: 'unsent', because: 'The breaker is open.', retryInMs: 5_000 },
    ] as const) {
      assert.deepEqual((await give(payOrder, exchange)).result, exchange)
    }
  })

  describe('a refusal', () => {
    type Expected = [remedy: string, code: string, failure?: string]
    const cases: [string, Exchange, { reserve: Expected; pay: Expected }][] = [
      [
        'in words that nobody knows',
        no(200, 'Nope'),
        { reserve: ['operator', 'refused', 'unknown'], pay: ['ask', 'refused'] },
      ],
      [
        'without a word',
        no(200),
        { reserve: ['operator', 'refused', 'declined-by-provider'], pay: ['ask', 'refused'] },
      ],
      [
        'by a status alone',
        answered(400, 'Bad Request'),
        { reserve: ['operator', 'refused', 'declined-by-provider'], pay: ['ask', 'refused'] },
      ],
      [
        'of who calls',
        answered(401, '<html>'),
        {
          reserve: ['operator', 'unauthenticated', 'payer-not-allowed'],
          pay: ['operator', 'unauthenticated', 'payer-not-allowed'],
        },
      ],
      [
        'of the signature',
        no(403, 'Invalid Signature'),
        {
          reserve: ['operator', 'unauthenticated', 'payer-not-allowed'],
          pay: ['operator', 'unauthenticated', 'payer-not-allowed'],
        },
      ],
      [
        'for coming too often',
        answered(429, { message: 'Too Many Attempts.' }),
        { reserve: ['same', 'rate-limited'], pay: ['same', 'rate-limited'] },
      ],
      [
        'for coming too often that only says so, of which only what moves no money is sent again',
        no(200, 'Too many requests'),
        { reserve: ['same', 'rate-limited'], pay: ['ask', 'rate-limited'] },
      ],
      [
        'of a reference that it has',
        no(422, 'The merchant_transaction_id has already been taken.'),
        { reserve: ['ask', 'already-taken'], pay: ['ask', 'already-taken'] },
      ],
      [
        'of an account that is none',
        no(200, 'Account not found'),
        {
          reserve: ['failed', 'beneficiary-refused', 'beneficiary-not-found'],
          pay: ['operator', 'beneficiary-refused', 'beneficiary-not-found'],
        },
      ],
      [
        'for lack of money',
        no(400, 'Insufficient balance'),
        {
          reserve: ['operator', 'payer-refused', 'insufficient-funds'],
          pay: ['operator', 'payer-refused', 'insufficient-funds'],
        },
      ],
      [
        'of an inquiry that ran out',
        no(200, 'Inquiry expired'),
        {
          reserve: ['operator', 'payer-refused', 'expired'],
          pay: ['operator', 'payer-refused', 'expired'],
        },
      ],
      [
        'of an inquiry that it does not know',
        no(404, 'Inquiry not found'),
        {
          reserve: ['operator', 'not-known', 'unknown'],
          pay: ['operator', 'not-known', 'unknown'],
        },
      ],
    ]
    for (const [title, answer, expected] of cases) {
      it(title, async () => {
        for (const order of [reserveOrder, payOrder]) {
          const [remedy, code, failure] = expected[order.call]
          const { result, part, seen } = await give(order, answer)
          assert.ok(result.outcome === 'refused', JSON.stringify(result))
          assert.deepEqual([result.remedy, result.code], [remedy, code], order.call)
          // Only a person, or the intent, has to hear of it.
          assert.equal(part !== undefined, failure !== undefined)
          if (failure === undefined) continue
          assert.deepEqual([seen?.status, seen?.remedy, seen?.failure?.code], ['refused', remedy, failure])
          assert.equal(seen?.occurredAt, askedAt)
        }
      })
    }

    it('is kept without a page that is longer than any answer', async () => {
      const { part, seen } = await give(reserveOrder, answered(400, '<p>'.repeat(100_000)))
      assert.equal(seen?.remedy, 'operator')
      assert.ok((part?.body.length ?? 0) < 100)
    })

    it('keeps its words beside the code where they name nobody', async () => {
      const reason = async (message: string) =>
        (await give(reserveOrder, no(200, message))).seen?.failure?.reason
      assert.equal(await reason('Invalid account number'), 'Invalid account number')
      assert.equal(await reason('Account of Budi Santoso is blocked'), undefined)
      assert.equal(await reason('Account 5550001234 not found'), undefined)
    })
  })

  describe('what could not be sent', () => {
    const cases: [string, Order, string][] = [
      [
        'an account number that is too long by now',
        { ...reserveOrder, beneficiary: { ...reserveOrder.beneficiary, accountNumber: '1'.repeat(13) } },
        'account-number-refused',
      ],
      [
        'a name that it does not take',
        { ...reserveOrder, beneficiary: { ...reserveOrder.beneficiary, name: 'José' } },
        'name-refused',
      ],
      [
        'a part of a rupiah',
        { ...reserveOrder, amount: { minor: 10_000_001n, currency: 'IDR' } },
        'amount-refused',
      ],
      ['nothing', { ...reserveOrder, amount: { minor: 0n, currency: 'IDR' } }, 'amount-refused'],
      [
        'thirteen digits',
        { ...reserveOrder, amount: { minor: 10n ** 14n, currency: 'IDR' } },
        'amount-refused',
      ],
      ['another currency', { ...reserveOrder, amount: { minor: 100n, currency: 'CNY' } }, 'amount-refused'],
      [
        'somebody without a bank',
        { ...reserveOrder, beneficiary: { kind: 'wechatpay', openid: 'o' } },
        'beneficiary-refused',
      ],
      ['an inquiry without a number', { ...payOrder, reservation: '' }, 'reservation-refused'],
    ]
    for (const [title, order, problem] of cases) {
      it(`${title} is refused before any call, for a person`, async () => {
        const { provider, client, requests } = createCalling(answered(200, { status: true }))
        const result: CallResult = await client.order(order)
        assert.equal(requests.length, 0)
        assert.ok(result.outcome === 'refused' && result.part, JSON.stringify(result))
        assert.deepEqual([result.remedy, result.code], ['operator', 'not-sendable'])
        assert.equal(result.part.asked.status, 0)
        const seen = sightingOf(provider.translate(result.part.body, result.part.asked), 'submission')
        assert.deepEqual(
          [seen.status, seen.remedy, seen.failure],
          ['refused', 'operator', { code: 'unknown', reason: problem }],
        )
      })
    }

    it('an order of another provider is a fault of ours', async () => {
      const { client, requests } = createCalling(answered(200, { status: true }))
      await assert.rejects(
        client.order({
          call: 'grant',
          reference: 'r',
          stockId: 's',
          appid: 'a',
          openid: 'o',
          name: '',
          idCard: '',
        }),
        { code: 'internal-error' },
      )
      await assert.rejects(client.ask({ call: 'batch', reference: 'r' }), { code: 'internal-error' })
      assert.equal(requests.length, 0)
    })
  })
})
