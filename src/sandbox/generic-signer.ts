/** Signs as a declared provider would. A shared secret stands in the account; a private key is handed in. */
import {
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign as signBytes,
} from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import type { GenericSettings } from '../config/accounts/generic.ts'
import { AppError } from '../domain/errors.ts'
import { digestBody } from '../providers/digest.ts'
import { computeHmac } from '../providers/generic/signatures.ts'
import { renderSigned } from '../providers/generic/signed-content.ts'
import { headerNames } from '../providers/generic/standard-webhooks.ts'
import { describeGeneric } from './generic-body.ts'
import { signJws } from './generic-jws.ts'
import type { SignedCallback } from './signed-callback.ts'
import type { CallbackSigner, SignerOptions } from './signer.ts'

type Verify = GenericSettings['verify']
type Templated = Extract<Verify, { signed: unknown }>

export function createGenericSigner(account: GenericSettings, privateKey: () => KeyObject): CallbackSigner {
  return {
    events: [],
    describe: (payout) => describeGeneric(account, payout),
    async sign(body, options) {
      if (options.stale && !saysWhen(account.verify)) {
        throw new AppError('invalid-request', {
          detail: 'Nothing in a callback of this account says when it was sent, so it cannot be stale.',
        })
      }
      const signed = await signBody(account, body, options, privateKey)
      return { ...signed, headers: { 'content-type': 'application/json', ...signed.headers } }
    },
  }
}

function saysWhen(verify: Verify): boolean {
  if ('signed' in verify) return verify.timestamp !== undefined
  return verify.scheme === 'standard-webhooks' || (verify.scheme === 'jws' && verify.window !== undefined)
}

function signBody(
  { verify, callbackPath }: GenericSettings,
  body: string,
  options: SignerOptions,
  privateKey: () => KeyObject,
): SignedCallback | Promise<SignedCallback> {
  switch (verify.scheme) {
    case 'hmac-sha256':
    case 'hmac-sha512':
    case 'rsa-sha256':
    case 'ed25519':
      return signTemplate(verify, body, { ...options, path: callbackPath ?? options.path }, privateKey)
    case 'standard-webhooks':
      return signWebhook(verify, body, options)
    case 'jws': {
      const isShared = verify.keys[0]?.key.type === 'secret'
      const key = isShared ? chooseSecret(verify.keys, options) : choosePrivate(privateKey, options)
      return signJws(verify, body, options.now, key)
    }
    case 'basic': {
      const credential = chooseSecret(verify.keys, options).export()
      return { headers: { authorization: `Basic ${credential.toString('base64')}` }, body }
    }
    case 'bearer': {
      const token = chooseSecret(verify.keys, options).export().toString('latin1')
      const value = verify.header === 'authorization' ? `Bearer ${token}` : token
      return { headers: { [verify.header]: value }, body }
    }
    case 'none':
      if (options.wrongSignature)
        throw new AppError('invalid-request', {
          detail: 'Nothing is signed here, so nothing can be signed wrongly.',
        })
      return { headers: {}, body }
  }
}

function signTemplate(
  scheme: Templated,
  body: string,
  options: SignerOptions,
  privateKey: () => KeyObject,
): SignedCallback {
  const { timestamp: rules } = scheme
  const timestamp = rules && writeTimestamp(options.now, rules.format)
  const extra = Object.fromEntries(headersOf(scheme).map((name) => [name, randomBytes(8).toString('hex')]))
  const bytes = Buffer.from(body)
  const content = renderSigned(scheme.signed, {
    timestamp,
    body: bytes,
    bodyDigest: digestBody(bytes),
    path: options.path,
    header: (name) => extra[name],
  })
  if (!content) throw new AppError('internal-error', { detail: 'The template cannot be filled in.' })
  const signature =
    scheme.prefix + signContent(scheme, content, options, privateKey).toString(scheme.encoding)
  const named = scheme.signaturePart === undefined ? signature : `${scheme.signaturePart}=${signature}`
  const headers = { ...extra, [scheme.header]: named }
  if (!rules || timestamp === undefined) return { headers, body }
  if ('header' in rules.from) return { headers: { ...headers, [rules.from.header]: timestamp }, body }
  const value = `${rules.from.part}=${timestamp}${scheme.separator}${named}`
  return { headers: { ...headers, [scheme.header]: value }, body }
}

function headersOf({ signed }: Templated): string[] {
  return signed.flatMap((part) => (part.kind === 'header' ? [part.name] : []))
}

function signContent(
  { scheme, keys }: Templated,
  content: readonly Uint8Array[],
  options: SignerOptions,
  privateKey: () => KeyObject,
): Buffer {
  switch (scheme) {
    case 'hmac-sha256':
      return computeHmac('sha256', chooseSecret(keys, options), content)
    case 'hmac-sha512':
      return computeHmac('sha512', chooseSecret(keys, options), content)
    case 'rsa-sha256':
      return signBytes('sha256', Buffer.concat(content), choosePrivate(privateKey, options))
    case 'ed25519':
      return signBytes(null, Buffer.concat(content), choosePrivate(privateKey, options))
  }
}

function signWebhook(
  scheme: Extract<Verify, { scheme: 'standard-webhooks' }>,
  body: string,
  options: SignerOptions,
): SignedCallback {
  const names = headerNames(scheme)
  const id = `msg_${randomBytes(12).toString('hex')}`
  const webhook = new Webhook(chooseSecret(scheme.keys, options).export(), { format: 'raw' })
  const headers = {
    [names.id]: id,
    [names.timestamp]: writeTimestamp(options.now, 'unix-seconds'),
    [names.signature]: webhook.sign(id, new Date(options.now), body),
  }
  return { headers, body }
}

function writeTimestamp(
  now: number,
  format: 'unix-seconds' | 'unix-milliseconds' | 'rfc3339' = 'unix-seconds',
): string {
  switch (format) {
    case 'unix-seconds':
      return String(Math.floor(now / 1000))
    case 'unix-milliseconds':
      return String(now)
    case 'rfc3339':
      return new Date(now).toISOString()
  }
}

/** Signed wrongly: by a key of the same kind that nobody knows. */
function chooseSecret(keys: readonly { key: KeyObject }[], { wrongSignature }: SignerOptions): KeyObject {
  const [first] = keys
  if (!first) throw new AppError('internal-error', { detail: 'The account has no secret.' })
  return wrongSignature ? createSecretKey(Buffer.from(randomBytes(64).toString('hex'))) : first.key
}

function choosePrivate(privateKey: () => KeyObject, { wrongSignature }: SignerOptions): KeyObject {
  const key = privateKey()
  if (!wrongSignature) return key
  switch (key.asymmetricKeyType) {
    case 'ed25519':
      return generateKeyPairSync('ed25519').privateKey
    case 'ec':
      return generateKeyPairSync('ec', { namedCurve: key.asymmetricKeyDetails?.namedCurve ?? 'P-256' })
        .privateKey
    default:
      return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  }
}
