/** Public keys of a generic account, PEM or JWK: each with an id, and none that is weak or says too much. */
import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { AppError } from '../../domain/errors.ts'
import { invalidConfiguration } from '../invalid.ts'
import { fingerprint, type NamedKey, type SecretSources } from '../secrets.ts'
import { checkDistinct, idOf, type NamedSecret, readText } from './generic-keys.ts'

export function readPublicKeys(
  list: readonly NamedSecret[],
  path: string,
  sources: SecretSources,
  check: (key: KeyObject, path: string) => void,
): NamedKey[] {
  const keys = list.map((secret, index) => {
    const place = `${path}[${index}]`
    const key = parsePublicKey(readText(secret, place, sources), place)
    checkStrength(key, place)
    check(key, place)
    return { id: idOf(secret) ?? fingerprint(key), key }
  })
  return checkDistinct(keys, path)
}

function parsePublicKey(text: string, path: string): KeyObject {
  if (text.includes('PRIVATE KEY'))
    throw invalidConfiguration(path, 'It is a private key; only the public key belongs here.')
  try {
    return text.startsWith('{') ? parseJwk(text, path) : createPublicKey(text)
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    throw invalidConfiguration(path, 'It is not a public key in PEM form, nor a JWK.', cause)
  }
}

function parseJwk(text: string, path: string): KeyObject {
  const jwk = JSON.parse(text) as JsonWebKey
  if (jwk.d !== undefined || jwk.kty === 'oct')
    throw invalidConfiguration(path, 'It is a private or secret key; only a public key belongs here.')
  return createPublicKey({ key: jwk, format: 'jwk' })
}

const rsaBitsMin = 2048

function checkStrength(key: KeyObject, path: string): void {
  const bits = key.asymmetricKeyDetails?.modulusLength
  if (bits !== undefined && bits < rsaBitsMin)
    throw invalidConfiguration(path, `The RSA key has ${bits} bits; at least ${rsaBitsMin} are needed.`)
}
