import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { createProviders } from '../../src/compose/providers.ts'
import { describeTerms } from '../../src/compose/terms.ts'
import { type Config, loadConfig, summarise } from '../../src/config/config.ts'
import { AppError } from '../../src/domain/errors.ts'
import type { ConnectTo } from '../../src/providers/client.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'
import { acmeTranslate, acmeVerify, ec, ed, otherSecret, pemOf, rsa, secret } from '../support/generic.ts'

type Draft = Record<string, unknown>

/** As INTERFACE.md has it, without what comes later. */
const example = `
accounts:
  - id: acme
    provider: generic             # any other provider, by declaration alone
    verify: {scheme: hmac-sha256, header: x-signature, encoding: hex, prefix: "sha256=", signed: "{timestamp}.{body}", timestampHeader: x-timestamp, secrets: [{env: ACME_SECRET}]}
    translate: {reference: /data/ref, providerReference: /data/id, amount: /data/amount, currency: /data/currency, status: /data/status, occurredAt: /data/at,
                statuses: {paid: succeeded, rejected: failed, open: pending}}
    currency: EUR
api: {tokens: [{id: ledger, sha256: "${'ab'.repeat(32)}", scopes: [transfers:read]}]}
seal: {keys: [{id: k1, key: {env: SEAL}}], indexKey: {env: INDEX}}
`

const acmeQuery = {
  url: 'https://api.acme.example/payouts/{reference}',
  headers: { Authorization: { env: 'ACME_SECRET' } },
}

const acmePost = { method: 'POST', url: 'https://api.acme.example/find' }

const queryFaults: [string, Draft, string][] = [
  ['no url', { url: undefined }, 'url: It is required'],
  ['a url that is none', { url: 'payouts/{reference}' }, 'url: It must be a URL'],
  [
    'credentials in the url',
    { url: 'https://a:b@acme.example/{reference}' },
    'url: It must be a URL without',
  ],
  ['a fragment', { url: 'https://acme.example/{reference}#x' }, 'url: It must be a URL without'],
  ['another protocol', { url: 'ftp://acme.example/{reference}' }, 'url: It must be a URL'],
  ['plain http', { url: 'http://acme.example/{reference}' }, 'url: It must begin with https://'],
  ['the reference in the host', { url: 'https://{reference}.example/' }, 'url: \\{reference\\} may stand in'],
  ['the reference nowhere', { url: 'https://acme.example/payouts' }, 'url: It has to hold \\{reference\\}'],
  ['another variable', { url: 'https://acme.example/{reference}/{id}' }, 'url: It may hold \\{reference\\}'],
  ['a brace that is not closed', { url: 'https://acme.example/{reference}/{' }, 'url: It may hold'],
  ['another method', { method: 'PUT' }, 'method: '],
  ['a body of a GET', { body: '{"ref":"{reference}"}' }, 'body: A body belongs to method: POST'],
  ['a body that is not JSON', { ...acmePost, body: 'ref={reference}' }, 'body: It must be JSON'],
  ['the reference without quotes', { ...acmePost, body: '{"ref":{reference}}' }, 'body: It must be JSON'],
  ['the reference as a name', { ...acmePost, body: '{"{reference}":1}' }, 'body: It must be JSON'],
  [
    'a body of another type',
    { ...acmePost, headers: { 'content-type': 'text/xml' }, body: '<ref>{reference}</ref>' },
    'headers\\.content-type: It must be JSON or',
  ],
  ['a header of the request itself', { headers: { Host: 'other' } }, 'headers\\.Host: The request sets'],
  ['a header that is no name', { headers: { 'x y': '1' } }, 'headers\\.x y: It must be the name'],
  ['a header in two lines', { headers: { 'x-a': 'a\nb' } }, 'headers\\.x-a: It must be one line'],
  ['a header twice', { headers: { 'x-a': '1', 'X-A': '2' } }, 'headers\\.X-A: This header is given twice'],
  ['a header from nowhere', { headers: { 'x-a': { env: 'NOT_SET' } } }, 'headers\\.x-a: The environment'],
  ['a pointer that is none', { found: 'data' }, 'found: It must be a JSON Pointer'],
  ['401 as not found', { notFound: { statuses: [401] } }, 'notFound\\.statuses\\[0\\]: It says nothing'],
  ['500 as not found', { notFound: { statuses: [500] } }, 'notFound\\.statuses\\[0\\]: '],
  ['no statuses', { notFound: { statuses: [] } }, 'notFound\\.statuses: It needs at least one'],
  ['half a translation', { translate: { reference: '/ref' } }, 'translate\\.amount: It is required'],
  [
    'failure codes that stand nowhere',
    { translate: { ...acmeTranslate, failureCodes: { E1: 'unknown' } } },
    'translate\\.failureCodes: It says what the words',
  ],
  ['an unknown setting', { retries: 3 }, 'retries: This setting is'],
]

const providerDeps = { clock: Date.now, randomBytes, logger: silentLogger }

describe('configuration of a generic account', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tallyhook-generic-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const env = {
    ACME_SECRET: secret,
    SEAL: randomBytes(32).toString('base64'),
    INDEX: randomBytes(32).toString('base64'),
  }

  function load(content: Draft | string): Config {
    const file = join(folder, 'tallyhook.yaml')
    writeFileSync(file, typeof content === 'string' ? content : stringify(content))
    return loadConfig({ TALLYHOOK_CONFIG: file, TALLYHOOK_DATA_DIR: folder, ...env }, false)
  }

  const draft = (fields: Draft): Draft => ({
    accounts: [{ id: 'acme', provider: 'generic', currency: 'EUR', translate: acmeTranslate, ...fields }],
    api: { tokens: [{ id: 'ledger', sha256: 'ab'.repeat(32), scopes: ['transfers:read'] }] },
    seal: { keys: [{ id: 'k1', key: { env: 'SEAL' } }], indexKey: { env: 'INDEX' } },
  })
  const verifying = (verify: Draft) => draft({ verify })

  function refusal(content: Draft | string): string {
    try {
      load(content)
    } catch (error) {
      assert.ok(error instanceof AppError, String(error))
      assert.equal(error.code, 'invalid-configuration')
      for (const hidden of [secret, otherSecret, 'changeme']) assert.ok(!error.detail.includes(hidden))
      return error.detail
    }
    assert.fail('It was accepted.')
  }

  it('starts the example of the interface as it stands', () => {
    const config = load(example)
    const provider = createProviders(config, providerDeps).get('acme')
    assert.equal(provider?.provider, 'generic')
    assert.equal(provider?.budgetMs, 4_000)
    assert.deepEqual(provider?.accepted, {
      contentType: 'application/json; charset=utf-8',
      body: '{"ok":true}',
    })
    assert.equal(provider?.refused, undefined, 'problem details are its answer')
    assert.equal(provider?.keyIds().length, 1)
  })

  it('names keys without giving them away, and by the name that they are given', () => {
    const secrets = [{ env: 'ACME_SECRET' }, { file: 'acme.txt', id: 'next' }]
    writeFileSync(join(folder, 'acme.txt'), `${otherSecret}\n`)
    const config = load(verifying({ ...acmeVerify, secrets }))
    const ids = createProviders(config, providerDeps).get('acme')?.keyIds()
    assert.match(ids?.[0] ?? '', /^[0-9a-f]{12}$/)
    assert.equal(ids?.[1], 'next')
    const said = JSON.stringify(summarise(config))
    assert.ok(said.includes(ids?.[0] ?? '-'))
    for (const hidden of [secret, otherSecret]) assert.ok(!said.includes(hidden))
    assert.ok(!JSON.stringify(config.accounts).includes(secret), 'keys do not print')
  })

  it('reads secrets that are written in hex and base64', () => {
    for (const secretEncoding of ['hex', 'base64', 'base64url'] as const) {
      const written = Buffer.from(secret).toString(secretEncoding)
      const [account] = load(verifying({ ...acmeVerify, secrets: [written], secretEncoding })).accounts
      assert.ok(account?.provider === 'generic' && account.verify.scheme === 'hmac-sha256')
      assert.deepEqual(account.verify.keys[0]?.key.export(), Buffer.from(secret))
    }
  })

  it('reads how it is asked, without a word that prints its headers', () => {
    const config = load(draft({ verify: acmeVerify, query: acmeQuery }))
    const [account] = config.accounts
    assert.ok(account?.provider === 'generic' && account.query)
    const { headers, translate, ...rest } = account.query
    assert.deepEqual(rest, {
      method: 'GET',
      baseUrl: 'https://api.acme.example',
      path: ['/payouts/', ''],
      notFound: [404],
    })
    assert.deepEqual(translate, account.translate)
    assert.deepEqual(Object.keys(headers), ['accept', 'authorization'])
    assert.equal(headers.authorization?.export().toString(), secret)
    assert.ok(!JSON.stringify([config.accounts, summarise(config)]).includes(secret))
    assert.equal(createProviders(config, providerDeps).get('acme')?.client, undefined, 'nothing to call with')
    const connectTo: ConnectTo = () => async () => ({ outcome: 'unsent', because: 'In a test.' })
    const client = createProviders(config, { ...providerDeps, connectTo }).get('acme')?.client
    assert.deepEqual([...(client?.questions ?? [])], ['transfer'])
    const terms = describeTerms(config, new Map([['acme', { client }]])).get('acme')
    assert.equal(terms?.client, client, 'what the API may have asked is what the client says')
  })

  it('takes a form, JSON of any kind, and a provider on this machine', () => {
    const form = {
      ...acmePost,
      headers: { 'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8' },
    }
    for (const query of [
      { ...form, body: 'ref={reference}' },
      { ...acmePost, body: '{"find":[{"by":"ref","is":"#{reference}"}]}' },
      { ...acmePost, headers: { 'content-type': 'application/vnd.acme+json' }, body: '["{reference}"]' },
      { url: 'http://127.0.0.1:9000/{reference}?again={reference}' },
    ])
      load(draft({ verify: acmeVerify, query }))
  })

  it('takes unverified callbacks only from who says that he knows', () => {
    assert.deepEqual(
      createProviders(load(verifying({ scheme: 'none', iKnow: true })), providerDeps)
        .get('acme')
        ?.keyIds(),
      ['none'],
    )
  })

  describe('stops the start with one sentence that names the place', () => {
    const at = 'accounts\\[0\\]'
    const without = (name: string, from: Draft = acmeVerify) => ({ ...from, [name]: undefined })
    const jws = (fields: Draft) => verifying({ scheme: 'jws', algorithms: ['EdDSA'], ...fields })
    const edPem = pemOf(ed.publicKey)
    const weak = pemOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey)
    const translating = (fields: Draft) =>
      draft({ verify: acmeVerify, translate: { ...acmeTranslate, ...fields } })
    const cases: [string, Draft, string][] = [
      ['no verification', draft({}), `^${at}\\.verify: It is required: .*\\{scheme: none, iKnow: true\\}`],
      ['none without a word', verifying({ scheme: 'none' }), `^${at}\\.verify\\.iKnow: It must be true`],
      [
        'none with a no',
        verifying({ scheme: 'none', iKnow: false }),
        `^${at}\\.verify\\.iKnow: It must be true`,
      ],
      [
        'a scheme that is none',
        verifying({ scheme: 'md5' }),
        `^${at}\\.verify\\.scheme: It must be one of: hmac`,
      ],
      [
        'an unknown setting',
        verifying({ ...acmeVerify, secret: 'x' }),
        `^${at}\\.verify\\.secret: This setting is`,
      ],
      ['no secrets', verifying(without('secrets')), `^${at}\\.verify\\.secrets: It is required`],
      [
        'an empty list',
        verifying({ ...acmeVerify, secrets: [] }),
        `^${at}\\.verify\\.secrets: It needs at least`,
      ],
      [
        'a short secret',
        verifying({ ...acmeVerify, secrets: ['short'] }),
        `^${at}\\.verify\\.secrets\\[0\\]: It has 5 bytes; at least 16`,
      ],
      ['an empty secret', verifying({ ...acmeVerify, secrets: [''] }), `^${at}\\.verify\\.secrets\\[0\\]: `],
      [
        'a word that everybody tries',
        verifying({ ...acmeVerify, secrets: ['changeme-changeme'] }),
        `^${at}\\.verify\\.secrets\\[0\\]: It is easily guessed`,
      ],
      [
        'one letter again and again',
        verifying({ ...acmeVerify, secrets: ['x'.repeat(40)] }),
        `^${at}\\.verify\\.secrets\\[0\\]: It is easily guessed`,
      ],
      [
        'a secret that is there twice',
        verifying({ ...acmeVerify, secrets: [secret, secret] }),
        `^${at}\\.verify\\.secrets\\[1\\]: It is there twice`,
      ],
      [
        'a secret that is not what its encoding says',
        verifying({ ...acmeVerify, secretEncoding: 'hex' }),
        `^${at}\\.verify\\.secrets\\[0\\]: It is not hex`,
      ],
      [
        'a timestamp of any form that touches the body',
        verifying({ ...acmeVerify, signed: '{timestamp}{body}' }),
        `^${at}\\.verify\\.timestampFormat: It is required where`,
      ],
      [
        'a timestamp that is not signed',
        verifying({ ...acmeVerify, signed: '{body}' }),
        `^${at}\\.verify\\.timestampHeader: The timestamp is not part of what is signed`,
      ],
      [
        'a signed timestamp that stands nowhere',
        verifying(without('timestampHeader')),
        `^${at}\\.verify\\.signed: It holds \\{timestamp\\}`,
      ],
      [
        'a tolerance without a timestamp',
        verifying({ ...without('timestampHeader'), signed: '{body}', toleranceSeconds: 5 }),
        `^${at}\\.verify: Without a timestamp`,
      ],
      [
        'a named timestamp without a named signature',
        verifying({ ...without('timestampHeader'), timestampPart: 't' }),
        `^${at}\\.verify\\.timestampPart: It needs a signaturePart`,
      ],
      [
        'a timestamp in two places',
        verifying({ ...acmeVerify, timestampPart: 't', signaturePart: 'v1' }),
        `^${at}\\.verify\\.timestampPart: The timestamp stands in one place`,
      ],
      [
        'a body that is not signed',
        verifying({ ...acmeVerify, signed: '{timestamp}' }),
        `^${at}\\.verify\\.signed: It must hold \\{body\\}`,
      ],
      [
        'a part that nobody knows',
        verifying({ ...acmeVerify, signed: '{timestamp}{url}{body}' }),
        `^${at}\\.verify\\.signed: It holds text, \\{timestamp\\}`,
      ],
      [
        'a brace that is not closed',
        verifying({ ...acmeVerify, signed: '{timestamp}{body' }),
        `^${at}\\.verify\\.signed: It holds text`,
      ],
      [
        'a part that stands twice',
        verifying({ ...acmeVerify, signed: '{timestamp}{body}{body}' }),
        `^${at}\\.verify\\.signed: Each part`,
      ],
      [
        'a header that nothing sets apart',
        verifying({ ...acmeVerify, signed: '{timestamp}.{header:x-id}{body}' }),
        `^${at}\\.verify\\.signed: \\{header:x-id\\} must be set apart`,
      ],
      [
        'a separator that a signature may hold',
        verifying({ ...acmeVerify, separator: 'a' }),
        `^${at}\\.verify\\.separator: `,
      ],
      ...queryFaults.map(([title, fields, said]): [string, Draft, string] => [
        `a query with ${title}`,
        draft({ verify: acmeVerify, query: { ...acmeQuery, ...fields } }),
        `^${at}\\.query\\.${said}`,
      ]),
      [
        'a failure code that is not ours',
        draft({
          verify: acmeVerify,
          translate: { ...acmeTranslate, failureCode: '/code', failureCodes: { E1: 'declined' } },
        }),
        `^${at}\\.translate\\.failureCodes\\.E1: It must be one of: declined-by-provider, `,
      ],
      [
        'failure codes that stand nowhere',
        draft({ verify: acmeVerify, translate: { ...acmeTranslate, failureCodes: { E1: 'expired' } } }),
        `^${at}\\.translate\\.failureCodes: It says what the words at failureCode mean`,
      ],
      [
        'a fee that is no pointer',
        draft({ verify: acmeVerify, translate: { ...acmeTranslate, fee: 'fee' } }),
        `^${at}\\.translate\\.fee: It must be a JSON Pointer`,
      ],
      [
        'a rule that nobody knows',
        draft({ verify: acmeVerify, translate: { ...acmeTranslate, fees: '/fee' } }),
        `^${at}\\.translate`,
      ],
      [
        'a path that is not signed',
        draft({ verify: acmeVerify, callbackPath: '/callbacks/acme' }),
        `^${at}\\.callbackPath: The path is not part`,
      ],
      [
        'an RSA key for Ed25519',
        verifying({ scheme: 'ed25519', header: 'x', publicKeys: [pemOf(rsa.publicKey)] }),
        `^${at}\\.verify\\.publicKeys\\[0\\]: It is not an Ed25519 key`,
      ],
      [
        'an Ed25519 key for RSA',
        verifying({ scheme: 'rsa-sha256', header: 'x', publicKeys: [edPem] }),
        `^${at}\\.verify\\.publicKeys\\[0\\]: It is not an RSA key`,
      ],
      [
        'a weak RSA key',
        verifying({ scheme: 'rsa-sha256', header: 'x', publicKeys: [weak] }),
        `^${at}\\.verify\\.publicKeys\\[0\\]: The RSA key has 1024 bits`,
      ],
      [
        'a private key',
        verifying({ scheme: 'ed25519', header: 'x', publicKeys: [pemOf(ed.privateKey)] }),
        `^${at}\\.verify\\.publicKeys\\[0\\]: It is a private key`,
      ],
      [
        'a private JWK',
        jws({ publicKeys: [JSON.stringify(ed.privateKey.export({ format: 'jwk' }))] }),
        `^${at}\\.verify\\.publicKeys\\[0\\]: It is a private or secret key`,
      ],
      [
        'what is no key',
        jws({ publicKeys: ['hello'] }),
        `^${at}\\.verify\\.publicKeys\\[0\\]: It is not a public key`,
      ],
      [
        'no algorithms',
        jws({ algorithms: undefined, publicKeys: [edPem] }),
        `^${at}\\.verify\\.algorithms: It is req`,
      ],
      [
        'the algorithm none',
        jws({ algorithms: ['none'], publicKeys: [edPem] }),
        `^${at}\\.verify\\.algorithms\\[0\\]: It must be one of: HS256`,
      ],
      [
        'HS256 beside public keys',
        jws({ algorithms: ['EdDSA', 'HS256'], publicKeys: [edPem] }),
        `^${at}\\.verify\\.algorithms\\[1\\]: HS256 is checked with a secret`,
      ],
      [
        'HS256 beside a JWKS URL',
        jws({ algorithms: ['HS256'], jwksUrl: 'https://acme.example/jwks' }),
        `^${at}\\.verify\\.algorithms\\[0\\]: HS256 is checked with a secret`,
      ],
      [
        'secrets for EdDSA',
        jws({ secrets: [secret] }),
        `^${at}\\.verify\\.algorithms\\[0\\]: EdDSA is checked with a public key`,
      ],
      [
        'a secret shorter than its hash',
        jws({ algorithms: ['HS512'], secrets: [secret] }),
        `^${at}\\.verify\\.secrets\\[0\\]: It has 35 bytes; at least 64`,
      ],
      ['no keys', jws({}), `^${at}\\.verify: It needs one of secrets, publicKeys and jwksUrl`],
      [
        'two kinds of keys',
        jws({ publicKeys: [edPem], jwksUrl: 'https://acme.example/jwks' }),
        `^${at}\\.verify: It needs one of`,
      ],
      [
        'a key that no algorithm uses',
        jws({ publicKeys: [edPem, pemOf(ec.publicKey)] }),
        `^${at}\\.verify\\.publicKeys\\[1\\]: None of the algorithms`,
      ],
      [
        'an algorithm that no key is for',
        jws({ algorithms: ['EdDSA', 'ES384'], publicKeys: [edPem] }),
        `^${at}\\.verify\\.algorithms\\[1\\]: None of the keys`,
      ],
      [
        'a detached JWS that stands nowhere',
        jws({ form: 'detached', publicKeys: [edPem] }),
        `^${at}\\.verify\\.header: A detached JWS`,
      ],
      [
        'a JWKS URL in the open',
        jws({ jwksUrl: 'http://acme.example/jwks' }),
        `^${at}\\.verify\\.jwksUrl: It must be`,
      ],
      ['a JWKS URL that is none', jws({ jwksUrl: 'acme' }), `^${at}\\.verify\\.jwksUrl: It must be`],
      [
        'a cool-down without a JWKS URL',
        jws({ publicKeys: [edPem], jwksCoolDownSeconds: 5 }),
        `^${at}\\.verify: jwksCacheSeconds and jwksCoolDownSeconds belong`,
      ],
      [
        'a tolerance without a claim',
        jws({ publicKeys: [edPem], toleranceSeconds: 5 }),
        `^${at}\\.verify: timeClaimIn and toleranceSeconds belong`,
      ],
      [
        'a webhook secret that is no base64',
        verifying({ scheme: 'standard-webhooks', secrets: ['whsec_!'] }),
        `^${at}\\.verify\\.secrets\\[0\\]: It is not base64`,
      ],
      [
        'a webhook secret that is short',
        verifying({ scheme: 'standard-webhooks', secrets: ['whsec_c2hvcnQ='] }),
        `^${at}\\.verify\\.secrets\\[0\\]: It has 5 bytes`,
      ],
      [
        'a username with a colon',
        verifying({ scheme: 'basic', credentials: [{ username: 'a:b', password: secret }] }),
        `^${at}\\.verify\\.credentials\\[0\\]\\.username: `,
      ],
      [
        'a short password',
        verifying({ scheme: 'basic', credentials: [{ username: 'acme-gmbh-and-more', password: 'short' }] }),
        `^${at}\\.verify\\.credentials\\[0\\]\\.password: It has 5 bytes`,
      ],
      [
        'a token that no header can carry',
        verifying({ scheme: 'bearer', secrets: [`${secret} and more`] }),
        `^${at}\\.verify\\.secrets\\[0\\]: It holds what no header`,
      ],
      [
        'no translation',
        draft({ verify: acmeVerify, translate: undefined }),
        `^${at}\\.translate: It is required`,
      ],
      [
        'no reference',
        translating({ reference: undefined }),
        `^${at}\\.translate\\.reference: It is required`,
      ],
      [
        'a path that is no pointer',
        translating({ amount: 'data.amount' }),
        `^${at}\\.translate\\.amount: .*Pointer`,
      ],
      [
        'a pointer that is escaped wrongly',
        translating({ amount: '/a~2' }),
        `^${at}\\.translate\\.amount: .*Pointer`,
      ],
      ['no statuses', translating({ statuses: {} }), `^${at}\\.translate\\.statuses: It needs at least one`],
      [
        'a status that means nothing',
        translating({ statuses: { paid: 'settled' } }),
        `^${at}\\.translate\\.statuses\\.paid: It must be one of: succeeded`,
      ],
      ['a currency that is none', draft({ verify: acmeVerify, currency: 'ABC' }), `^${at}\\.currency: `],
    ]
    for (const [title, content, expected] of cases) {
      it(title, () => assert.match(refusal(content), new RegExp(expected)))
    }
  })

  it('reaches a JWKS on loopback without https', () => {
    const verify = { scheme: 'jws', algorithms: ['RS256'], jwksUrl: 'http://127.0.0.1:8090/jwks' }
    assert.deepEqual(
      createProviders(load(verifying(verify)), providerDeps)
        .get('acme')
        ?.keyIds(),
      [],
    )
  })
})
