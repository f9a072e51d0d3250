import assert from 'node:assert/strict'
import { behaviourNames } from '../../src/sandbox/behaviours.ts'
import { until } from '../support/until.ts'
import {
  inquiryOf,
  type RunningZenospay,
  signerOf,
  startZenospay,
  type ZenospaySetup,
} from '../support/zenospay-sandbox.ts'

describe('the behaviours of the make-believe Zenospay', () => {
  let zenospay: RunningZenospay
  const start = async (setup: ZenospaySetup = {}) => {
    zenospay = await startZenospay(setup)
    return zenospay
  }
  afterEach(() => zenospay.stop())

  const statusesOf = (reference: string) => zenospay.heardOf(reference).map(({ data }) => data.status)
  const heard = (reference: string, count: number) =>
    until(`${count} callbacks of ${reference}`, () => {
      const all = zenospay.heardOf(reference)
      return all.length >= count ? all : undefined
    })
  const settled = (reference: string) =>
    until(`the end of ${reference}`, async () => {
      const { data } = (await zenospay.check(reference)).body
      return data && /^(success|fail)$/i.test(String(data.status)) ? data : undefined
    })

  it('tells of a success as the documents show it, with an offset and whole seconds', async () => {
    const { pay } = await start()
    const { inquiryId } = await pay('Success1')
    const [callback] = await heard('Success1', 1)
    assert.ok(callback)
    assert.equal(signerOf(callback), 'provider')
    assert.equal(callback.headers['x-partner-id'], 'client-key')
    assert.equal(JSON.parse(callback.body).event, 'disbursement.completed')
    const { created_at: createdAt, updated_at: updatedAt, amount, ...rest } = callback.data
    for (const at of [createdAt, updatedAt, callback.headers['x-timestamp']])
      assert.match(String(at), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+07:00$/)
    assert.equal(Number(amount), 25_000)
    assert.deepEqual(rest, {
      id: inquiryId,
      merchant_transaction_id: 'Success1',
      bank_code: '014',
      bank_name: 'Bank Central Asia',
      account_name: 'Siti Rahma',
      account_number: '1234567890',
      status: 'success',
    })
  })

  it('writes an amount as a string for one payout and as a number for another', async () => {
    const { pay } = await start()
    const references = Array.from({ length: 12 }, (_, n) => `Success${n}`)
    await Promise.all(references.map((reference) => pay(reference)))
    const forms = await Promise.all(
      references.map(async (reference) => (await heard(reference, 1))[0]?.data.amount),
    )
    assert.deepEqual(new Set(forms), new Set(['25000.00', 25_000]))
  })

  it('fails for the reason that is asked for, or for some reason', async () => {
    const rules = [{ match: { reference: /^order/ }, do: ['fail' as const], reason: 'Name mismatch' }]
    const { pay } = await start({ fate: { rules } })
    await Promise.all(['FailAccountFrozen1', 'Fail2', 'order3'].map((reference) => pay(reference)))
    assert.equal((await settled('FailAccountFrozen1')).reason, 'Account frozen')
    assert.equal((await settled('order3')).reason, 'Name mismatch')
    assert.match(String((await settled('Fail2')).reason), /^[A-Z][a-z ]+$/)
    assert.equal((await heard('Fail2', 1))[0]?.data.status, 'fail')
  })

  it('repeats, one after the other and all at once', async () => {
    const { pay } = await start()
    await pay('Repeated1')
    await pay('ConcurrentRepeats2')
    for (const reference of ['Repeated1', 'ConcurrentRepeats2']) {
      const all = await heard(reference, 3)
      assert.equal(new Set(all.map(({ body }) => body)).size, 1, 'it says the same each time')
      for (const one of all) assert.equal(signerOf(one), 'provider')
    }
  })

  it('says what is over after the end, and what is not true', async () => {
    const { pay, check } = await start()
    await Promise.all(['Reordered1', 'Contradicting2', 'MutatedAmount3'].map((reference) => pay(reference)))
    await heard('Reordered1', 2)
    assert.deepEqual(statusesOf('Reordered1'), ['success', 'pending'])
    await heard('Contradicting2', 2)
    assert.deepEqual(statusesOf('Contradicting2'), ['success', 'fail'])
    assert.match(String((await check('Contradicting2')).body.data?.status), /^success$/i)
    assert.equal(Number((await heard('MutatedAmount3', 1))[0]?.data.amount), 25_001)
    assert.equal((await settled('MutatedAmount3')).amount, '25000.00')
  })

  it('sends what must not be believed before what may be', async () => {
    const { pay } = await start()
    await pay('WrongSignature1')
    await pay('Stale2')
    const forged = await heard('WrongSignature1', 2)
    assert.deepEqual(forged.map(signerOf), ['stranger', 'provider'])
    assert.deepEqual(statusesOf('WrongSignature1'), ['fail', 'success'])
    const [old, fresh] = await heard('Stale2', 2)
    const ageOf = (at: unknown) => Date.now() - Date.parse(String(at))
    assert.ok(ageOf(old?.headers['x-timestamp']) > 3_600_000)
    assert.ok(ageOf(fresh?.headers['x-timestamp']) < 60_000)
  })

  it('signs with the key that it changes to', async () => {
    const { pay } = await start()
    await pay('KeyRotation1')
    assert.deepEqual((await heard('KeyRotation1', 1)).map(signerOf), ['next'])
  })

  it('calls back before it has answered the order', async () => {
    const { call, heardOf } = await start()
    const { body } = await call('/api/inquiry', inquiryOf({ merchant_transaction_id: 'Early1' }))
    await call('/api/transfer', { inquiry_id: body.data?.inquiry_id })
    assert.equal(heardOf('Early1').length, 1, 'the callback was there when the answer came')
  })

  it('takes an order and never answers it', async () => {
    const { call } = await start({ hangMs: 20 })
    const { body } = await call(
      '/api/inquiry',
      inquiryOf({ merchant_transaction_id: 'TimeoutAfterAccepting1' }),
    )
    await assert.rejects(call('/api/transfer', { inquiry_id: body.data?.inquiry_id }))
    assert.match(String((await settled('TimeoutAfterAccepting1')).status), /^success$/i)
    await until('the count', async () => (await zenospay.state()).calls['POST /api/transfer']?.none === 1)
  })

  it('is busy once for each call, and has then done nothing', async () => {
    const { call, check } = await start()
    const asked = inquiryOf({ merchant_transaction_id: 'TooManyRequests1' })
    assert.equal((await call('/api/inquiry', asked)).status, 429)
    const { body } = await call('/api/inquiry', asked)
    const order = { inquiry_id: body.data?.inquiry_id }
    assert.equal((await call('/api/transfer', order)).status, 429)
    assert.equal((await check('TooManyRequests1')).status, 429)
    assert.match(String((await check('TooManyRequests1')).body.data?.status), /^pending$/i)
    assert.deepEqual((await call('/api/transfer', order)).body, { status: true })
  })

  it('breaks with the order taken, or not taken', async () => {
    const { pay, check, state } = await start()
    const references = Array.from({ length: 12 }, (_, n) => `ServerError${n}`)
    for (const reference of references) assert.equal((await pay(reference)).paid.status, 500)
    const taken = (await state()).zenospay.payouts.map(({ paidOrders }) => paidOrders)
    assert.deepEqual(new Set(taken), new Set([0, 1]))
    assert.equal((await check('ServerError0')).status, 500)
    assert.equal((await check('ServerError0')).status, 200)
  })

  it('takes back what had succeeded', async () => {
    const { pay } = await start()
    await pay('RefundAfterSuccess1')
    await heard('RefundAfterSuccess1', 2)
    assert.deepEqual(statusesOf('RefundAfterSuccess1'), ['success', 'fail'])
    assert.equal((await settled('RefundAfterSuccess1')).reason, 'Returned by the bank')
  })

  it('knows another name, or none, and pays nobody without a name unless it is forced', async () => {
    const { pay } = await start()
    const differs = await pay('NameDiffers1')
    assert.equal(differs.inquiry.body.data?.account_name, 'Bambang Nugroho')
    assert.equal(differs.paid.body.status, true)
    const missing = await pay('NameMissing2')
    assert.equal(missing.inquiry.body.data?.account_name, null)
    assert.match(missing.paid.body.message ?? '', /not valid/)
    assert.equal((await pay('NameMissing3', { force: true })).paid.body.status, true)
  })

  it('refuses', async () => {
    const { call, check } = await start()
    const refused = await call('/api/inquiry', inquiryOf({ merchant_transaction_id: 'Refused1' }))
    assert.deepEqual([refused.status, refused.body.status, refused.body.data], [200, false, null])
    assert.equal((await check('Refused1')).status, 404)
  })

  it('loses a callback, and loses all of them while they are switched off', async () => {
    const { pay, heardOf, url, state } = await start()
    await pay('LostCallback1')
    await settled('LostCallback1')
    const turn = (on: boolean) =>
      fetch(`${url}/sandbox/callbacks`, { method: 'POST', body: JSON.stringify({ on }) })
    assert.deepEqual(await (await turn(false)).json(), { on: false })
    await pay('Success2')
    await settled('Success2')
    assert.deepEqual(await (await turn(true)).json(), { on: true })
    await pay('Success3')
    await heard('Success3', 1)
    assert.deepEqual([heardOf('LostCallback1'), heardOf('Success2')], [[], []])
    const counts = (await state()).zenospay.payouts.map(({ callbacks }) => callbacks)
    assert.deepEqual(counts, [0, 0, 1])
    assert.equal((await fetch(`${url}/sandbox/callbacks`, { method: 'POST', body: '{"on":1}' })).status, 422)
  })

  it('calls again after a 5xx, signed anew, and never after a 4xx', async () => {
    const { pay, answers, heardOf } = await start()
    answers.push(503, 500, 200)
    await pay('Success1')
    const all = await heard('Success1', 3)
    assert.equal(new Set(all.map(({ body }) => body)).size, 1)
    answers.push(404)
    await pay('Success2')
    await heard('Success2', 1)
    await pay('Slow3')
    await heard('Slow3', 1)
    assert.equal(heardOf('Success2').length, 1)
  })

  it('tells of pay-ins, flat or within an envelope, and answers for them', async () => {
    const { url, call, received, state } = await start()
    const references = Array.from({ length: 10 }, (_, n) => `order${n}`)
    const make = (reference: string, amount = '10000.00') =>
      fetch(`${url}/sandbox/payments`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ reference, amount }),
      })
    for (const reference of references) assert.equal((await make(reference)).status, 201)
    assert.equal((await make('order0')).status, 409)
    assert.equal((await make('order11', '10.50')).status, 422)
    await until('the callbacks', () => received.length === references.length)
    const bodies = received.map(
      ({ body }) => JSON.parse(body) as { event?: string; data?: Record<string, unknown> },
    )
    assert.deepEqual(new Set(bodies.map(({ event }) => event)), new Set([undefined, 'payment.completed']))
    const [payment] = (await state()).zenospay.payments
    const byRrn = await call('/api/check/transaction', {
      rrn: payment?.rrn,
      merchant_transaction_id: 'order5',
    })
    const data = byRrn.body.data
    assert.equal(data?.merchant_transaction_id, 'order0', 'the rrn wins')
    assert.deepEqual([data?.amount, data?.nett_amount], ['10000.00', '9930.00'])
    assert.match(
      String(data?.transaction_id),
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/,
    )
    assert.equal((await call('/api/check/transaction', { merchant_transaction_id: 'none' })).status, 404)
  })

  it('does the same in two runs with the same seed', async () => {
    const rates = Object.fromEntries(behaviourNames.map((name) => [name, 0.15]))
    delete rates['timeout-after-accepting']
    const references = Array.from({ length: 60 }, (_, n) => `payout${n}`)
    const play = async (order: string[]) => {
      zenospay = await startZenospay({ fate: { seed: 5, rates, delayMs: { from: 0, to: 3 } } })
      for (const reference of order) await zenospay.pay(reference)
      await until('rest', async () => (await zenospay.state()).zenospay.pending === 0)
      const { payouts } = (await zenospay.state()).zenospay
      const ends = payouts.map(({ callbacks: _, ...rest }) => rest)
      return ends.sort((a, b) => String(a.reference).localeCompare(String(b.reference)))
    }
    const first = await play(references)
    await zenospay.stop()
    const second = await play([...references].reverse())
    assert.deepEqual(first, second)
    assert.ok(new Set(first.map(({ status }) => status)).size >= 3)
  })
})
