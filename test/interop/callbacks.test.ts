/** Callbacks that other people's code signs and encrypts, sent to the built program as WeChat Pay would. */
import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, randomBytes, randomInt } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Aes, Formatter, Rsa } from 'wechatpay-axios-plugin'
import Pay from 'wechatpay-node-v3'
import { createFolder, type Folder, type Program, readEvents } from '../support/program.ts'
import { until } from '../support/until.ts'

const token = randomBytes(24).toString('base64url')
const apiV3Key = randomBytes(16).toString('hex')
const serial = 'PUB_KEY_ID_0114232134912410000000000000'
const platform = generateKeyPairSync('rsa', { modulusLength: 2048 })
const privatePem = platform.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const publicPem = platform.publicKey.export({ type: 'spki', format: 'pem' }).toString()

const pay = new Pay({
  appid: 'wx0',
  mchid: '1900000001',
  serial_no: 'ABCDEF',
  publicKey: Buffer.from(publicPem),
  privateKey: Buffer.from(privatePem),
})
const signers: Record<string, (text: string) => string> = {
  'wechatpay-axios-plugin': (text) => Rsa.sign(text, platform.privateKey),
  'wechatpay-node-v3': (text) => pay.sha256WithRsa(text),
}

describe('callbacks made by other packages', function () {
  this.timeout(60_000)
  let place: Folder
  let program: Program
  before(async () => {
    place = createFolder()
    const scopes = ['transfers:write', 'transfers:read', 'events:read']
    const sha256 = createHash('sha256').update(token).digest('hex')
    const secret = () => randomBytes(32).toString('base64')
    const file = join(place.folder, 'tallyhook.json')
    writeFileSync(
      file,
      JSON.stringify({
        accounts: [
          {
            id: 'wx-main',
            provider: 'wechatpay',
            mchid: '1900000001',
            apiV3Keys: [apiV3Key],
            platformKeys: { [serial]: publicPem },
            currency: 'CNY',
          },
        ],
        api: { tokens: [{ id: 'ledger', sha256, scopes }] },
        seal: { keys: [{ id: 'k1', key: secret() }], indexKey: secret() },
      }),
    )
    program = await place.start('all', { TALLYHOOK_CONFIG: file })
  })
  after(() => place.dispose())

  async function register(reference: string): Promise<void> {
    const answer = await fetch(`${program.apiUrl}/v1/transfers`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({
        account: 'wx-main',
        reference,
        amount: { value: '250.00', currency: 'CNY' },
        beneficiary: { openid: 'o-1' },
      }),
    })
    assert.equal(answer.status, 201, await answer.text())
  }

  /** Encrypted by the one package that can. */
  function describeBill(reference: string): string {
    const bill = {
      mch_id: '1900000001',
      out_bill_no: reference,
      transfer_bill_no: `1330000071100${randomInt(1e9, 1e10)}`,
      transfer_amount: 25_000,
      state: 'SUCCESS',
      openid: 'o-1',
      create_time: '2027-01-10T00:55:00+08:00',
      update_time: '2027-01-10T00:55:01+08:00',
    }
    const nonce = Formatter.nonce(12)
    return JSON.stringify({
      id: 'EV-2018022511223320873',
      create_time: '2027-01-10T00:55:02+08:00',
      resource_type: 'encrypt-resource',
      event_type: 'MCHTRANSFER.BILL.FINISHED',
      summary: '商家转账单据终态通知',
      resource: {
        original_type: 'mch_payment',
        algorithm: 'AEAD_AES_256_GCM',
        ciphertext: Aes.AesGcm.encrypt(JSON.stringify(bill), apiV3Key, nonce, 'mch_payment'),
        associated_data: 'mch_payment',
        nonce,
      },
    })
  }

  async function callBack(body: string, sign: (text: string) => string): Promise<number> {
    const [timestamp, nonce] = [Math.floor(Date.now() / 1000), Formatter.nonce()]
    const answer = await fetch(`${program.callbackUrl}/callbacks/wx-main`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'wechatpay-timestamp': String(timestamp),
        'wechatpay-nonce': nonce,
        'wechatpay-serial': serial,
        'wechatpay-signature-type': 'WECHATPAY2-SHA256-RSA2048',
        'wechatpay-signature': sign(Formatter.response(String(timestamp), nonce, body)),
      },
      body,
    })
    return answer.status
  }

  for (const [name, sign] of Object.entries(signers)) {
    it(`of ${name} settle the transfer`, async () => {
      const reference = `interop${randomBytes(6).toString('hex')}`
      await register(reference)
      const body = describeBill(reference)
      assert.equal(await callBack(body, (text) => sign(`${text} `)), 401)
      assert.equal(await callBack(body, sign), 200)
      await until('the event', async () =>
        (await readEvents(program.apiUrl, token)).find(
          ({ type, data }) =>
            type === 'tallyhook.transfer.succeeded.v1' && data.object.reference === reference,
        ),
      )
    })
  }
})
