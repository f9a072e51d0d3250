import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CompactSign } from 'jose'
import { createGeneric } from '../../../src/providers/generic/index.ts'
import type { AccountProvider } from '../../../src/providers/provider.ts'
import { declare, now, reasonOf, requestOf } from '../../support/generic.ts'
import { until } from '../../support/until.ts'

interface Pair {
  kid: string
  publicKey: KeyObject
  privateKey: KeyObject
}

const makePair = (kid: string): Pair => ({ kid, ...generateKeyPairSync('ed25519') })
const first = makePair('first')
const second = makePair('second')
const stranger = makePair('stranger')

/** A key server whose answer the test chooses. */
function createKeyServer() {
  let server: Server
  const state = { keys: [first] as Pair[], asked: 0, status: 200, text: undefined as string | undefined }
  const held: (() => void)[] = []
  let holding = false
  return {
    state,
    hold: () => {
      holding = true
    },
    letGo: () => {
      holding = false
      for (const answer of held.splice(0)) answer()
    },
    async start(port = 0): Promise<string> {
      server = createServer((_req, res) => {
        state.asked++
        const answer = () => {
          const keys = state.keys.map(({ kid, publicKey }) => ({
            ...publicKey.export({ format: 'jwk' }),
            kid,
          }))
          res.writeHead(state.status, { 'content-type': 'application/json' })
          res.end(state.text ?? JSON.stringify({ keys }))
        }
        if (holding) held.push(answer)
        else answer()
      })
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`
    },
    async stop(): Promise<void> {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

describe('generic verification: jws with a JWKS URL', () => {
  let keyServer: ReturnType<typeof createKeyServer>
  let url: string
  beforeEach(async () => {
    keyServer = createKeyServer()
    url = await keyServer.start()
  })
  afterEach(() => keyServer.stop())

  function createProvider(times: { cacheMs?: number; coolDownMs?: number } = {}): AccountProvider {
    const account = declare({ scheme: 'jws', algorithms: ['EdDSA'], jwksUrl: url })
    assert.ok(account.verify.scheme === 'jws' && account.verify.jwks)
    const jwks = { ...account.verify.jwks, ...times }
    return createGeneric({ ...account, verify: { ...account.verify, jwks } }, { fetch })
  }

  async function callBack(
    provider: AccountProvider,
    pair: Pair,
    at = now,
    kid: string | undefined = pair.kid,
  ) {
    const header = { alg: 'EdDSA', ...(kid !== '' && { kid }) }
    const body = await new CompactSign(Buffer.from('{}')).setProtectedHeader(header).sign(pair.privateKey)
    return provider.verify(requestOf({ headers: {}, body }, at))
  }
  const reason = async (...args: Parameters<typeof callBack>) => reasonOf(await callBack(...args))

  it('fetches when first needed, and then remembers', async () => {
    const provider = createProvider()
    assert.deepEqual(provider.keyIds(), [])
    assert.equal(keyServer.state.asked, 0)
    for (let i = 0; i < 5; i++) {
      const verification = await callBack(provider, first)
      assert.ok(verification.outcome === 'authentic')
      assert.deepEqual(provider.keyIds(), [verification.keyId])
    }
    assert.equal(keyServer.state.asked, 1)
  })

  it('fetches again when what it has is too old', async () => {
    const provider = createProvider({ cacheMs: 0 })
    assert.equal(await reason(provider, first), 'authentic')
    assert.equal(await reason(provider, first), 'authentic')
    assert.equal(keyServer.state.asked, 2)
  })

  it('has one request in flight, however many callbacks wait for it', async () => {
    const provider = createProvider()
    keyServer.hold()
    const waiting = Array.from({ length: 20 }, () => reason(provider, first))
    await new Promise<void>((resolve) => {
      const look = () => (keyServer.state.asked > 0 ? resolve() : setImmediate(look))
      look()
    })
    keyServer.letGo()
    assert.deepEqual(new Set(await Promise.all(waiting)), new Set(['authentic']))
    assert.equal(keyServer.state.asked, 1)
  })

  it('finds a new key after a rotation, and says which key it was', async () => {
    const provider = createProvider({ coolDownMs: 0 })
    const old = await callBack(provider, first)
    keyServer.state.keys = [second, first]
    const fresh = await callBack(provider, second)
    assert.ok(old.outcome === 'authentic' && fresh.outcome === 'authentic')
    assert.deepEqual(provider.keyIds(), [fresh.keyId, old.keyId])
    assert.equal(await reason(provider, first), 'authentic')
    keyServer.state.keys = [second]
    assert.equal(await reason(provider, stranger), 'key-unknown')
    assert.equal(await reason(provider, first), 'key-unknown', 'what was taken away is gone')
  })

  it('within the cool-down an unknown key may be a newer one: come again, and no request', async () => {
    const provider = createProvider({ coolDownMs: 60_000 })
    assert.equal(await reason(provider, first), 'authentic')
    for (let i = 0; i < 3; i++) assert.equal(await reason(provider, second), 'keys-not-loaded')
    assert.equal(keyServer.state.asked, 1)
  })

  it('an unknown key after a fetch for this very callback is refused', async () => {
    assert.equal(await reason(createProvider(), stranger), 'key-unknown')
    const provider = createProvider({ coolDownMs: 0 })
    assert.equal(await reason(provider, first), 'authentic')
    assert.equal(await reason(provider, stranger), 'key-unknown')
  })

  it('a fetch that was under way already proves no key unknown: the set may have been written before the key', async () => {
    const provider = createProvider({ coolDownMs: 0 })
    keyServer.hold()
    const forged = reason(provider, stranger)
    await until('the request', async () => keyServer.state.asked > 0)
    const genuine = reason(provider, second)
    keyServer.letGo()
    assert.deepEqual(await Promise.all([forged, genuine]), ['key-unknown', 'keys-not-loaded'])
    keyServer.state.keys = [second, first]
    assert.equal(await reason(provider, second), 'authentic')
  })

  it('a known key id under another key is a wrong signature', async () => {
    const provider = createProvider()
    assert.equal(await reason(provider, stranger, now, 'first'), 'signature-wrong')
    assert.equal(await reason(provider, stranger, now, 'first'), 'signature-wrong')
    assert.equal(keyServer.state.asked, 1)
  })

  it('without a key id every fitting key is tried, and newer ones are looked for', async () => {
    keyServer.state.keys = [first, second]
    const provider = createProvider({ coolDownMs: 0 })
    assert.equal(await reason(provider, second, now, ''), 'authentic')
    const third = makePair('third')
    keyServer.state.keys = [first, third]
    assert.equal(await reason(provider, third, now, ''), 'authentic')
    assert.equal(await reason(provider, stranger, now, ''), 'signature-wrong')
    const cooling = createProvider({ coolDownMs: 60_000 })
    assert.equal(await reason(cooling, first, now, ''), 'authentic')
    assert.equal(await reason(cooling, second, now, ''), 'keys-not-loaded')
  })

  it('a server that is away, or answers with anything but keys, is never a 401', async () => {
    const answers: [number, string | undefined][] = [
      [500, undefined],
      [404, undefined],
      [200, 'no json'],
      [200, '{"keys":7}'],
      [302, undefined],
    ]
    for (const [status, text] of answers) {
      keyServer.state.status = status
      keyServer.state.text = text
      assert.equal(await reason(createProvider(), first), 'keys-not-loaded', `${status} ${text}`)
    }
    await keyServer.stop()
    assert.equal(await reason(createProvider(), first), 'keys-not-loaded')
    await keyServer.start()
  })

  it('a server that is away is asked once a second and not for each callback; then it is found again', async () => {
    const provider = createProvider({ coolDownMs: 0 })
    keyServer.state.status = 503
    for (const at of [0, 10, 999]) assert.equal(await reason(provider, first, now + at), 'keys-not-loaded')
    assert.equal(keyServer.state.asked, 1)
    keyServer.state.status = 200
    assert.equal(await reason(provider, first, now + 1_000), 'authentic')
    assert.equal(keyServer.state.asked, 2)
    keyServer.state.status = 503
    assert.equal(await reason(provider, second, now + 2_000), 'keys-not-loaded')
    assert.equal(await reason(provider, second, now + 2_500), 'keys-not-loaded')
    assert.equal(await reason(provider, first, now + 2_600), 'authentic', 'what is known goes on')
    assert.equal(keyServer.state.asked, 3)
  })
})
