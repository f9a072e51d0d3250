import assert from 'node:assert/strict'
import { Aes, Formatter, Rsa, Wechatpay } from 'wechatpay-axios-plugin'
import { until } from '../support/until.ts'
import {
  batchBody,
  batchDetails,
  certificateKey,
  couponBody,
  merchantKeys,
  newNumber,
  sandboxApiV3Key,
  sandboxCertificate,
  sandboxPublicKey,
  startWechatpaySandbox,
  type TestSandbox,
} from '../support/wechatpay-sandbox.ts'

/** A chain of the package: names become the path, and the last one is the method. */
interface Chain {
  chain(name: string): Chain
  post(data: unknown, config?: object): Promise<{ data: Record<string, unknown> }>
  get(config?: object): Promise<{ data: Record<string, unknown> }>
}

const openid = 'o-MYE42l80oelYMDE34nYD456Xoy'

describe('wechatpay-axios-plugin with the make-believe WeChat Pay', () => {
  let world: TestSandbox
  afterEach(() => world.stop())

  const connect = (): Chain =>
    new Wechatpay({
      mchid: merchantKeys.mchid,
      serial: merchantKeys.serialNo,
      privateKey: merchantKeys.privateKey.export({ type: 'pkcs8', format: 'pem' }),
      certs: {
        [sandboxPublicKey.serial]: sandboxPublicKey.publicKey,
        [sandboxCertificate.serial]: certificateKey(),
      },
      baseURL: world.url,
    }) as unknown as Chain
  const call = (path: string) => path.split('/').reduce((at, name) => at.chain(name), connect())

  for (const { mode, serial, key } of [
    { mode: 'public-key', serial: sandboxPublicKey.serial, key: sandboxPublicKey.publicKey },
    { mode: 'certificates', serial: sandboxCertificate.serial, key: certificateKey() },
  ] as const) {
    it(`orders a batch with encrypted names and asks about it, in the mode of ${mode}`, async () => {
      world = await startWechatpaySandbox({ mode, fates: { delayMs: { from: 0, to: 0 } } })
      const headers = { 'Wechatpay-Serial': serial }
      const details = batchDetails(3, { user_name: Rsa.encrypt('张三', key) })
      const body = batchBody({}, details)
      const { data: order } = await call('v3/partner-transfer/batches').post(body, { headers })
      assert.equal(order.out_batch_no, body.out_batch_no)

      const params = { need_query_detail: true, offset: 0, limit: 20, detail_status: 'ALL' }
      const byNumber = 'v3/partner-transfer/batches/out-batch-no/{out_batch_no}'
      const { data: batch } = await call(byNumber).get({ out_batch_no: body.out_batch_no, params })
      assert.equal(batch.batch_status, 'FINISHED')
      assert.equal((batch.transfer_detail_list as unknown[]).length, 3)

      const out_detail_no = details[0]?.out_detail_no
      const { data: detail } = await call(`${byNumber}/details/out-detail-no/{out_detail_no}`).get({
        out_batch_no: body.out_batch_no,
        out_detail_no,
      })
      assert.equal(detail.detail_status, 'SUCCESS')
      assert.equal(Rsa.decrypt(String(detail.username), merchantKeys.privateKey), '张三')
    })
  }

  it('grants a coupon, asks about it, and reads the callback of its use', async () => {
    world = await startWechatpaySandbox({ mode: 'public-key' })
    const encrypt = (text: string) => Rsa.encrypt(text, sandboxPublicKey.publicKey)
    const secrets = { user_name: encrypt('张三'), id_card_number: encrypt('110101199003070036') }
    const body = couponBody({ ...secrets, out_request_no: newNumber('Early'), amount: 1 })
    const headers = { 'Wechatpay-Serial': sandboxPublicKey.serial }
    const { data } = await call('v3/multiuse/users/{openid}/coupons').post(body, { openid, headers })
    const { data: coupon } = await call('v3/marketing/favor/users/{openid}/coupons/{coupon_id}').get({
      openid,
      coupon_id: data.coupon_id,
      params: { appid: body.appid },
    })
    assert.deepEqual([coupon.available_balance, coupon.status], [0, 'USED'])

    const [one] = await until('the callback', () => world.received.length > 0 && world.received)
    assert.ok(one)
    const [timestamp, nonce, signature] = ['timestamp', 'nonce', 'signature'].map((name) =>
      String(one.headers[`wechatpay-${name}`]),
    )
    const signed = Formatter.response(timestamp ?? '', nonce ?? '', one.body)
    assert.ok(Rsa.verify(signed, signature ?? '', sandboxPublicKey.publicKey))
    const { resource } = JSON.parse(one.body)
    const text = Aes.AesGcm.decrypt(
      resource.ciphertext,
      sandboxApiV3Key,
      resource.nonce,
      resource.associated_data,
    )
    assert.equal(JSON.parse(text).coupon_id, data.coupon_id)
  })

  for (const [word, code] of [
    ['UnsignedResponse', 'EV3_RES_HEADERS_INCOMPLATE'],
    ['Signtest', 'EV3_RES_HEADER_SIGNATURE_DIGEST'],
  ] as const) {
    it(`does not believe an answer of ${word}, and gets the same batch when it asks again`, async () => {
      world = await startWechatpaySandbox()
      const body = batchBody({ out_batch_no: newNumber(word) })
      const batches = call('v3/partner-transfer/batches')
      await assert.rejects(batches.post(body), { code })
      const { data } = await batches.post(body)
      assert.equal(data.batch_id, world.sandbox.state().batches[0]?.id)
    })
  }
})
