import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { type Config, loadConfig, summarise } from '../../src/config/config.ts'
import { AppError } from '../../src/domain/errors.ts'
import { fixture, newCertificate, oldCertificate } from '../support/wechatpay.ts'

const pair = (bits = 2048) => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: bits })
  return {
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}
const keys = pair()
const weak = pair(1024)
const apiV3Key = randomBytes(16).toString('hex')
const seal = randomBytes(32).toString('base64')

type Draft = Record<string, unknown>

describe('configuration of a wechatpay account', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tallyhook-config-'))
    mkdirSync(join(folder, 'keys'))
    writeFileSync(join(folder, 'keys/wx.key.pem'), keys.privatePem)
    writeFileSync(join(folder, 'keys/wx.pub.pem'), keys.publicPem)
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const rest = {
    api: { tokens: [{ id: 'ledger', sha256: 'ab'.repeat(32), scopes: ['transfers:read'] }] },
    seal: { keys: [{ id: 'k1', key: seal }], indexKey: randomBytes(32).toString('base64') },
  }

  function load(content: string): Config {
    const file = join(folder, 'tallyhook.yaml')
    writeFileSync(file, `${content}\n${stringify(rest)}`)
    return loadConfig({ TALLYHOOK_CONFIG: file, TALLYHOOK_DATA_DIR: folder, WX_APIV3_KEY: apiV3Key }, false)
  }

  const account = (fields: Draft = {}): string =>
    stringify({
      accounts: [
        {
          id: 'wx',
          provider: 'wechatpay',
          mchid: '1900000001',
          apiV3Keys: [apiV3Key],
          platformKeys: { PUB_KEY_ID_01: keys.publicPem },
          currency: 'CNY',
          ...fields,
        },
      ],
    })

  function read(fields: Draft) {
    const [settings] = load(account(fields)).accounts
    assert.ok(settings?.provider === 'wechatpay')
    return settings
  }

  function refusal(fields: Draft): string {
    try {
      load(account(fields))
    } catch (error) {
      assert.ok(error instanceof AppError && error.code === 'invalid-configuration', String(error))
      for (const secret of [apiV3Key, keys.privatePem.slice(40, 80)])
        assert.ok(!error.detail.includes(secret))
      return error.detail.replace('accounts[0].', '')
    }
    assert.fail('It was accepted.')
  }

  it('takes the example of the documentation as it stands', () => {
    const config = load(`
accounts:
  - id: wx-sp
    provider: wechatpay
    mchid: "1900000001"
    serialNo: 408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB
    merchantPrivateKey: {file: keys/wx.key.pem}
    apiV3Keys: [{env: WX_APIV3_KEY}]   # the first is current; older ones still open older callbacks
    platformKeys: {PUB_KEY_ID_0114232134912410000000000000: {file: keys/wx.pub.pem}}
    baseUrl: https://api.mch.weixin.qq.com
    currency: CNY
`)
    const [settings] = config.accounts
    assert.ok(settings?.provider === 'wechatpay')
    assert.equal(settings.credentials?.baseUrl, 'https://api.mch.weixin.qq.com')
    assert.equal(settings.credentials?.serialNo, '408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB')
    assert.deepEqual(
      settings.platformKeys.map(({ serial }) => serial),
      ['PUB_KEY_ID_0114232134912410000000000000'],
    )
    assert.equal(Buffer.from(settings.apiV3Keys[0] ?? []).toString(), apiV3Key)
    assert.equal(settings.toleranceMs, 300_000)
    const said = JSON.stringify(summarise(config))
    assert.ok(said.includes('PUB_KEY_ID_0114232134912410000000000000') && !said.includes(apiV3Key))
  })

  it('takes public keys and certificates alike, by serial in whatever case', () => {
    const { platformKeys } = read({
      platformKeys: {
        PUB_KEY_ID_01: keys.publicPem,
        [oldCertificate.serial.toLowerCase()]: oldCertificate.pem,
        [`0${newCertificate.serial}`]: newCertificate.pem,
      },
    })
    assert.deepEqual(
      platformKeys.map(({ serial, valid }) => [serial, valid]),
      [
        ['PUB_KEY_ID_01', undefined],
        [oldCertificate.serial, oldCertificate.valid],
        [newCertificate.serial, newCertificate.valid],
      ],
    )
  })

  const credentials = { serialNo: 'AB', merchantPrivateKey: keys.privatePem, baseUrl: 'https://api.example' }

  it('needs a platform key, or all that it takes to fetch certificates', () => {
    assert.equal(read({ platformKeys: undefined, ...credentials }).platformKeys.length, 0)
    assert.equal(read({}).credentials, undefined)
    for (const missing of ['serialNo', 'merchantPrivateKey', 'baseUrl']) {
      assert.match(
        refusal({ platformKeys: {}, ...credentials, [missing]: undefined }),
        /^platformKeys: It needs a key, or serialNo/,
      )
    }
  })

  it('takes what certificates are fetched with as a whole or not at all', () => {
    const { serialNo, ...others } = credentials
    assert.match(
      refusal(others),
      /^serialNo: It is required: serialNo, merchantPrivateKey and baseUrl go together, to call/,
    )
    assert.match(refusal({ serialNo }), /^merchantPrivateKey: It is required/)
  })

  it('has WeChat Pay’s own spare host beside its own host, and another one where it is named', () => {
    const spareOf = (fields: Draft) => read({ ...credentials, ...fields }).credentials?.spareUrl
    assert.equal(spareOf({ baseUrl: 'https://api.mch.weixin.qq.com' }), 'https://api2.mch.weixin.qq.com')
    assert.equal(spareOf({}), undefined)
    assert.equal(spareOf({ spareUrl: 'https://spare.example/' }), 'https://spare.example')
    assert.equal(
      spareOf({ baseUrl: 'https://api.mch.weixin.qq.com', spareUrl: 'https://api2.wechatpay.cn' }),
      'https://api2.wechatpay.cn',
    )
    assert.match(refusal({ ...credentials, spareUrl: 'http://spare.example' }), /^spareUrl: It must begin/)
    assert.match(
      refusal({ ...credentials, spareUrl: 'https://api.example/' }),
      /^spareUrl: It is the baseUrl/,
    )
    assert.match(refusal({ spareUrl: 'https://spare.example' }), /^spareUrl: It stands beside baseUrl/)
  })

  it('asks about a batch once a minute, and gives up before WeChat Pay forgets it', () => {
    const hourMs = 3600_000
    assert.deepEqual(read({}).watch, {
      firstMs: 60_000,
      everyMs: 60_000,
      overdueMs: 24 * hourMs,
      giveUpMs: 25 * 24 * hourMs,
    })
    assert.deepEqual(read({ watch: { everySeconds: 60, firstAfterSeconds: 5 } }).watch.firstMs, 5_000)
  })

  it('refuses to ask more often, but for a server on loopback', () => {
    const watch = { everySeconds: 59 }
    const expected = /^watch\.everySeconds: It must be at least 60/
    assert.match(refusal({ watch }), expected)
    assert.match(refusal({ ...credentials, watch }), expected)
    const local = { ...credentials, baseUrl: 'http://127.0.0.1:8099', watch: { everySeconds: 1 } }
    assert.equal(read(local).watch.everyMs, 1_000)
  })

  it('takes plain http for loopback alone', () => {
    for (const [written, origin] of [
      ['http://127.0.0.1:8099', 'http://127.0.0.1:8099'],
      ['http://localhost:8099/', 'http://localhost:8099'],
      ['http://[::1]:8099', 'http://[::1]:8099'],
      ['https://api.mch.weixin.qq.com/', 'https://api.mch.weixin.qq.com'],
    ]) {
      assert.equal(read({ ...credentials, baseUrl: written }).credentials?.baseUrl, origin)
    }
    for (const written of [
      'http://api.example',
      'http://localhost.example',
      'http://10.0.0.1',
      'ftp://127.0.0.1',
    ]) {
      assert.match(refusal({ ...credentials, baseUrl: written }), /^baseUrl: It must/)
    }
    for (const written of [
      'https://api.example/v3',
      'https://user@api.example',
      'api.example',
      'https://a.example?b',
    ]) {
      assert.match(refusal({ ...credentials, baseUrl: written }), /^baseUrl: It must be an origin alone/)
    }
  })

  const cases: [string, Draft, RegExp][] = [
    ['no mchid', { mchid: undefined }, /^mchid: It is required\.$/],
    ['an mchid without quotes', { mchid: 1900000001 }, /^mchid: .*in quotes/],
    ['no APIv3 key', { apiV3Keys: undefined }, /^apiV3Keys: It is required/],
    ['an empty list of them', { apiV3Keys: [] }, /^apiV3Keys: It needs at least one/],
    [
      'one that is short',
      { apiV3Keys: [apiV3Key, 'abc'] },
      /^apiV3Keys\[1\]: It has 3 bytes; an APIv3 key has 32\.$/,
    ],
    ['one of 32 letters but more bytes', { apiV3Keys: ['密'.repeat(32)] }, /It has 96 bytes/],
    [
      'one of a single letter',
      { apiV3Keys: ['a'.repeat(32)] },
      /^apiV3Keys\[0\]: It is well known or repeats/,
    ],
    ['one that repeats itself', { apiV3Keys: ['0123456789abcdef'.repeat(2)] }, /well known or repeats/],
    ['one that counts', { apiV3Keys: ['12345678901234567890123456789012'] }, /well known or repeats/],
    [
      'one from a library’s tests',
      { apiV3Keys: ['a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb'] },
      /well known or repeats/,
    ],
    ['a currency without fen', { currency: 'USD' }, /^currency: It must be CNY/],
    [
      'a serial that is none',
      { platformKeys: { 'key-1': keys.publicPem } },
      /^platformKeys\.key-1: The serial must be/,
    ],
    [
      'a serial that stands twice',
      {
        platformKeys: {
          [oldCertificate.serial]: oldCertificate.pem,
          [oldCertificate.serial.toLowerCase()]: oldCertificate.pem,
        },
      },
      /^platformKeys\.[0-9a-f]+: The serial stands twice/,
    ],
    [
      'a public key under the serial of a certificate',
      { platformKeys: { AB: keys.publicPem } },
      /^platformKeys\.AB: It is a public key, whose serial is PUB_KEY_ID_ and digits\.$/,
    ],
    [
      'a certificate under another serial',
      { platformKeys: { [newCertificate.serial]: oldCertificate.pem } },
      /: The certificate has the serial 3A41/,
    ],
    [
      'a certificate for a public key',
      { platformKeys: { PUB_KEY_ID_01: oldCertificate.pem } },
      /^platformKeys\.PUB_KEY_ID_01: It is a certificate/,
    ],
    ['a weak public key', { platformKeys: { PUB_KEY_ID_01: weak.publicPem } }, /has 1024 bits/],
    [
      'a weak certificate',
      { platformKeys: { '5F0E1D2C3B4A59687786A5B4C3D2E1F001122334': fixture('weak.cert.pem') } },
      /has 1024 bits/,
    ],
    [
      'a private key for a public one',
      { platformKeys: { PUB_KEY_ID_01: keys.privatePem } },
      /It is a private key/,
    ],
    [
      'a weak merchant key',
      { merchantPrivateKey: weak.privatePem },
      /^merchantPrivateKey: The RSA key has 1024 bits/,
    ],
    [
      'a public key for the merchant’s',
      { merchantPrivateKey: keys.publicPem },
      /^merchantPrivateKey: It is not a private/,
    ],
    [
      'a serial of the merchant that is none',
      { serialNo: 'PUB_KEY_ID_01' },
      /^serialNo: It must be the serial/,
    ],
    ['a setting that is not known', { apiV3Key }, /^apiV3Key: This setting is not known\.$/],
  ]
  for (const [title, fields, expected] of cases) {
    it(`refuses ${title}`, () => assert.match(refusal(fields), expected))
  }
})
