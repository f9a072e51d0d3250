import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createWechatpaySigner } from '../../src/sandbox/wechatpay-signer.ts'
import { createFolder, type Folder, readEvents } from '../support/program.ts'
import { until } from '../support/until.ts'
import {
  type CertificateServer,
  fixture,
  newCertificate,
  payout,
  sendList,
  startCertificateServer,
} from '../support/wechatpay.ts'
import { newReference } from '../support/zenospay.ts'

const token = randomBytes(24).toString('base64url')
const apiV3Key = randomBytes(16).toString('hex')
const merchantKey = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString()

describe('the built program with a WeChat Pay account that fetches its certificates', function () {
  this.timeout(90_000)
  let place: Folder
  let server: CertificateServer
  let env: NodeJS.ProcessEnv
  beforeEach(async () => {
    place = createFolder()
    server = await startCertificateServer()
    server.respond = (res) => sendList(res, { apiV3Key: Buffer.from(apiV3Key), at: Date.now() })
    const config = {
      accounts: [
        {
          id: 'wx-main',
          provider: 'wechatpay',
          mchid: '1900000001',
          serialNo: '408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB',
          merchantPrivateKey: merchantKey,
          apiV3Keys: [{ env: 'WX_APIV3_KEY' }],
          baseUrl: server.baseUrl,
          currency: 'CNY',
        },
      ],
      api: {
        tokens: [
          {
            id: 'ledger',
            sha256: createHash('sha256').update(token).digest('hex'),
            scopes: ['transfers:write', 'transfers:read', 'events:read', 'ops:read'],
          },
        ],
      },
      seal: {
        keys: [{ id: 'k1', key: randomBytes(32).toString('base64') }],
        indexKey: randomBytes(32).toString('base64'),
      },
    }
    const file = join(place.folder, 'tallyhook.json')
    writeFileSync(file, JSON.stringify(config))
    writeFileSync(join(place.folder, 'provider.pem'), fixture('new.key.pem'))
    env = { TALLYHOOK_CONFIG: file, WX_APIV3_KEY: apiV3Key }
  })
  afterEach(async () => {
    server.close()
    await place.dispose()
  })

  const send = (...flags: string[]) => {
    const key = ['--private-key', 'provider.pem', '--serial', newCertificate.serial]
    return place.run(['send', '--json', ...key, ...flags], env)
  }

  async function register(apiUrl: string, reference: string): Promise<Response> {
    return fetch(`${apiUrl}/v1/transfers`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({
        account: 'wx-main',
        reference,
        amount: { value: '250.00', currency: 'CNY' },
        beneficiary: { openid: 'o-1' },
      }),
    })
  }

  const eventsOf = async (apiUrl: string, reference: string) =>
    (await readEvents(apiUrl, token)).filter(({ data }) => data.object.reference === reference)

  const seen = (apiUrl: string, reference: string, type: string) =>
    until(`${type} of ${reference}`, async () =>
      (await eventsOf(apiUrl, reference)).find((event) => event.type === `tallyhook.transfer.${type}.v1`),
    )

  it('settles a transfer, holds one that was paid to somebody else, and refuses a probe', async () => {
    const program = await place.start('all', env)
    assert.equal(server.requests.length, 1, 'loaded at the start')
    const [paid, astray] = [newReference(), newReference()]
    for (const reference of [paid, astray]) {
      assert.equal((await register(program.apiUrl, reference)).status, 201)
    }

    const sent = await send('--reference', paid, '--amount', '250.00', '--openid', 'o-1')
    assert.deepEqual(JSON.parse(sent.stdout), { reference: paid, status: 200, body: '{"code":"SUCCESS"}' })
    await seen(program.apiUrl, paid, 'succeeded')

    await send('--reference', astray, '--amount', '250.00', '--openid', 'o-2')
    const held = await seen(program.apiUrl, astray, 'held')
    assert.equal((held.data.because as { reason?: string }).reason, 'openid-differs')

    const forged = await send('--reference', paid, '--wrong-signature')
    assert.deepEqual(JSON.parse(forged.stdout), {
      reference: paid,
      status: 401,
      body: '{"code":"FAIL","message":"The callback is not authentic"}',
    })
    const probe = await callBack(program.callbackUrl, {
      'wechatpay-signature': 'WECHATPAY/SIGNTEST/Zm9yZ2Vk',
    })
    assert.equal(probe.status, 401)
    assert.equal((await callBack(program.callbackUrl, {})).status, 200)

    assert.equal(server.requests.length, 1, 'and not asked again')
  })

  it('acknowledges what it cannot open, and keeps it as a failed job and a case that say why', async () => {
    const program = await place.start('all', env)
    assert.equal((await callBack(program.callbackUrl, {}, randomBytes(32))).status, 200)
    await until('the job to fail', () =>
      program.lines.find((line) => /job\.failed.*callback-not-understood.*No APIv3 key/.test(line)),
    )
    const answer = await fetch(`${program.apiUrl}/v1/cases?account=wx-main&state=open`, {
      headers: { authorization: `Bearer ${token}` },
    })
    const { items } = (await answer.json()) as { items: { code: string; reason: string }[] }
    assert.deepEqual(
      items.map(({ code }) => code),
      ['callback-not-understood'],
    )
    assert.match(items[0]?.reason ?? '', /No APIv3 key/)
    const listed = await place.run(['cases', 'list', '--json'], env)
    assert.deepEqual(JSON.parse(listed.stdout).items, items)
    assert.equal((await callBack(program.callbackUrl, {})).status, 200)
    program.child.kill('SIGTERM')
    assert.equal(await program.exited, 0)
  })

  it('starts without its certificates, and tells callbacks to come again until they are there', async () => {
    server.respond = (res) => res.writeHead(500).end()
    const program = await place.start('all', env)
    const answer = await callBack(program.callbackUrl, {})
    assert.equal(answer.status, 503)
    assert.ok(answer.headers.get('retry-after'))
    assert.equal(((await answer.json()) as { code: string }).code, 'FAIL')
    program.child.kill('SIGTERM')
    assert.equal(await program.exited, 0)
  })

  async function callBack(
    callbackUrl: string,
    headers: Record<string, string>,
    key: Uint8Array = Buffer.from(apiV3Key),
  ): Promise<Response> {
    const account = {
      mchid: '1900000001',
      apiV3Keys: [key],
      platformKeys: [],
      currency: 'CNY',
    }
    const signer = createWechatpaySigner(account, newCertificate)
    const signed = await signer.sign(signer.describe(payout()), { path: '', now: Date.now() })
    return fetch(`${callbackUrl}/callbacks/wx-main`, {
      method: 'POST',
      headers: { ...signed.headers, ...headers },
      body: signed.body,
    })
  }
})
