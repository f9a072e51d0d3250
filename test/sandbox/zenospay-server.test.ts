import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import request from 'supertest'
import { digestBody } from '../../src/providers/digest.ts'
import { headerNames, signParts } from '../../src/providers/zenospay/signature.ts'
import { verifyCallback } from '../../src/providers/zenospay/verify.ts'
import { formatJakartaTime } from '../../src/sandbox/signed-callback.ts'
import { createZenospaySandbox, type ZenospaySandbox } from '../../src/sandbox/zenospay-server.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'
import { until } from '../support/until.ts'
import { newReference, providerKey, testAccount } from '../support/zenospay.ts'

describe('the make-believe Zenospay', () => {
  const merchant = generateKeyPairSync('rsa', { modulusLength: 2048 })
  let receiver: Server
  let received: { headers: IncomingHttpHeaders; body: string }[]
  let answers: number[]
  let sandbox: ZenospaySandbox

  beforeEach(async () => {
    received = []
    answers = []
    receiver = createServer(async (req, res) => {
      const chunks: Buffer[] = []
      for await (const chunk of req) chunks.push(chunk as Buffer)
      received.push({ headers: req.headers, body: Buffer.concat(chunks).toString() })
      res.writeHead(answers.shift() ?? 200).end()
    }).listen(0, '127.0.0.1')
    await once(receiver, 'listening')
    sandbox = createZenospaySandbox({
      providerPrivateKey: providerKey,
      merchantPublicKey: createPublicKey(merchant.privateKey),
      partnerId: testAccount.partnerId,
      callbackUrl: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}${testAccount.callbackPath}`,
      clock: Date.now,
      random: () => 0.5,
      fetch,
      logger: silentLogger,
    })
  })
  afterEach(() => {
    sandbox.stop()
    receiver.closeAllConnections()
    receiver.close()
  })

  function call(path: string, content: object, { key = merchant.privateKey, at = Date.now() } = {}) {
    const body = JSON.stringify(content)
    const timestamp = formatJakartaTime(at)
    return request(sandbox.app)
      .post(path)
      .set('content-type', 'application/json')
      .set(headerNames.timestamp, timestamp)
      .set(headerNames.partner, testAccount.partnerId)
      .set(
        headerNames.signature,
        signParts({ method: 'POST', path, bodyDigest: digestBody(Buffer.from(body)), timestamp }, key),
      )
      .send(body)
  }

  const inquiry = (fields: object = {}) => ({
    merchant_transaction_id: newReference(),
    bank_code: '014',
    amount: 25000,
    account_number: '1234567890',
    customer_name: 'Siti Rahma',
    ...fields,
  })

  it('reserves, accepts, and calls back under a genuine signature', async () => {
    const asked = inquiry()
    const reserved = await call('/api/inquiry', asked)
    assert.equal(reserved.body.status, true)
    const accepted = await call('/api/transfer', { inquiry_id: reserved.body.data.inquiry_id })
    assert.deepEqual(accepted.body, { status: true })
    const callback = await until('the callback', () => received[0])
    const verification = verifyCallback(testAccount, {
      path: testAccount.callbackPath ?? '',
      header: (name) => callback.headers[name] as string | undefined,
      body: Buffer.from(callback.body),
      now: Date.now(),
    })
    assert.equal(verification.outcome, 'authentic')
    const { data } = JSON.parse(callback.body) as { data: Record<string, string> }
    assert.equal(data.merchant_transaction_id, asked.merchant_transaction_id)
    assert.equal(data.status, 'success')
    const checked = await call('/api/check/inquiry', {
      merchant_transaction_id: asked.merchant_transaction_id,
    })
    assert.equal(checked.body.data.status, 'Success')
    assert.equal(checked.body.data.amount, '25000.00')
  })

  it('calls again after a 5xx, and never after a 4xx', async () => {
    answers = [503, 200]
    const reserved = await call('/api/inquiry', inquiry())
    await call('/api/transfer', { inquiry_id: reserved.body.data.inquiry_id })
    await until('the second call', () => received.length === 2)
    assert.equal(received[0]?.body, received[1]?.body)
  })

  it('refuses what is not signed by the merchant, or is stale', async () => {
    assert.equal((await call('/api/inquiry', inquiry(), { key: providerKey })).status, 401)
    assert.equal((await call('/api/inquiry', inquiry(), { at: Date.now() - 600_000 })).status, 401)
    assert.equal((await request(sandbox.app).post('/api/inquiry').send(inquiry())).status, 401)
  })

  it('refuses what the documentation forbids, and pays an inquiry once', async () => {
    for (const wrong of [
      { amount: '25000' },
      { amount: 0 },
      { account_number: '12a' },
      { customer_name: 'ab' },
    ]) {
      assert.equal((await call('/api/inquiry', inquiry(wrong))).body.status, false, JSON.stringify(wrong))
    }
    const asked = inquiry()
    const reserved = await call('/api/inquiry', asked)
    assert.equal((await call('/api/inquiry', asked)).body.status, false, 'the id is taken')
    await call('/api/transfer', { inquiry_id: reserved.body.data.inquiry_id })
    assert.equal(
      (await call('/api/transfer', { inquiry_id: reserved.body.data.inquiry_id })).body.status,
      false,
    )
    assert.equal((await call('/api/transfer', { inquiry_id: 'none' })).body.status, false)
  })
})
