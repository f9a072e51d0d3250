import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { type Config, loadConfig, summarise } from '../../src/config/config.ts'
import { AppError } from '../../src/domain/errors.ts'

const rsaPair = (bits = 2048) => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: bits })
  return {
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}
const provider = rsaPair()
const merchant = rsaPair()
const elliptic = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

type Draft = Record<string, unknown>

describe('configuration of a zenospay account that calls', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tallyhook-config-'))
    writeFileSync(join(folder, 'zeno.key.pem'), merchant.privatePem)
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  function load(fields: Draft): Config {
    const file = join(folder, 'tallyhook.yaml')
    const account = {
      id: 'zeno-main',
      provider: 'zenospay',
      partnerId: 'client-key',
      providerPublicKeys: [provider.publicPem],
      currency: 'IDR',
      ...fields,
    }
    const content = {
      accounts: [account],
      api: { tokens: [{ id: 'ledger', sha256: 'ab'.repeat(32), scopes: ['transfers:read'] }] },
      seal: {
        keys: [{ id: 'k1', key: randomBytes(32).toString('base64') }],
        indexKey: randomBytes(32).toString('base64'),
      },
    }
    writeFileSync(file, stringify(content))
    return loadConfig(
      { TALLYHOOK_CONFIG: file, TALLYHOOK_DATA_DIR: folder, ZENO_KEY: merchant.privatePem },
      false,
    )
  }

  function read(fields: Draft) {
    const [settings] = load(fields).accounts
    assert.ok(settings?.provider === 'zenospay')
    return settings
  }

  function refusal(fields: Draft): string {
    try {
      load(fields)
    } catch (error) {
      assert.ok(error instanceof AppError && error.code === 'invalid-configuration', String(error))
      assert.ok(!error.detail.includes(merchant.privatePem.slice(40, 80)))
      return error.detail.replace('accounts[0].', '')
    }
    assert.fail('It was accepted.')
  }

  const calling = { merchantPrivateKey: { file: 'zeno.key.pem' }, baseUrl: 'https://api.zenospay.example/' }

  it('only listens without credentials', () => {
    const { credentials, paused } = read({})
    assert.deepEqual([credentials, paused], [undefined, false])
  })

  it('takes the key as a file, a variable or a literal, and never says it', () => {
    for (const merchantPrivateKey of [{ file: 'zeno.key.pem' }, { env: 'ZENO_KEY' }, merchant.privatePem]) {
      const { credentials } = read({ ...calling, merchantPrivateKey })
      assert.equal(
        credentials?.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
        merchant.privatePem,
      )
    }
    assert.ok(!JSON.stringify(summarise(load(calling))).includes('PRIVATE'))
  })

  it('takes an origin, and says how a GET is signed', () => {
    const { credentials } = read(calling)
    assert.deepEqual(
      [credentials?.baseUrl, credentials?.getPayload],
      ['https://api.zenospay.example', 'empty'],
    )
    assert.equal(read({ ...calling, getPayload: 'braces' }).credentials?.getPayload, 'braces')
    assert.equal(
      read({ ...calling, baseUrl: 'http://127.0.0.1:8099' }).credentials?.baseUrl,
      'http://127.0.0.1:8099',
    )
  })

  it('asks sooner than other providers do, unless it is told when', () => {
    assert.deepEqual(read({}).watch, {
      firstMs: 20_000,
      everyMs: 60_000,
      overdueMs: 60 * 60_000,
      giveUpMs: 7 * 86_400_000,
    })
    assert.equal(read({ watch: { firstAfterSeconds: 5 } }).watch.firstMs, 5_000)
  })

  const together = /It is required: merchantPrivateKey and baseUrl go together\.$/
  const cases: [string, Draft, RegExp][] = [
    [
      'a key without an address',
      { merchantPrivateKey: merchant.privatePem },
      new RegExp(`^baseUrl: ${together.source}`),
    ],
    [
      'an address without a key',
      { baseUrl: calling.baseUrl },
      new RegExp(`^merchantPrivateKey: ${together.source}`),
    ],
    [
      'a word on GET without either',
      { getPayload: 'empty' },
      new RegExp(`^merchantPrivateKey: ${together.source}`),
    ],
    [
      'a partner id that no header can hold',
      { partnerId: 'client\nkey' },
      /^partnerId: It must be one line of printable ASCII\.$/,
    ],
    [
      'another word on GET',
      { ...calling, getPayload: 'null' },
      /^getPayload: It must be one of: empty, braces, brackets, none\.$/,
    ],
    [
      'a short key',
      { ...calling, merchantPrivateKey: rsaPair(1024).privatePem },
      /^merchantPrivateKey: The RSA key has 1024 bits/,
    ],
    [
      'a key that is not RSA',
      { ...calling, merchantPrivateKey: elliptic },
      /^merchantPrivateKey: It is not an RSA key/,
    ],
    [
      'a public key',
      { ...calling, merchantPrivateKey: merchant.publicPem },
      /^merchantPrivateKey: It is not a private key/,
    ],
    [
      'a file that is not there',
      { ...calling, merchantPrivateKey: { file: 'no.pem' } },
      /^merchantPrivateKey: The file .* cannot be read/,
    ],
    [
      'a path in the address',
      { ...calling, baseUrl: 'https://api.zenospay.example/api' },
      /^baseUrl: It must be an origin alone/,
    ],
    [
      'plain http',
      { ...calling, baseUrl: 'http://api.zenospay.example' },
      /^baseUrl: It must begin with https/,
    ],
    ['what is another provider’s', { ...calling, serialNo: 'AB' }, /^serialNo: This setting is not known/],
  ]
  for (const [title, fields, expected] of cases) {
    it(`refuses ${title}`, () => assert.match(refusal(fields), expected))
  }
})
