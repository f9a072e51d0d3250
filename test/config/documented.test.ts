/** What docs/configuration.md shows is copied by whoever begins, so it has to start as it stands. */
import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parse, stringify } from 'yaml'
import { callsSchema, watchSchema } from '../../src/config/accounts/sending.ts'
import { type Config, loadConfig } from '../../src/config/config.ts'

const text = readFileSync('docs/configuration.md', 'utf8')
const blocks = [...text.matchAll(/```yaml\n(.*?)```/gs)].map(([, block = '']) => block)

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const publicPem = rsa.publicKey.export({ type: 'spki', format: 'pem' })
const privatePem = rsa.privateKey.export({ type: 'pkcs8', format: 'pem' })

const env = {
  WX_APIV3_KEY: randomBytes(16).toString('hex'),
  ACME_SECRET: randomBytes(24).toString('base64'),
  ACME_AUTHORIZATION: 'Bearer of-something',
  OIDC_SECRET: randomBytes(24).toString('base64'),
  SECRET: randomBytes(24).toString('base64'),
  WHSEC: `whsec_${randomBytes(24).toString('base64')}`,
  TOKEN: randomBytes(24).toString('hex'),
  TALLYHOOK_SEAL_KEY: randomBytes(32).toString('base64'),
  TALLYHOOK_INDEX_KEY: randomBytes(32).toString('base64'),
}

interface File extends Record<string, unknown> {
  accounts: Record<string, unknown>[]
}

describe('the examples of docs/configuration.md', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'tallyhook-config-'))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  const find = (sign: string) =>
    blocks.find((block) => block.includes(sign)) ?? assert.fail(`No example has ${sign}`)
  const whole = () => parse(find('\nseal:').replaceAll('<hex>', 'ab'.repeat(32))) as File
  const generic = () => (parse(find('provider: generic')) as File).accounts[0] ?? assert.fail()

  /** With every key file that it names. */
  function load(file: File): Config {
    const path = join(folder, 'tallyhook.yaml')
    const content = stringify(file)
    for (const [, name = ''] of content.matchAll(/file: (\S+\.pem)/g)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name), name.endsWith('.pub.pem') ? publicPem : privatePem)
    }
    writeFileSync(path, content)
    return loadConfig({ ...env, TALLYHOOK_CONFIG: path, TALLYHOOK_DATA_DIR: folder }, false)
  }

  it('signs in by OpenID Connect', () => {
    const { ops } = parse(find('oidc:')) as File
    const { oidc } = load({ ...whole(), ops } as File).ops
    assert.equal(oidc?.clientSecret, env.OIDC_SECRET)
    assert.deepEqual(oidc?.scopes, ['openid', 'profile'])
    assert.deepEqual(oidc?.roles, { viewer: ['support'], operator: ['payments-ops'], admin: ['platform'] })
  })

  it('start as they stand', () => {
    const { accounts } = load(whole())
    assert.deepEqual(
      accounts.map(({ id }) => id),
      ['zeno-main', 'wx-sp'],
    )
  })

  it('of a generic account, alone and with its query', () => {
    const { query } = parse(find('query:')) as { query: unknown }
    for (const account of [generic(), { ...generic(), query }]) load({ ...whole(), accounts: [account] })
  })

  it('of how others verify', () => {
    const recipes = find('# Stripe').match(/^verify: .*$/gm) ?? []
    assert.equal(recipes.length, 5)
    for (const recipe of recipes) load({ ...whole(), accounts: [{ ...generic(), ...parse(recipe) }] })
  })

  it('name every setting of watching and calling', () => {
    const ofWatch = Object.keys(watchSchema.shape).map((name) => `watch.${name}`)
    const ofCalls = Object.keys(callsSchema.shape).map((name) => `calls.${name}`)
    for (const name of [...ofWatch, ...ofCalls]) assert.ok(text.includes(`| \`${name}\` |`), name)
  })
})
