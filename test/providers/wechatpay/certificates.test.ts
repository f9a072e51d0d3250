import assert from 'node:assert/strict'
import { verify as verifySignature } from 'node:crypto'
import type { AccountProvider, Verification } from '../../../src/providers/provider.ts'
import { type CertificateLoad, fetchCertificates } from '../../../src/providers/wechatpay/certificates.ts'
import { createWechatpay } from '../../../src/providers/wechatpay/index.ts'
import {
  createPlatformKeys,
  defaultTimes,
  type PlatformKeysDeps,
} from '../../../src/providers/wechatpay/platform-keys.ts'
import { silentLogger } from '../../../src/telemetry/logger.ts'
import { createMemoryLogger } from '../../support/log.ts'
import { until } from '../../support/until.ts'
import {
  type Certificate,
  type CertificateServer,
  describePayout,
  fetchingAccount,
  fixture,
  merchantPublicKey,
  newCertificate,
  now,
  oldCertificate,
  olderApiV3Key,
  outboundTo,
  publicKeyId,
  sendList,
  signedBody,
  startCertificateServer,
  strangerKey,
} from '../../support/wechatpay.ts'

describe('wechatpay certificates', () => {
  let server: CertificateServer
  let time: number
  const started: { stop?(): Promise<void> }[] = []
  beforeEach(async () => {
    server = await startCertificateServer()
    time = now
  })
  afterEach(async () => {
    for (const part of started.splice(0)) await part.stop?.()
    server.close()
  })

  const deps = (baseUrl = server.baseUrl) => ({
    fetch: outboundTo(baseUrl),
    clock: () => time,
    randomBytes: (count: number) => new Uint8Array(count).fill(0xab),
    logger: silentLogger,
  })

  function load(
    account = fetchingAccount(server.baseUrl),
    held: Certificate[] = [],
  ): Promise<CertificateLoad> {
    const findHeld = (serial: string) => held.find((key) => key.serial === serial)
    const { credentials } = account
    return fetchCertificates({ ...deps(), account, credentials }, findHeld, new AbortController().signal)
  }

  async function failure(): Promise<string> {
    const answer = await load()
    return answer.outcome === 'failed' ? answer.reason : answer.outcome
  }

  describe('a list', () => {
    it('is asked for with a signed request', async () => {
      await load()
      const [request] = server.requests
      assert.equal(request?.url, 'GET /v3/certificates')
      const authorization = request?.headers.authorization ?? ''
      const [, signature = ''] = /signature="([^"]+)"/.exec(authorization) ?? []
      assert.equal(
        authorization.replace(signature, '…'),
        'WECHATPAY2-SHA256-RSA2048 mchid="1900000001",nonce_str="ABABABABABABABABABABABABABABABAB",' +
          `timestamp="${now / 1000}",serial_no="408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB",signature="…"`,
      )
      const signed = `GET\n/v3/certificates\n${now / 1000}\n${'AB'.repeat(16)}\n\n`
      assert.ok(
        verifySignature('sha256', Buffer.from(signed), merchantPublicKey, Buffer.from(signature, 'base64')),
      )
      assert.equal(request?.headers.accept, 'application/json')
    })

    it('proves itself by a certificate that it brings, when none is held yet', async () => {
      const answer = await load()
      assert.ok(answer.outcome === 'loaded')
      assert.deepEqual(
        answer.keys.map(({ serial, valid }) => ({ serial, valid })),
        [oldCertificate, newCertificate].map(({ serial, valid }) => ({ serial, valid })),
      )
    })

    it('proves itself by a key that is held', async () => {
      server.respond = (res) => sendList(res, { certificates: [newCertificate], signedBy: oldCertificate })
      assert.equal((await load()).outcome, 'failed')
      assert.equal((await load(undefined, [oldCertificate])).outcome, 'loaded')
    })

    it('opens under an older APIv3 key as well', async () => {
      server.respond = (res) => sendList(res, { apiV3Key: olderApiV3Key })
      assert.equal((await load()).outcome, 'loaded')
    })

    it('that is empty is one', async () => {
      server.respond = (res) => sendList(res, { certificates: [], signedBy: oldCertificate })
      assert.deepEqual(await load(undefined, [oldCertificate]), { outcome: 'loaded', keys: [] })
    })

    it('is not there in public-key mode, which is no failure', async () => {
      server.respond = (res) =>
        res.writeHead(404).end('{"code":"RESOURCE_NOT_EXISTS","message":"无可用的平台证书"}')
      assert.deepEqual(await load(), { outcome: 'public-key-mode' })
    })

    const strange = { serial: newCertificate.serial, privateKey: strangerKey }
    const bad: [string, (server: CertificateServer) => void, RegExp][] = [
      [
        'signed by a stranger',
        (s) => {
          s.respond = (res) => sendList(res, { signedBy: strange })
        },
        /not believed \(signature-wrong\)/,
      ],
      [
        'signed by a certificate that nobody has',
        (s) => {
          s.respond = (res) => sendList(res, { certificates: [oldCertificate] })
        },
        /not believed \(key-unknown\)/,
      ],
      [
        'that is old',
        (s) => {
          s.respond = (res) => sendList(res, { at: now - 300_000 })
        },
        /not believed \(outside-window\)/,
      ],
      [
        'that was changed on the way',
        (s) => {
          s.respond = (res) => sendList(res, { tamper: (text) => text.replace('{"data"', '{ "data"') })
        },
        /not believed \(signature-wrong\)/,
      ],
      [
        'encrypted under another key',
        (s) => {
          s.respond = (res) => sendList(res, { apiV3Key: Buffer.alloc(32, 1) })
        },
        /No APIv3 key/,
      ],
      [
        'that names one certificate and brings another',
        (s) => {
          const crossed = { serial: newCertificate.serial, pem: oldCertificate.pem }
          s.respond = (res) => sendList(res, { certificates: [newCertificate, crossed] })
        },
        /no RSA certificate of the serial/,
      ],
      [
        'with a weak certificate',
        (s) => {
          const weak = { serial: '5F0E1D2C3B4A59687786A5B4C3D2E1F001122334', pem: fixture('weak.cert.pem') }
          s.respond = (res) => sendList(res, { certificates: [newCertificate, weak] })
        },
        /no RSA certificate of the serial/,
      ],
      [
        'with what is no certificate',
        (s) => {
          s.respond = (res) => sendList(res, { certificates: [{ serial: 'AB', pem: 'hello' }] })
        },
        /no RSA certificate/,
      ],
      [
        'without a signature',
        (s) => {
          s.respond = (res) => res.end('{"data":[]}')
        },
        /not believed \(timestamp-missing\)/,
      ],
      [
        'of another form',
        (s) => {
          s.respond = (res) => res.end('{"data":{}}')
        },
        /not of a form that is known/,
      ],
      [
        'that is refused',
        (s) => {
          s.respond = (res) => res.writeHead(401).end('{"code":"SIGN_ERROR","message":"secret words"}')
        },
        /^WeChat Pay answered 401 SIGN_ERROR\.$/,
      ],
      [
        'behind a 404 of somebody else',
        (s) => {
          s.respond = (res) => res.writeHead(404).end('<html>')
        },
        /^WeChat Pay answered 404\.$/,
      ],
      [
        'behind a redirect',
        (s) => {
          s.respond = (res) => res.writeHead(302, { location: 'http://127.0.0.1/' }).end()
        },
        /redirects are not followed/,
      ],
      [
        'that does not come',
        (s) => {
          s.respond = (res) => res.destroy()
        },
        /gave no answer/,
      ],
    ]
    for (const [title, misbehave, expected] of bad) {
      it(`${title} is thrown away whole`, async () => {
        misbehave(server)
        assert.match(await failure(), expected)
      })
    }
  })

  describe('an account that fetches', () => {
    const body = describePayout()

    function open(fields: object = {}): AccountProvider {
      const provider = createWechatpay({ ...fetchingAccount(server.baseUrl), ...fields }, deps())
      started.push(provider)
      return provider
    }

    async function receive(
      provider: AccountProvider,
      { privateKey, serial }: Pick<Certificate, 'privateKey' | 'serial'>,
    ): Promise<string> {
      const callback = await signedBody(body, { privateKey, serial, at: time })
      const verification: Verification = await provider.verify({
        path: '/callbacks/wx-test',
        header: (name) => callback.headers[name],
        body: Buffer.from(body),
        now: time,
      })
      return verification.outcome === 'refused' ? verification.reason : verification.outcome
    }

    it('loads at the start, and then verifies without asking', async () => {
      const provider = open()
      await provider.start?.()
      assert.deepEqual(provider.keyIds(), [oldCertificate.serial, newCertificate.serial])
      for (const key of [oldCertificate, newCertificate])
        assert.equal(await receive(provider, key), 'authentic')
      assert.equal(server.requests.length, 1)
    })

    it('asks once for a serial that it does not know, and the callback waits for the answer', async () => {
      server.respond = (res) => sendList(res, { certificates: [oldCertificate], signedBy: oldCertificate })
      const provider = open()
      await provider.start?.()
      server.respond = (res) => sendList(res, {})
      time += 61_000
      server.respond = (res) => sendList(res, { at: time })
      assert.deepEqual(await Promise.all([1, 2, 3].map(() => receive(provider, newCertificate))), [
        'authentic',
        'authentic',
        'authentic',
      ])
      assert.equal(server.requests.length, 2)
    })

    it('refuses what a fresh list does not have, and forged serials make it ask no more than once a minute', async () => {
      server.respond = (res) =>
        sendList(res, { certificates: [oldCertificate], signedBy: oldCertificate, at: time })
      const provider = open()
      for (let i = 0; i < 50; i++) {
        assert.equal(await receive(provider, { privateKey: strangerKey, serial: `AB${i}` }), 'key-unknown')
      }
      assert.equal(server.requests.length, 1)
      time += 60_000
      assert.equal(await receive(provider, { privateKey: strangerKey, serial: 'AB' }), 'key-unknown')
      assert.equal(server.requests.length, 2)
    })

    it('tells a callback to come again while the list cannot be had, and asks again after a pause', async () => {
      server.respond = (res) => res.writeHead(500).end()
      const provider = open()
      for (let i = 0; i < 5; i++) assert.equal(await receive(provider, newCertificate), 'keys-not-loaded')
      assert.equal(server.requests.length, 1)
      server.respond = (res) => sendList(res, { at: time })
      assert.equal(await receive(provider, newCertificate), 'keys-not-loaded', 'in the pause')
      time += 10_000
      assert.equal(await receive(provider, newCertificate), 'authentic')
      assert.equal(server.requests.length, 2)
    })

    it('a list that fails takes nothing away that is held', async () => {
      const provider = open()
      await provider.start?.()
      time += 61_000
      server.respond = (res) => sendList(res, { signedBy: { ...newCertificate, privateKey: strangerKey } })
      assert.equal(await receive(provider, { privateKey: strangerKey, serial: 'AB' }), 'keys-not-loaded')
      assert.equal(await receive(provider, newCertificate), 'authentic')
    })

    it('a clock that was set back does not stop it from asking', async () => {
      const provider = open()
      await provider.start?.()
      time -= 24 * 3600_000
      server.respond = (res) => sendList(res, { at: time })
      assert.equal(await receive(provider, { privateKey: strangerKey, serial: 'AB' }), 'key-unknown')
      assert.equal(server.requests.length, 2)
    })

    it('in public-key mode refuses unknown certificates, and never asks for a public key', async () => {
      server.respond = (res) => res.writeHead(404).end('{"code":"RESOURCE_NOT_EXISTS"}')
      const provider = open()
      await provider.start?.()
      assert.equal(await receive(provider, { privateKey: strangerKey, serial: 'AB' }), 'key-unknown')
      time += 3600_000
      assert.equal(await receive(provider, { privateKey: strangerKey, serial: publicKeyId }), 'key-unknown')
      assert.equal(server.requests.length, 1)
    })

    it('does not believe a certificate that is not valid yet', async () => {
      const provider = open()
      time = (newCertificate.valid?.from ?? 0) - 60_000
      const { serial, key } = oldCertificate
      const held = open({ platformKeys: [{ serial, key }] })
      server.respond = (res) =>
        sendList(res, { at: time, certificates: [newCertificate], signedBy: oldCertificate })
      assert.equal(await receive(held, newCertificate), 'key-unknown')
      server.respond = (res) => sendList(res, { at: time })
      assert.equal(await receive(provider, newCertificate), 'keys-not-loaded', 'nor a list that it signed')
    })
  })

  describe('an account that cannot fetch', () => {
    it('refuses an unknown serial at once', async () => {
      const { credentials: _, ...account } = fetchingAccount(server.baseUrl)
      const provider = createWechatpay(account, deps())
      await provider.start?.()
      const { headers } = await signedBody('{}', newCertificate)
      const request = { path: '', header: (name: string) => headers[name], body: Buffer.from('{}'), now }
      const verification = provider.verify(request)
      assert.ok(!(verification instanceof Promise) && verification.outcome === 'refused')
      assert.equal(server.requests.length, 0)
    })
  })

  describe('in time', () => {
    const loaded: CertificateLoad = { outcome: 'loaded', keys: [oldCertificate] }

    function open(fields: Partial<PlatformKeysDeps>) {
      const keys = createPlatformKeys({ configured: [], clock: Date.now, logger: silentLogger, ...fields })
      started.push(keys)
      return keys
    }

    it('comes again by itself, sooner after a failure', async () => {
      let asked = 0
      const answers: CertificateLoad[] = [loaded, { outcome: 'failed', reason: 'x' }]
      const keys = open({
        load: async () => answers[asked++ % 2] ?? loaded,
        times: { refreshMs: 1, retryMs: 1 },
      })
      await keys.start()
      await until('several loads', () => asked >= 5)
      await keys.stop()
      const after = asked
      await keys.stop()
      assert.equal(asked, after)
    })

    it('is well within the twelve hours that WeChat Pay asks for, and a callback waits within its budget', () => {
      assert.ok(defaultTimes.refreshMs <= 6 * 3600_000)
      const { budgetMs } = createWechatpay(fetchingAccount(server.baseUrl), deps())
      assert.ok(defaultTimes.patienceMs < budgetMs - 1_000)
    })

    it('does not hold up the start, nor a callback, and says so', async () => {
      const logger = createMemoryLogger()
      const load: PlatformKeysDeps['load'] = (_, signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve({ outcome: 'failed', reason: 'stopped' }))
        })
      const keys = open({ load, logger, times: { startMsMax: 5, patienceMs: 5 } })
      await keys.start()
      assert.deepEqual(
        logger.lines.map(({ level, event }) => `${level} ${event}`),
        ['warn certificates.not-loaded'],
      )
      assert.deepEqual(await keys.find('AB'), { outcome: 'not-loaded' })
      await keys.stop()
      assert.equal(logger.lines.length, 1, 'a stop is no failure')
    })
  })
})
