/** Over real HTTP, against a small server that checks and signs as WeChat Pay does. */
import assert from 'node:assert/strict'
import { verify } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createOutboundFetch } from '../../../src/outbound/fetch.ts'
import type { Client, ConnectTo } from '../../../src/providers/client.ts'
import type { WechatpayAccount } from '../../../src/providers/wechatpay/account.ts'
import { createWechatpay } from '../../../src/providers/wechatpay/index.ts'
import { decryptField } from '../../../src/providers/wechatpay/sensitive-field.ts'
import { translateAnswer } from '../../../src/providers/wechatpay/translate-answer.ts'
import { silentLogger } from '../../../src/telemetry/logger.ts'
import { sightingOf } from '../../support/translation.ts'
import {
  type CertificateServer,
  newCertificate,
  now,
  oldCertificate,
  outboundTo,
  providerKey,
  publicKeyId,
  sendList,
  startCertificateServer,
} from '../../support/wechatpay.ts'
import {
  acceptedBatch,
  callingAccount,
  couponAnswer,
  detailAnswer,
  grant,
  merchantKeys,
  payBatch,
  signHeaders,
} from '../../support/wechatpay-answers.ts'

/** As `outbound/calls.ts` does it, without limits. */
const connectTo: ConnectTo = ({ baseUrl, timeoutMs }) => {
  const fetch = createOutboundFetch({
    allow: [],
    http: false,
    loopbackOrigin: baseUrl,
    totalMsMax: timeoutMs,
  })
  return async ({ method, path, body, headers }) => {
    const init = { method, headers: headers(), ...(body !== undefined && { body }) }
    const response = await fetch(`${baseUrl}${path}`, init)
    return {
      outcome: 'answered',
      status: response.status,
      header: (name) => response.headers.get(name) ?? undefined,
      body: Buffer.from(await response.arrayBuffer()),
    }
  }
}

async function readBody(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function isSigned(req: IncomingMessage, body: Buffer): boolean {
  const pairs = Object.fromEntries(
    [...(req.headers.authorization ?? '').matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [
      name,
      value,
    ]),
  )
  const text = Buffer.from(`${req.method}\n${req.url}\n${pairs.timestamp}\n${pairs.nonce_str}\n${body}\n`)
  return verify('sha256', text, merchantKeys.publicKey, Buffer.from(pairs.signature ?? '', 'base64'))
}

describe('wechatpay calls over http', () => {
  let server: Server
  let client: Client
  let account: WechatpayAccount
  const seen: { url: string; body: Buffer }[] = []

  const contents = new Map<string, unknown>([
    ['POST /v3/partner-transfer/batches', acceptedBatch],
    ['POST /v3/multiuse/users/o-%2F1%27/coupons', { coupon_id: '98674556' }],
    ['GET /v3/marketing/favor/users/o-1/coupons/98674556?appid=wx1', couponAnswer],
    [
      'GET /v3/partner-transfer/batches/out-batch-no/plfk2020042013/details/out-detail-no/x23zy545Bd5436',
      detailAnswer,
    ],
  ])

  before(async () => {
    server = createServer(async (req, res) => {
      const body = await readBody(req)
      const url = `${req.method} ${req.url}`
      seen.push({ url, body })
      // WeChat Pay does not sign for whom it does not know.
      if (!isSigned(req, body))
        return void res.writeHead(401).end('{"code":"SIGN_ERROR","message":"签名错误"}')
      const content = contents.get(url)
      const answer = Buffer.from(JSON.stringify(content ?? { code: 'NOT_FOUND', message: '记录不存在' }))
      res.writeHead(content ? 200 : 404, signHeaders(answer)).end(answer)
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const { credentials = assert.fail() } = callingAccount
    account = { ...callingAccount, credentials: { ...credentials, baseUrl } }
    client = open(account)
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })

  function open(one: WechatpayAccount): Client {
    const randomBytes = (count: number) => new Uint8Array(count).fill(7)
    const deps = { fetch: outboundTo(one.credentials?.baseUrl ?? ''), clock: () => now, randomBytes }
    return createWechatpay(one, { ...deps, logger: silentLogger, connectTo }).client ?? assert.fail()
  }

  it('a batch goes out and is accepted', async () => {
    const result = await client.order(payBatch())
    assert.ok(result.outcome === 'answered', JSON.stringify(result))
    const sent = JSON.parse(seen.at(-1)?.body.toString() ?? '')
    assert.equal(decryptField(sent.transfer_detail_list[0].user_name, providerKey), '张三')
  })

  it('an openid travels as it was signed', async () => {
    const result = await client.order(grant({ openid: "o-/1'" }))
    assert.equal(result.outcome, 'answered', JSON.stringify(result))
  })

  it('questions are answered, and what was encrypted for us is opened', async () => {
    const result = await client.ask({
      call: 'transfer',
      reference: 'x23zy545Bd5436',
      batch: 'plfk2020042013',
    })
    const [part = assert.fail()] = result.outcome === 'answered' ? result.parts : []
    const { payee } = sightingOf(translateAnswer(account, part.body, part.asked), 'transfer')
    assert.equal(payee?.name, '张三')
    const coupon = {
      call: 'coupon',
      reference: 'g1',
      couponNumber: '98674556',
      openid: 'o-1',
      appid: 'wx1',
    } as const
    assert.equal((await client.ask(coupon)).outcome, 'answered')
    assert.deepEqual(await client.ask({ call: 'batch', reference: 'nobody' }), { outcome: 'not-known' })
  })

  it('a key of ours that WeChat Pay does not know leaves it open', async () => {
    const { credentials = assert.fail() } = account
    const result = await open({ ...account, credentials: { ...credentials, privateKey: providerKey } }).order(
      payBatch(),
    )
    assert.deepEqual(result, {
      outcome: 'unknown',
      because: 'The answer 401 SIGN_ERROR is not proved (timestamp-missing).',
    })
  })

  describe('in certificate mode', () => {
    let certificates: CertificateServer
    beforeEach(async () => {
      certificates = await startCertificateServer()
    })
    afterEach(() => certificates.close())

    function openFetching(fields: Partial<WechatpayAccount> = {}) {
      const { credentials = assert.fail() } = callingAccount
      const { baseUrl } = certificates
      const one = { ...callingAccount, platformKeys: [], credentials: { ...credentials, baseUrl }, ...fields }
      const called: Record<string, string>[] = []
      const provider = createWechatpay(one, {
        fetch: outboundTo(baseUrl),
        clock: () => now,
        randomBytes: (count) => new Uint8Array(count).fill(7),
        logger: silentLogger,
        connectTo: () => async (request) => {
          called.push(request.headers())
          return { outcome: 'unknown', because: 'It was not answered.' }
        },
      })
      return { provider, client: provider.client ?? assert.fail(), called }
    }

    it('the first order fetches the certificates, and is encrypted under the one that expires last', async () => {
      const { client, called } = openFetching()
      await client.order(payBatch())
      const last = [oldCertificate, newCertificate].sort(
        (a, b) => (b.valid?.until ?? 0) - (a.valid?.until ?? 0),
      )[0]
      assert.equal(called[0]?.['wechatpay-serial'], last?.serial)
      await client.order(payBatch())
      assert.deepEqual(
        certificates.requests.map(({ url }) => url),
        ['GET /v3/certificates'],
      )
      assert.equal(certificates.requests[0]?.headers['wechatpay-serial'], undefined)
    })

    it('nothing is sent while there are none', async () => {
      certificates.respond = (res) => res.writeHead(500).end()
      const { client, called } = openFetching()
      assert.equal((await client.order(payBatch())).outcome, 'unsent')
      assert.equal((await client.ask({ call: 'batch', reference: 'plfk2020042013' })).outcome, 'unsent')
      assert.equal(called.length, 0)
    })

    it('the public key is named where there is one, also to who has the certificates', async () => {
      const { provider, client, called } = openFetching({ platformKeys: callingAccount.platformKeys })
      certificates.respond = (res) => sendList(res, {})
      await provider.start?.()
      await client.order(payBatch())
      await provider.stop?.()
      assert.equal(called[0]?.['wechatpay-serial'], publicKeyId)
      assert.equal(certificates.requests[0]?.headers['wechatpay-serial'], publicKeyId)
    })
  })
})
