/** The keys that may have made a JWS: configured ones, each only for the algorithms that it is made for. */
import { createHash, type KeyObject } from 'node:crypto'
import type { CryptoKey } from 'jose'
import type { JwsAlgorithm, NamedKey } from './account.ts'
import type { JwsHeader } from './jws-token.ts'

export interface CandidateKey {
  id(): string
  key: KeyObject | CryptoKey
}

export type Lookup =
  /** `fresh`: got for this very callback, so there are no newer ones. */
  | { outcome: 'found'; keys: CandidateKey[]; fresh: boolean }
  | { outcome: 'unknown' }
  | { outcome: 'not-loaded' }

export interface KeySource {
  find(header: JwsHeader, now: number): Promise<Lookup>
  /** Looks for newer keys, where none of those at hand fits. */
  renew(header: JwsHeader, now: number): Promise<Lookup>
  ids(): string[]
}

export function createStaticSource(keys: readonly NamedKey[]): KeySource {
  const find = async ({ alg }: JwsHeader): Promise<Lookup> => {
    const fitting = keys.filter(({ key }) => fitsAlgorithm(alg, key))
    return { outcome: 'found', keys: fitting.map(({ id, key }) => ({ id: () => id, key })), fresh: true }
  }
  return { find, renew: find, ids: () => keys.map(({ id }) => id) }
}

const curves: Partial<Record<JwsAlgorithm, string>> = {
  ES256: 'prime256v1',
  ES384: 'secp384r1',
  ES512: 'secp521r1',
}

/** A public key is never taken for a secret: that is how tokens get forged (RFC 8725, section 2.1). */
export function fitsAlgorithm(algorithm: JwsAlgorithm, key: KeyObject): boolean {
  if (algorithm.startsWith('HS')) return key.type === 'secret'
  if (algorithm.startsWith('RS') || algorithm.startsWith('PS')) return key.asymmetricKeyType === 'rsa'
  if (algorithm === 'EdDSA') return key.asymmetricKeyType === 'ed25519'
  return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === curves[algorithm]
}

/** Enough of the SHA-256 of a public key to tell one from another; the configuration names its keys in the same way. */
export function fingerprintKey(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 16)
}
