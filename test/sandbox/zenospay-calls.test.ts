import assert from 'node:assert/strict'
import { until } from '../support/until.ts'
import {
  type CallOptions,
  inquiryOf,
  type RunningZenospay,
  startZenospay,
  strangerKey,
  type ZenospaySetup,
} from '../support/zenospay-sandbox.ts'

describe('the calls of the make-believe Zenospay', () => {
  let zenospay: RunningZenospay
  const start = async (setup: ZenospaySetup = {}) => {
    zenospay = await startZenospay(setup)
    return zenospay
  }
  afterEach(() => zenospay.stop())

  it('reserves, pays and tells, in the documented spellings', async () => {
    const { pay, check } = await start()
    const { inquiry, paid, inquiryId } = await pay('payout1')
    assert.deepEqual(inquiry.body, {
      status: true,
      data: {
        merchant_transaction_id: 'payout1',
        account_number: '1234567890',
        account_name: 'Siti Rahma',
        bank_code: '014',
        bank_name: 'Bank Central Asia',
        amount: 25_000,
        fee: 5_500,
        inquiry_id: inquiryId,
      },
    })
    assert.match(String(inquiryId), /^[0-9a-z]{26}$/)
    assert.deepEqual(paid, { status: 200, body: { status: true } })
    const data = await until('the end', async () => {
      const { body } = await check('payout1')
      return /success/i.test(String(body.data?.status)) ? body.data : undefined
    })
    const { status: _, created_at: createdAt, updated_at: updatedAt, ...rest } = data
    assert.match(String(createdAt), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
    assert.match(String(updatedAt), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
    assert.deepEqual(rest, {
      merchant_transaction_id: 'payout1',
      amount: '25000.00',
      bank_code: '014',
      account_number: '1234567890',
      reason: null,
      service_fee_final: '5500.00',
    })
  })

  it('lets nobody in who has not signed these bytes, for this path, as this partner, and lately', async () => {
    const { call, state } = await start()
    const asked = inquiryOf()
    const badly: CallOptions[] = [
      { key: strangerKey },
      { at: Date.now() - 301_000 },
      { at: Date.now() + 301_000 },
      { headers: { 'x-partner-id': 'another' } },
      { headers: { 'x-timestamp': 'yesterday' } },
      { headers: { 'x-signature': '' } },
      { signed: JSON.stringify({ ...asked, amount: 25_001 }) },
    ]
    for (const options of badly) {
      const { status, body } = await call('/api/inquiry', asked, options)
      assert.deepEqual([status, body.status], [401, false], JSON.stringify(options))
    }
    assert.deepEqual((await state()).zenospay.payouts, [])
    // The bytes count, and not what they mean.
    assert.equal((await call('/api/inquiry', JSON.stringify(asked, null, 2))).status, 200)
  })

  it('refuses what the documents forbid, each by its field', async () => {
    const { call, state } = await start()
    const wrong: [Record<string, unknown>, string][] = [
      [{ merchant_transaction_id: '' }, 'merchant transaction id'],
      [{ merchant_transaction_id: 7 }, 'merchant transaction id'],
      [{ bank_code: '14' }, 'bank code'],
      [{ bank_code: 'paypal' }, 'bank code'],
      [{ amount: '25000' }, 'amount'],
      [{ amount: 0 }, 'amount'],
      [{ amount: 25_000.5 }, 'amount'],
      [{ amount: 1_000_000_000_000 }, 'amount'],
      [{ account_number: '12a' }, 'account number'],
      [{ account_number: '1234567890123' }, 'account number'],
      [{ customer_name: 'Siti' }, 'customer name'],
      [{ customer_name: 'Siti Rahma, S.E.' }, 'customer name'],
      [{ customer_name: 'A name of twenty-six chars' }, 'customer name'],
    ]
    for (const [fields, named] of wrong) {
      const { status, body } = await call('/api/inquiry', inquiryOf(fields))
      assert.deepEqual(
        [status, body],
        [422, { status: false, data: null, message: `The ${named} field is invalid.` }],
      )
    }
    for (const body of ['{', '[]', '""']) assert.equal((await call('/api/inquiry', body)).status, 422, body)
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    assert.equal((await call('/api/inquiry', inquiryOf(), { headers: form })).status, 422)
    assert.equal((await call('/api/transfer', { inquiry_id: 'x', force: 'yes' })).status, 422)
    assert.equal((await call('/api/check/transaction', {})).status, 422)
    assert.deepEqual((await state()).zenospay.payouts, [])
  })

  it('takes a reference once, and pays an inquiry once', async () => {
    const { call, pay, state } = await start()
    const { inquiryId } = await pay('payout1')
    const again = await call('/api/inquiry', inquiryOf())
    assert.deepEqual([again.status, again.body.status, again.body.data], [200, false, null])
    assert.match(again.body.message ?? '', /already been taken/)
    assert.match(
      (await call('/api/transfer', { inquiry_id: inquiryId })).body.message ?? '',
      /already been processed/,
    )
    const [payout] = (await state()).zenospay.payouts
    assert.deepEqual([payout?.payCalls, payout?.paidOrders], [2, 1])
  })

  it('knows nothing of what it was not told', async () => {
    const { call, check } = await start()
    for (const answer of [await call('/api/transfer', { inquiry_id: 'none' }), await check('none')])
      assert.deepEqual([answer.status, answer.body.status], [404, false])
  })

  it('gives an inquiry back that was not paid in time', async () => {
    let now = Date.now()
    const { call, check } = await start({ clock: () => now })
    const { body } = await call('/api/inquiry', inquiryOf(), { at: now })
    assert.match(String((await check('payout1')).body.data?.status), /^pending$/i)
    const before = await call('/api/balance', undefined, { method: 'GET', at: now })
    now += 30 * 60_000 - 1
    const still = await call('/api/balance', undefined, { method: 'GET', at: now })
    assert.deepEqual(still.body, before.body)
    now += 1
    const late = await call('/api/transfer', { inquiry_id: body.data?.inquiry_id }, { at: now })
    assert.match(late.body.message ?? '', /expired/)
    const asked = await call('/api/check/inquiry', { merchant_transaction_id: 'payout1' }, { at: now })
    assert.match(String(asked.body.data?.status), /^fail$/i)
    const after = await call('/api/balance', undefined, { method: 'GET', at: now })
    assert.deepEqual(after.body.data, {
      balance: 528_534_207_000.52,
      reserved_funds: 0,
      outstanding_funds: 0,
    })
  })

  it('moves the balance with each payout, and reserves nothing that it does not cover', async () => {
    const { call, pay, check } = await start({ balanceMinor: 100_000_25n })
    const funds = async () => (await call('/api/balance', undefined, { method: 'GET' })).body.data
    assert.deepEqual(await funds(), { balance: 100_000.25, reserved_funds: 0, outstanding_funds: 0 })
    await call('/api/inquiry', inquiryOf({ merchant_transaction_id: 'one', amount: 44_500 }))
    assert.deepEqual(await funds(), { balance: 50_000.25, reserved_funds: 50_000, outstanding_funds: 0 })
    const short = await call('/api/inquiry', inquiryOf({ merchant_transaction_id: 'two', amount: 44_501 }))
    assert.match(short.body.message ?? '', /Insufficient/)
    await pay('SlowThree', { amount: 4_500 })
    assert.deepEqual(await funds(), { balance: 40_000.25, reserved_funds: 50_000, outstanding_funds: 10_000 })
    await pay('FailFour', { amount: 4_500 })
    await until('both ends', async () => {
      const states = await Promise.all([check('SlowThree'), check('FailFour')])
      return states.map(({ body }) => String(body.data?.status).toLowerCase()).join() === 'success,fail'
    })
    assert.deepEqual(await funds(), { balance: 40_000.25, reserved_funds: 50_000, outstanding_funds: 0 })
  })

  it('takes a GET that is signed over nothing, or over an empty object', async () => {
    const { call } = await start()
    for (const signed of ['', '{}'])
      assert.equal((await call('/api/balance', undefined, { method: 'GET', signed })).body.status, true)
    assert.equal((await call('/api/balance', undefined, { method: 'GET', signed: '[]' })).status, 401)
  })

  it('counts its calls, by path and answer', async () => {
    const { call, pay, state } = await start()
    await pay('payout1')
    await call('/api/inquiry', inquiryOf(), { key: strangerKey })
    await call('/api/nothing', {})
    const { calls } = await state()
    assert.deepEqual(calls, {
      'POST /api/inquiry': { 200: 1, 401: 1 },
      'POST /api/transfer': { 200: 1 },
      'POST other': { 404: 1 },
    })
  })
})
