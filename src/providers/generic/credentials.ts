/**
 * Basic and bearer credentials. They prove who sent it and nothing about what was sent: the body is not covered, and
 * whoever reads one request can send others. Digests are compared, so neither a length nor the place of the first
 * difference shows in the time it takes; every configured credential is compared, whichever fits.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { digestBody } from '../digest.ts'
import type { CallbackRequest, RefusalReason, Verification } from '../provider.ts'
import type { BasicScheme, BearerScheme, NamedKey } from './account.ts'
import { decodeExactly } from './encoding.ts'

type Found = { credential: Buffer } | { reason: RefusalReason }

export function createCredentialVerify(
  scheme: BasicScheme | BearerScheme,
): (request: CallbackRequest) => Verification {
  const findKey = createCredentialFinder(scheme.keys)
  const read = scheme.scheme === 'basic' ? readBasic : createBearerReader(scheme)
  return (request) => {
    const digest = digestBody(request.body)
    const found = read(request)
    if ('reason' in found) return { outcome: 'refused', reason: found.reason, digest }
    const key = findKey(found.credential)
    if (!key) return { outcome: 'refused', reason: 'credentials-wrong', digest }
    return { outcome: 'authentic', keyId: key.id, digest, headers: {} }
  }
}

function createCredentialFinder(keys: readonly NamedKey[]): (given: Buffer) => NamedKey | undefined {
  const known = keys.map((key) => ({ key, digest: digestOf(key.key.export()) }))
  return (given) => {
    const digest = digestOf(given)
    return known.filter((one) => timingSafeEqual(one.digest, digest))[0]?.key
  }
}

function digestOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}

function readBasic(request: CallbackRequest): Found {
  const value = readAuthorization(request, 'basic')
  if (value === undefined) return { reason: 'credentials-missing' }
  const credential = decodeExactly(value, 'base64')
  return credential ? { credential } : { reason: 'credentials-wrong' }
}

function createBearerReader({ header }: BearerScheme): (request: CallbackRequest) => Found {
  return (request) => {
    const value = header === 'authorization' ? readAuthorization(request, 'bearer') : request.header(header)
    return value ? { credential: Buffer.from(value, 'latin1') } : { reason: 'credentials-missing' }
  }
}

/** The scheme's name in any case, one space, and the rest. */
function readAuthorization(request: CallbackRequest, scheme: 'basic' | 'bearer'): string | undefined {
  const value = request.header('authorization') ?? ''
  const start = `${scheme} `
  return value.slice(0, start.length).toLowerCase() === start ? value.slice(start.length) : undefined
}
