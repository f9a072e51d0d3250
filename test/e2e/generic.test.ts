import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { acmeTranslate, acmeVerify, ed, pemOf, secret } from '../support/generic.ts'
import { createFolder, type Folder, type Program } from '../support/program.ts'
import { startRedisServer } from '../support/redis-server.ts'
import { until } from '../support/until.ts'
import { newReference } from '../support/zenospay.ts'

describe('the built program with generic accounts', function () {
  this.timeout(90_000)
  let place: Folder
  let redis: Awaited<ReturnType<typeof startRedisServer>>
  let keyServer: Server
  let env: NodeJS.ProcessEnv

  before(async () => {
    place = createFolder()
    redis = await startRedisServer()
    const jwk = { ...ed.publicKey.export({ format: 'jwk' }), kid: 'k1' }
    keyServer = createServer((_req, res) => void res.end(JSON.stringify({ keys: [jwk] })))
    await once(keyServer.listen(0, '127.0.0.1'), 'listening')
    const jwksUrl = `http://127.0.0.1:${(keyServer.address() as AddressInfo).port}/jwks.json`
    const account = (id: string, verify: object) => ({
      id,
      provider: 'generic',
      currency: 'EUR',
      translate: acmeTranslate,
      verify,
    })
    const settings = {
      accounts: [
        account('acme', { ...acmeVerify, secrets: [{ env: 'ACME_SECRET' }] }),
        account('acme-jws', { scheme: 'jws', algorithms: ['EdDSA'], jwksUrl }),
        account('acme-none', { scheme: 'none', iKnow: true }),
      ],
      api: {
        tokens: [
          {
            id: 't',
            sha256: createHash('sha256').update('real-token').digest('hex'),
            scopes: ['transfers:write', 'transfers:read'],
          },
        ],
      },
      seal: {
        keys: [{ id: 'k1', key: randomBytes(32).toString('base64') }],
        indexKey: randomBytes(32).toString('base64'),
      },
    }
    writeFileSync(join(place.folder, 'tallyhook.json'), JSON.stringify(settings))
    writeFileSync(join(place.folder, 'private.pem'), pemOf(ed.privateKey))
    env = {
      TALLYHOOK_CONFIG: join(place.folder, 'tallyhook.json'),
      REDIS_URL: redis.url,
      ACME_SECRET: secret,
    }
  })
  after(async () => {
    await place.dispose()
    await redis.stop()
    keyServer.close()
  })

  async function request(program: Program, path: string, content?: object): Promise<Response> {
    return fetch(`${program.apiUrl}${path}`, {
      method: content ? 'POST' : 'GET',
      headers: { 'content-type': 'application/json', authorization: 'Bearer real-token' },
      ...(content && { body: JSON.stringify(content) }),
    })
  }

  async function register(program: Program, account: string): Promise<{ reference: string; id: string }> {
    const reference = newReference()
    const answer = await request(program, '/v1/transfers', {
      account,
      reference,
      amount: { value: '25.00', currency: 'EUR' },
      beneficiary: { bankCode: '1', accountNumber: '0000000000', name: 'John Doe' },
    })
    assert.equal(answer.status, 201)
    return { reference, id: ((await answer.json()) as { id: string }).id }
  }

  const stateOf = async (program: Program, id: string) =>
    ((await (await request(program, `/v1/transfers/${id}`)).json()) as { state: string }).state

  async function send(account: string, reference: string, ...flags: string[]): Promise<number> {
    const sent = await place.run(
      ['send', '--json', '--account', account, '--reference', reference, '--amount', '25.00', ...flags],
      env,
    )
    assert.ok(sent.stdout, sent.stderr)
    return (JSON.parse(sent.stdout) as { status: number }).status
  }

  it('verifies, settles and refuses by declaration alone; what nothing proves settles nothing', async () => {
    const program = await place.start('all', env)
    const acme = await register(program, 'acme')
    assert.equal(await send('acme', acme.reference, '--wrong-signature'), 401)
    assert.equal(await send('acme', acme.reference, '--stale'), 401)
    assert.equal(await stateOf(program, acme.id), 'registered')
    assert.equal(await send('acme', acme.reference), 200)
    await until('the settled transfer', async () => (await stateOf(program, acme.id)) === 'succeeded')

    const jws = await register(program, 'acme-jws')
    const key = ['--private-key', join(place.folder, 'private.pem')]
    assert.equal(await send('acme-jws', jws.reference, '--status', 'rejected', ...key), 200)
    await until('the failed transfer', async () => (await stateOf(program, jws.id)) === 'failed')

    const none = await register(program, 'acme-none')
    assert.equal(await send('acme-none', none.reference), 200)
    await until('the line about it', () =>
      program.lines.some((line) => line.includes('callback.applied') && line.includes('"unverified"')),
    )
    assert.equal(await stateOf(program, none.id), 'registered')
    assert.ok(!program.lines.some((line) => line.includes(secret)))

    program.child.kill('SIGTERM')
    assert.equal(await program.exited, 0)
  })
})
