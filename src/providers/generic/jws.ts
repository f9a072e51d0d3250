/**
 * JSON Web Signatures through jose: compact (RFC 7515, section 7.1), detached (appendix F) and detached over the bare
 * bytes of the body (RFC 7797, `b64: false`). The algorithms are an allow-list of the configuration, `none` is never on
 * it, and a header in `crit` that jose does not understand is refused.
 */
import { errors, flattenedVerify } from 'jose'
import { digestBody } from '../digest.ts'
import type { CallbackRequest, Fetch, RefusalReason, Verification } from '../provider.ts'
import type { JwsScheme } from './account.ts'
import { createJwksSource } from './jwks.ts'
import { type CandidateKey, createStaticSource, type KeySource, type Lookup } from './jws-keys.ts'
import { type JwsToken, keepToken, readJwsToken } from './jws-token.ts'
import { isOutside } from './timestamp.ts'

export function createKeySource(scheme: JwsScheme, fetcher: Fetch): KeySource {
  return scheme.jwks ? createJwksSource(scheme.jwks, fetcher) : createStaticSource(scheme.keys)
}

export function createJwsVerify(
  scheme: JwsScheme,
  source: KeySource,
): (request: CallbackRequest) => Promise<Verification> {
  return async (request) => {
    const digest = digestBody(request.body)
    const refuse = (reason: RefusalReason): Verification => ({ outcome: 'refused', reason, digest })
    const read = readJwsToken(scheme, request)
    if ('reason' in read) return refuse(read.reason)
    const { token } = read
    const signer = await findSigner(source, token, request.now)
    if (signer === 'not-loaded') return { outcome: 'keys-not-loaded', digest }
    if (typeof signer === 'string') return refuse(signer)
    const late = scheme.window && checkWindow(scheme.window, token, request.now)
    if (late) return refuse(late)
    return { outcome: 'authentic', keyId: signer.id(), digest, headers: keepToken(scheme, token) }
  }
}

type Signer = CandidateKey | RefusalReason | 'not-loaded'

async function findSigner(source: KeySource, token: JwsToken, now: number): Promise<Signer> {
  const found = await source.find(token.header, now)
  const signer = await tryKeys(token, found)
  const mayBeNewer = found.outcome === 'found' && !found.fresh && token.header.kid === undefined
  if (signer !== 'signature-wrong' || !mayBeNewer) return signer
  // Nothing in the token says which key it is, so it may be one that we do not hold yet.
  const renewed = await source.renew(token.header, now)
  const again = await tryKeys(token, renewed)
  const stillMayBeNewer = renewed.outcome === 'found' && !renewed.fresh
  return again === 'signature-wrong' && stillMayBeNewer ? 'not-loaded' : again
}

async function tryKeys(token: JwsToken, found: Lookup): Promise<Signer> {
  if (found.outcome === 'not-loaded') return 'not-loaded'
  if (found.outcome === 'unknown') return 'key-unknown'
  for (const candidate of found.keys) {
    const result = await check(token, candidate)
    if (result === 'right') return candidate
    if (result === 'malformed') return 'signature-malformed'
  }
  return 'signature-wrong'
}

async function check(token: JwsToken, { key }: CandidateKey): Promise<'right' | 'wrong' | 'malformed'> {
  const { payload, signature } = token
  try {
    // What is allowed was compared with the configuration; jose is told again, so that it cannot read the header otherwise.
    const options = { algorithms: [token.header.alg] }
    await flattenedVerify({ protected: token.protected, payload, signature }, key, options)
    return 'right'
  } catch (error) {
    return error instanceof errors.JWSInvalid || error instanceof errors.JOSENotSupported
      ? 'malformed'
      : 'wrong'
  }
}

/** `iat`: made within the tolerance of now. `exp`: not over for longer than the tolerance. */
function checkWindow(
  { claim, in: place, toleranceMs }: NonNullable<JwsScheme['window']>,
  token: JwsToken,
  now: number,
): RefusalReason | undefined {
  const value = place === 'protected' ? token.header[claim] : readClaim(token.content, claim)
  if (value === undefined) return 'timestamp-missing'
  if (typeof value !== 'number' || !Number.isFinite(value)) return 'timestamp-malformed'
  const at = value * 1000
  const late = claim === 'iat' ? isOutside(at, now, toleranceMs) : now > at + toleranceMs
  return late ? 'outside-window' : undefined
}

function readClaim(content: Uint8Array, claim: string): unknown {
  try {
    const payload: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content))
    const isObject = typeof payload === 'object' && payload !== null && Object.hasOwn(payload, claim)
    return isObject ? (payload as Record<string, unknown>)[claim] : undefined
  } catch {
    return undefined
  }
}
