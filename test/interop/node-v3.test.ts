/**
 * This package has no calls for partner transfers and coupons, no encryption for callbacks, and one fixed host. What it has is
 * used: its signatures, its encryption of fields, its certificates over the sandbox, and its check of answers.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import Pay from 'wechatpay-node-v3'
import { until } from '../support/until.ts'
import {
  type Answer,
  batchBody,
  batchDetails,
  couponBody,
  merchantKeys,
  newNumber,
  sandboxApiV3Key,
  sandboxCertificate,
  startWechatpaySandbox,
  type TestSandbox,
} from '../support/wechatpay-sandbox.ts'

const fixedHost = 'https://api.mch.weixin.qq.com'
const openid = 'o-MYE42l80oelYMDE34nYD456Xoy'
const serial = sandboxCertificate.serial
const certificate = Buffer.from(sandboxCertificate.pem)

describe('wechatpay-node-v3 with the make-believe WeChat Pay', () => {
  let world: TestSandbox
  let pay: Pay
  beforeEach(async () => {
    world = await startWechatpaySandbox({ mode: 'certificates', fates: { delayMs: { from: 0, to: 0 } } })
    pay = new Pay({
      appid: 'wxf636efh567hg4356',
      mchid: merchantKeys.mchid,
      serial_no: merchantKeys.serialNo,
      publicKey: certificate,
      privateKey: Buffer.from(merchantKeys.privateKey.export({ type: 'pkcs8', format: 'pem' })),
      key: sandboxApiV3Key.toString(),
    })
    const send = async (method: string, url: string, headers: Record<string, string>) => {
      const answer = await fetch(url.replace(fixedHost, world.url), { method, headers })
      return { status: answer.status, data: await answer.json() }
    }
    const never = () => Promise.reject(new Error('It is not called here.'))
    pay.createHttp({ get: (url, headers) => send('GET', url, headers), post: never, upload: never })
  })
  afterEach(() => world.stop())

  /** As its own calls do it; only the request itself is made by hand. */
  async function call(method: 'GET' | 'POST', path: string, body?: Record<string, unknown>) {
    const [nonce, timestamp] = [randomBytes(8).toString('hex'), String(Math.floor(Date.now() / 1000))]
    const signature = pay.getSignature(method, nonce, timestamp, path, body)
    const answer = await fetch(world.url + path, {
      method,
      headers: {
        accept: 'application/json',
        'content-type': 'application/json',
        'user-agent': 'merchant/1.0',
        authorization: pay.getAuthorization(nonce, timestamp, signature),
        'wechatpay-serial': serial,
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    assert.equal(answer.status, 200, text)
    assert.equal(await verify((name) => answer.headers.get(name), text), true)
    return JSON.parse(text) as Answer['json']
  }

  const verify = (header: (name: string) => unknown, body: string) =>
    pay.verifySign({
      timestamp: String(header('wechatpay-timestamp')),
      nonce: String(header('wechatpay-nonce')),
      serial: String(header('wechatpay-serial')),
      signature: String(header('wechatpay-signature')),
      body,
    })

  it('fetches the certificates', async () => {
    const [first] = await pay.get_certificates(sandboxApiV3Key.toString())
    assert.equal(first?.serial_no, serial)
  })

  it('orders a batch with an encrypted name, asks about it, and believes the answers', async () => {
    const details = batchDetails(1, { user_name: pay.publicEncrypt('张三', certificate) })
    const body = batchBody({}, details)
    const order = await call('POST', '/v3/partner-transfer/batches', body)
    const root = `/v3/partner-transfer/batches/batch-id/${order.batch_id}`
    const batch = await call('GET', `${root}?need_query_detail=true&detail_status=ALL`)
    const [listed] = batch.transfer_detail_list as { detail_id: string; detail_status: string }[]
    assert.deepEqual([batch.batch_status, listed?.detail_status], ['FINISHED', 'SUCCESS'])
    const detail = await call('GET', `${root}/details/detail-id/${listed?.detail_id}`)
    assert.equal(pay.privateDecrypt(String(detail.username)), '张三')
  })

  it('grants a coupon, and reads the callback of its use', async () => {
    const [user_name, id_card_number] = ['张三', '110101199003070036'].map((text) =>
      pay.publicEncrypt(text, certificate),
    )
    const body = couponBody({ user_name, id_card_number, out_request_no: newNumber('Early'), amount: 1 })
    const { coupon_id } = await call('POST', `/v3/multiuse/users/${openid}/coupons`, body)
    const [one] = await until('the callback', () => world.received.length > 0 && world.received)
    assert.ok(one)
    assert.equal(await verify((name) => one.headers[name], one.body), true)
    const { ciphertext, associated_data, nonce } = JSON.parse(one.body).resource
    const opened = pay.decipher_gcm<{ coupon_id: string }>(ciphertext, associated_data, nonce)
    assert.equal(opened.coupon_id, coupon_id)
  })
})
