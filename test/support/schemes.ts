/** One account for each scheme that a callback can be verified by, with what signs for it. */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { createGeneric } from '../../src/providers/generic/index.ts'
import type { AccountProvider } from '../../src/providers/provider.ts'
import { createWechatpay } from '../../src/providers/wechatpay/index.ts'
import { createZenospay } from '../../src/providers/zenospay/index.ts'
import { createGenericSigner } from '../../src/sandbox/generic-signer.ts'
import { describeDisbursement } from '../../src/sandbox/signed-callback.ts'
import type { CallbackSigner } from '../../src/sandbox/signer.ts'
import { createWechatpaySigner } from '../../src/sandbox/wechatpay-signer.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'
import { declare, ed, noFetch, pemOf, rsa, secret } from './generic.ts'
import type { Headers } from './raw-http.ts'
import { disbursement, signedBody, testAccount } from './zenospay.ts'

export type Spared = 'doubled-value' | 'other-case' | 'empty-body'

export interface SchemeUnderTest {
  name: string
  provider: AccountProvider
  /** Of these each one matters: changed, dropped or doubled, the callback is not genuine any more. */
  signedHeaders: string[]
  /** A credential proves who speaks and not what is said. */
  coversBody: boolean
  /**
   * Changes of a header that are none: a list of signatures with a right one in it is right, a scheme's name is of either
   * case, and a token without a payload is none at all.
   */
  spared: Spared[]
  /** A new one each time. */
  body(): Buffer
  /** What is sent: a token may take the body's place. */
  sign(body: Buffer): Promise<{ headers: Headers; body: Buffer }>
}

const reference = () => randomBytes(6).toString('hex')

export function schemesUnderTest(): SchemeUnderTest[] {
  return [zenospay(), wechatpay(), ...genericSchemes()]
}

function zenospay(): SchemeUnderTest {
  return {
    name: 'zenospay',
    provider: createZenospay({ ...testAccount, id: 'zenospay' }),
    signedHeaders: ['x-signature', 'x-timestamp', 'x-partner-id'],
    coversBody: true,
    spared: [],
    body: () => Buffer.from(describeDisbursement(disbursement({ reference: reference() }))),
    async sign(body) {
      const { headers } = signedBody(body as unknown as string)
      return { headers: Object.entries(headers), body }
    },
  }
}

function wechatpay(): SchemeUnderTest {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const account = {
    id: 'wechatpay',
    mchid: '1900000001',
    apiV3Keys: [randomBytes(32)],
    platformKeys: [{ serial: 'PUB_KEY_ID_0114232134912410000000000000', key: publicKey }],
    toleranceMs: 300_000,
    currency: 'CNY',
  }
  const deps = { fetch: noFetch, clock: Date.now, randomBytes, logger: silentLogger }
  const names = ['timestamp', 'nonce', 'signature', 'serial'].map((name) => `wechatpay-${name}`)
  return {
    name: 'wechatpay',
    provider: createWechatpay(account, deps),
    signedHeaders: names,
    coversBody: true,
    spared: [],
    ...signedBy(createWechatpaySigner(account, { privateKey }), '/callbacks/wechatpay', 'SUCCESS'),
  }
}

interface Declared {
  verify: Record<string, unknown>
  signedHeaders: string[]
  coversBody?: boolean
  spared?: Spared[]
}

const template = {
  signed: '{timestamp}.{method}.{path}.{body}',
  header: 'x-signature',
  timestampHeader: 'x-timestamp',
}
const templated = ['x-signature', 'x-timestamp']

const declared: Record<string, Declared> = {
  'hmac-sha256': {
    verify: { ...template, scheme: 'hmac-sha256', prefix: 'sha256=', secrets: [secret] },
    signedHeaders: templated,
  },
  'hmac-sha512': {
    verify: {
      ...template,
      scheme: 'hmac-sha512',
      encoding: 'base64',
      timestampFormat: 'rfc3339',
      secrets: [secret],
    },
    signedHeaders: templated,
  },
  'hmac-parts': {
    verify: {
      scheme: 'hmac-sha256',
      header: 'acme-signature',
      signed: '{timestamp}.{body}',
      signaturePart: 'v1',
      timestampPart: 't',
      secrets: [secret],
    },
    signedHeaders: ['acme-signature'],
    spared: ['doubled-value'],
  },
  'rsa-sha256': {
    verify: { ...template, scheme: 'rsa-sha256', publicKeys: [pemOf(rsa.publicKey)] },
    signedHeaders: templated,
  },
  ed25519: {
    verify: { ...template, scheme: 'ed25519', encoding: 'base64url', publicKeys: [pemOf(ed.publicKey)] },
    signedHeaders: templated,
  },
  'standard-webhooks': {
    verify: {
      scheme: 'standard-webhooks',
      secrets: [`whsec_${Buffer.alloc(24, 'honest-key').toString('base64')}`],
    },
    signedHeaders: ['webhook-id', 'webhook-timestamp', 'webhook-signature'],
  },
  'jws-body': {
    verify: { scheme: 'jws', algorithms: ['HS256'], secrets: [secret] },
    signedHeaders: [],
    spared: ['empty-body'],
  },
  'jws-header': {
    verify: {
      scheme: 'jws',
      header: 'x-jws',
      algorithms: ['RS256', 'PS256'],
      publicKeys: [pemOf(rsa.publicKey)],
    },
    signedHeaders: ['x-jws'],
    spared: ['empty-body'],
  },
  'jws-detached': {
    verify: {
      scheme: 'jws',
      form: 'detached',
      header: 'x-jws',
      algorithms: ['EdDSA'],
      publicKeys: [pemOf(ed.publicKey)],
    },
    signedHeaders: ['x-jws'],
  },
  basic: {
    verify: { scheme: 'basic', credentials: [{ username: 'acme', password: secret }] },
    signedHeaders: ['authorization'],
    coversBody: false,
    spared: ['other-case'],
  },
  bearer: {
    verify: { scheme: 'bearer', header: 'x-token', secrets: [secret] },
    signedHeaders: ['x-token'],
    coversBody: false,
  },
}

function genericSchemes(): SchemeUnderTest[] {
  return Object.entries(declared).map(([name, { verify, signedHeaders, coversBody = true, spared = [] }]) => {
    const account = declare(verify, { id: name })
    const keys = (verify.publicKeys as string[] | undefined)?.[0] === pemOf(ed.publicKey) ? ed : rsa
    return {
      name,
      provider: createGeneric(account, { fetch: noFetch }),
      signedHeaders,
      coversBody,
      spared,
      ...signedBy(
        createGenericSigner(account, () => keys.privateKey),
        `/callbacks/${name}`,
        'paid',
      ),
    }
  })
}

/** Signers take text; only what is UTF-8 comes out as it went in. */
function signedBy(
  signer: CallbackSigner,
  path: string,
  status: string,
): Pick<SchemeUnderTest, 'body' | 'sign'> {
  return {
    body: () =>
      Buffer.from(
        signer.describe({
          reference: reference(),
          providerReference: 'px-1',
          amount: '25.00',
          accountNumber: '0000000000',
          openid: 'o-1',
          status,
          at: Date.now(),
        }),
      ),
    async sign(body) {
      const signed = await signer.sign(body.toString(), { path, now: Date.now() })
      return { headers: Object.entries(signed.headers), body: Buffer.from(signed.body) }
    },
  }
}
