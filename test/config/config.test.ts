import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { type Config, loadConfig, summarise } from '../../src/config/config.ts'
import { AppError } from '../../src/domain/errors.ts'

const publicPem = (bits = 2048) =>
  generateKeyPairSync('rsa', { modulusLength: bits })
    .publicKey.export({ type: 'spki', format: 'pem' })
    .toString()
const goodKey = publicPem()
const sealKey = randomBytes(32).toString('base64')
const indexKey = randomBytes(32).toString('base64')

type Draft = Record<string, unknown>

function zenospayOf({ accounts: [account] }: Config) {
  return account?.provider === 'zenospay' ? account : undefined
}

describe('configuration', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tallyhook-config-'))
    writeFileSync(join(folder, 'zeno.pub.pem'), goodKey)
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const account = (fields: Draft = {}): Draft => ({
    id: 'zeno-main',
    provider: 'zenospay',
    partnerId: 'client-key',
    providerPublicKeys: [{ file: 'zeno.pub.pem' }],
    currency: 'IDR',
    ...fields,
  })
  const draft = (fields: Draft = {}): Draft => ({
    accounts: [account()],
    api: { tokens: [{ id: 'ledger', sha256: 'ab'.repeat(32), scopes: ['transfers:read'] }] },
    seal: { keys: [{ id: 'k1', key: { env: 'SEAL' } }], indexKey: { env: 'INDEX' } },
    ...fields,
  })

  function load(content: Draft | string, env: NodeJS.ProcessEnv = {}): Config {
    const file = join(folder, 'tallyhook.yaml')
    writeFileSync(file, typeof content === 'string' ? content : stringify(content))
    return loadConfig(
      { TALLYHOOK_CONFIG: file, TALLYHOOK_DATA_DIR: folder, SEAL: sealKey, INDEX: indexKey, ...env },
      false,
    )
  }

  function refusal(content: Draft | string, env: NodeJS.ProcessEnv = {}): string {
    try {
      load(content, env)
    } catch (error) {
      assert.ok(error instanceof AppError, String(error))
      assert.equal(error.code, 'invalid-configuration')
      assert.ok(!error.detail.includes(sealKey))
      return error.detail
    }
    assert.fail('It was accepted.')
  }

  it('reads the file, its secrets and the defaults', () => {
    const config = load(draft())
    const zeno = zenospayOf(config)
    assert.equal(zeno?.toleranceMs, 300_000)
    assert.equal(zeno?.providerPublicKeys.length, 1)
    assert.match(zeno?.providerPublicKeys[0]?.id ?? '', /^[0-9a-f]{16}$/)
    assert.deepEqual(Buffer.from(config.seal.keys[0]?.key ?? []), Buffer.from(sealKey, 'base64'))
    assert.deepEqual(config.durability, { fsync: 'always', replicas: 0, onWeaker: 'refuse' })
    assert.deepEqual(config.quarantine, { keep: 1000, days: 30 })
    assert.deepEqual(load(draft({ quarantine: { days: 7 } })).quarantine, { keep: 1000, days: 7 })
    assert.equal(config.partitions, 8)
    assert.deepEqual(config.outbound, { allow: [], http: false })
    assert.equal(config.sandbox, undefined)
    assert.deepEqual([config.host, config.callbackPort, config.apiPort], ['127.0.0.1', 8080, 8081])
  })

  it('takes a secret as a file, a variable or a literal, and JSON for YAML', () => {
    const literal = draft({
      accounts: [account({ providerPublicKeys: [goodKey] })],
      seal: { keys: [{ id: 'k1', key: sealKey }], indexKey },
    })
    assert.equal(load(JSON.stringify(literal)).accounts.length, 1)
  })

  it('takes a certificate where a public key is wanted, and several keys', () => {
    const config = load(
      draft({ accounts: [account({ providerPublicKeys: [{ file: 'zeno.pub.pem' }, publicPem(3072)] })] }),
    )
    assert.equal(zenospayOf(config)?.providerPublicKeys.length, 2)
  })

  it('keeps what is settled for 90 days, and never for less than repeats are remembered', () => {
    const days = (count: number) => count * 86_400_000
    const retentionOf = (fields: Draft) => load(draft({ accounts: [account(fields)] })).accounts[0]?.retention
    assert.deepEqual(retentionOf({}), { finalMs: days(90), receiptMs: days(90) })
    assert.deepEqual(retentionOf({ duplicateWindowDays: 120 }), { finalMs: days(120), receiptMs: days(120) })
    assert.deepEqual(retentionOf({ retention: { finalDays: 400, receiptDays: 35 } }), {
      finalMs: days(400),
      receiptMs: days(35),
    })
    for (const name of ['finalDays', 'receiptDays']) {
      const said = refusal(draft({ accounts: [account({ retention: { [name]: 34 } })] }))
      assert.match(
        said,
        new RegExp(`^accounts\\[0\\]\\.retention\\.${name}: .*duplicateWindowDays, which is 35`),
      )
    }
    assert.equal(load(draft({ retention: { logDays: 10 } })).retention.logMs, days(10))
    const short = { retention: { logDays: 5 } }
    assert.equal(
      refusal(draft(short)),
      'deliveries.disableAfterHours: It must be less than retention.logDays (120 hours): events are delivered from the log.',
    )
    assert.match(
      refusal(draft({ ...short, deliveries: { retryHours: 120, disableAfterHours: 1 } })),
      /^deliveries\.retryHours: It must be less than retention\.logDays/,
    )
    const { deliveries } = load(draft({ ...short, deliveries: { retryHours: 119, disableAfterHours: 119 } }))
    assert.deepEqual([deliveries.retryMs, deliveries.disableAfterMs], [119 * 3_600_000, 119 * 3_600_000])
    assert.match(refusal(draft({ retention: { logDays: 0 } })), /^retention\.logDays: /)
  })

  it('is frozen to the bottom', () => {
    const config = load(draft())
    for (const change of [
      () => Object.assign(config, { host: 'x' }),
      () => Object.assign(config.accounts[0] ?? {}, { id: 'x' }),
    ]) {
      assert.throws(change, TypeError)
    }
  })

  it('shows a summary without any secret', () => {
    const said = JSON.stringify(summarise(load(draft())))
    assert.match(said, /zeno-main/)
    for (const secret of [sealKey, indexKey, 'client-key', 'ab'.repeat(32)]) assert.ok(!said.includes(secret))
  })

  describe('stops the start with one sentence that names the place', () => {
    const cases: [string, () => Draft | string, RegExp][] = [
      ['an unknown key at the top', () => draft({ acounts: [] }), /^acounts: This setting is not known\.$/],
      [
        'an unknown key within',
        () => draft({ accounts: [account({ partnerID: 'x' })] }),
        /^accounts\[0\]\.partnerID: This setting is not known\.$/,
      ],
      ['a quarantine of none', () => draft({ quarantine: { keep: 0 } }), /^quarantine\.keep: /],
      ['an empty file', () => '', /It is empty, or no mapping of settings\.$/],
      [
        'one seal key under two names',
        () => {
          const key = randomBytes(32).toString('base64')
          const keys = [
            { id: 'k1', key },
            { id: 'k2', key },
          ]
          return draft({ seal: { keys, indexKey: randomBytes(32).toString('base64') } })
        },
        /^seal\.keys\[1\]\.key: It is the same as k1\.$/,
      ],
      [
        'a seal key that is the index key',
        () => {
          const key = randomBytes(32).toString('base64')
          return draft({ seal: { keys: [{ id: 'k1', key }], indexKey: key } })
        },
        /^seal\.keys\[0\]\.key: It is the index key; each needs its own\.$/,
      ],
      [
        'fewer than no proxies',
        () => draft({ callbacks: { trustedProxies: -1 } }),
        /^callbacks\.trustedProxies: It must be 0 or more\.$/,
      ],
      ['no accounts', () => draft({ accounts: undefined }), /^accounts: It is required/],
      ['an empty list', () => draft({ accounts: [] }), /^accounts: It needs at least one/],
      [
        'a missing field',
        () => draft({ accounts: [account({ partnerId: undefined })] }),
        /^accounts\[0\]\.partnerId: It is required\.$/,
      ],
      [
        'a number for text',
        () => draft({ accounts: [account({ partnerId: 7 })] }),
        /^accounts\[0\]\.partnerId: .*in quotes/,
      ],
      [
        'a provider that is not there',
        () => draft({ accounts: [account({ provider: 'paypal' })] }),
        /^accounts\[0\]\.provider: /,
      ],
      [
        'an id that no URL could carry',
        () => draft({ accounts: [account({ id: 'Zeno/Main' })] }),
        /^accounts\[0\]\.id: /,
      ],
      [
        'two accounts of one name',
        () => draft({ accounts: [account(), account()] }),
        /^accounts\[1\]\.id: There are two/,
      ],
      [
        'a currency that is none',
        () => draft({ accounts: [account({ currency: 'ABC' })] }),
        /^accounts\[0\]\.currency: /,
      ],
      [
        'a missing file',
        () => draft({ accounts: [account({ providerPublicKeys: [{ file: 'none.pem' }] })] }),
        /^accounts\[0\]\.providerPublicKeys\[0\]: The file .*none\.pem cannot be read\.$/,
      ],
      [
        'a weak key',
        () => draft({ accounts: [account({ providerPublicKeys: [publicPem(1024)] })] }),
        /^accounts\[0\]\.providerPublicKeys\[0\]: The RSA key has 1024 bits; at least 2048 are needed\.$/,
      ],
      [
        'a key of another kind',
        () =>
          draft({
            accounts: [
              account({
                providerPublicKeys: [
                  generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString(),
                ],
              }),
            ],
          }),
        /It is not an RSA key/,
      ],
      [
        'a private key where the public belongs',
        () =>
          draft({
            accounts: [
              account({
                providerPublicKeys: [
                  generateKeyPairSync('rsa', { modulusLength: 2048 })
                    .privateKey.export({ type: 'pkcs8', format: 'pem' })
                    .toString(),
                ],
              }),
            ],
          }),
        /It is a private key/,
      ],
      [
        'no key at all',
        () => draft({ accounts: [account({ providerPublicKeys: ['hello'] })] }),
        /not a public key in PEM form/,
      ],
      [
        'a short seal key',
        () => draft({ seal: { keys: [{ id: 'k1', key: 'AAAA' }], indexKey } }),
        /^seal\.keys\[0\]\.key: It has 3 bytes; 32 are needed\.$/,
      ],
      [
        'a seal key of zeros',
        () => draft({ seal: { keys: [{ id: 'k1', key: Buffer.alloc(32).toString('base64') }], indexKey } }),
        /^seal\.keys\[0\]\.key: It is not random/,
      ],
      [
        'a seal key that is no base64',
        () => draft({ seal: { keys: [{ id: 'k1', key: '!' }], indexKey } }),
        /^seal\.keys\[0\]\.key: It is not base64\.$/,
      ],
      ['no seal', () => draft({ seal: undefined }), /^seal: It is required/],
      [
        'a token in the open',
        () => draft({ api: { tokens: [{ id: 'x', sha256: 'my-token', scopes: ['transfers:read'] }] } }),
        /^api\.tokens\[0\]\.sha256: It must be the SHA-256/,
      ],
      [
        'the digest of a word that everybody tries',
        () =>
          draft({
            api: {
              tokens: [
                {
                  id: 'x',
                  sha256: '057ba03d6c44104863dc7361fe4578965d1887360f90a0895882e58a6248fc86',
                  scopes: ['transfers:read'],
                },
              ],
            },
          }),
        /well-known word/,
      ],
      [
        'a scope that is none',
        () => draft({ api: { tokens: [{ id: 'x', sha256: 'ab'.repeat(32), scopes: ['all'] }] } }),
        /^api\.tokens\[0\]\.scopes\[0\]: /,
      ],
      [
        'an address where a network is wanted',
        () => draft({ outbound: { allow: ['10.0.0.0/8', '10.20.0.1'] } }),
        /^outbound\.allow\[1\]: It must be a network/,
      ],
      [
        'a network with too long a prefix',
        () => draft({ outbound: { allow: ['10.20.0.0/33'] } }),
        /^outbound\.allow\[0\]: It must be a network/,
      ],
      ['what is not YAML', () => 'accounts: [', /It is not YAML/],
      ['a secret that reads as an alias', () => 'seal: { indexKey: *k7Qw }', /An alias in it (?!.*k7Qw)/],
      ['a key that stands twice', () => 'accounts: []\naccounts: []\n', /It is not YAML: .*unique/],
      ['an empty file', () => '', /tallyhook\.yaml: /],
    ]
    for (const [title, content, expected] of cases) {
      it(title, () => assert.match(refusal(content()), expected))
    }

    it('a variable that is not set', () => {
      assert.equal(
        refusal(draft(), { SEAL: ' ' }),
        'seal.keys[0].key: The environment variable SEAL is not set.',
      )
    })
    it('a file that is not there', () => {
      assert.throws(
        () => loadConfig({ TALLYHOOK_CONFIG: '/nowhere.yaml' }, false),
        /TALLYHOOK_CONFIG: The file \/nowhere\.yaml cannot be read/,
      )
    })
    const environment: [NodeJS.ProcessEnv, RegExp][] = [
      [{ CALLBACK_PORT: '80x' }, /^CALLBACK_PORT: /],
      [{ API_PORT: '70000' }, /^API_PORT: /],
      [{ LOG_LEVEL: 'loud' }, /^LOG_LEVEL: /],
      [{ REDIS_URL: 'localhost:6379' }, /^REDIS_URL: It must begin with redis/],
    ]
    for (const [env, expected] of environment) {
      it(`an environment of ${JSON.stringify(env)}`, () => assert.match(refusal(draft(), env), expected))
    }
  })

  describe('sandbox mode', () => {
    it('makes its keys once, for the owner alone to read', () => {
      const first = loadConfig({ TALLYHOOK_DATA_DIR: folder }, false)
      const second = loadConfig({ TALLYHOOK_DATA_DIR: folder, TALLYHOOK_CONFIG: '  ' }, false)
      assert.ok(first.sandbox)
      assert.deepEqual(first.sandbox, second.sandbox)
      assert.equal(statSync(join(folder, 'sandbox.json')).mode & 0o077, 0)
      assert.equal(first.accounts[0]?.id, 'zeno-sandbox')
      assert.ok(!JSON.stringify(summarise(first)).includes(first.sandbox.apiToken))
    })

    it('says which file to remove when it cannot be read', () => {
      writeFileSync(join(folder, 'sandbox.json'), '{"half":')
      assert.throws(() => loadConfig({ TALLYHOOK_DATA_DIR: folder }, false), /sandbox\.json: .*remove it/)
    })
  })

  it('takes every variable of the environment that .env.example shows, and no other', async () => {
    const { environmentSchema } = await import('../../src/config/environment.ts')
    const example = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8')
    const shown = [...example.matchAll(/^#? ?([A-Z_]+)=/gm)].map(([, name]) => name).sort()
    assert.deepEqual(shown, Object.keys(environmentSchema.shape).sort())
  })

  it('refuses a sign-in by OpenID Connect that would not work, or not be safe', () => {
    const oidc = {
      issuer: 'https://login.example.com',
      clientId: 'tallyhook',
      redirectUrl: 'https://pay.example.com/ops/sign-in/oidc/callback',
      rolesClaim: 'groups',
      roles: { viewer: ['support'] },
    }
    assert.equal(load(draft({ ops: { oidc } })).ops.oidc?.nameClaim, 'sub')
    const wrong: [Draft, RegExp][] = [
      [{ issuer: 'http://login.example.com' }, /ops\.oidc\.issuer/],
      [{ issuer: 'https://a:b@login.example.com' }, /ops\.oidc\.issuer/],
      [{ redirectUrl: 'https://pay.example.com/callback' }, /ops\.oidc\.redirectUrl: It must end in/],
      [{ scopes: ['profile'] }, /ops\.oidc\.scopes/],
      [{ roles: {} }, /ops\.oidc\.roles: It names no role/],
      [{ roles: { king: ['x'] } }, /ops\.oidc\.roles\.king/],
      [{ clientSecret: { env: 'NO_SUCH' } }, /ops\.oidc\.clientSecret/],
      [{ clientId: '' }, /ops\.oidc\.clientId/],
    ]
    for (const [fields, message] of wrong)
      assert.match(refusal(draft({ ops: { oidc: { ...oidc, ...fields } } })), message)
  })
})
