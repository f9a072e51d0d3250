/** Turns what the file points at into keys, and refuses those that protect nothing. No message quotes a secret. */
import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Secret } from './accounts/common.ts'
import { invalidConfiguration } from './invalid.ts'

export interface SecretSources {
  /** The configuration file's folder. */
  folder: string
  env: NodeJS.ProcessEnv
}

export function readSecret(secret: Secret, path: string, { folder, env }: SecretSources): string {
  if (typeof secret === 'string') return secret
  if ('env' in secret) {
    const value = env[secret.env]?.trim()
    if (!value) throw invalidConfiguration(path, `The environment variable ${secret.env} is not set.`)
    return value
  }
  const file = resolve(folder, secret.file)
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (cause) {
    throw invalidConfiguration(path, `The file ${file} cannot be read.`, cause)
  }
}

const rsaBitsMin = 2048

export interface NamedKey {
  id: string
  key: KeyObject
}

export function readRsaPublicKey(pem: string, path: string): NamedKey {
  if (pem.includes('PRIVATE KEY')) {
    throw invalidConfiguration(path, 'It is a private key; only the public key belongs here.')
  }
  const key = parsePublicKey(pem, path)
  checkRsaStrength(key, path)
  return { id: fingerprint(key), key }
}

export function readRsaPrivateKey(pem: string, path: string): KeyObject {
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch {
    // Without its cause: what the parser says is about a secret.
    throw invalidConfiguration(path, 'It is not a private key in PEM form without a passphrase.')
  }
  checkRsaStrength(key, path)
  return key
}

function checkRsaStrength(key: KeyObject, path: string): void {
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
  if (key.asymmetricKeyType !== 'rsa') throw invalidConfiguration(path, 'It is not an RSA key.')
  if (bits < rsaBitsMin)
    throw invalidConfiguration(path, `The RSA key has ${bits} bits; at least ${rsaBitsMin} are needed.`)
}

function parsePublicKey(pem: string, path: string): KeyObject {
  try {
    return createPublicKey(pem)
  } catch (cause) {
    throw invalidConfiguration(path, 'It is not a public key in PEM form.', cause)
  }
}

/** Enough of the SHA-256 of the key itself to tell one from another. */
export function fingerprint(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 16)
}

export function readSymmetricKey(text: string, path: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64').replace(/=+$/, '') !== text.replace(/=+$/, '')) {
    throw invalidConfiguration(path, 'It is not base64.')
  }
  if (bytes.length !== 32) throw invalidConfiguration(path, `It has ${bytes.length} bytes; 32 are needed.`)
  if (new Set(bytes).size < 8)
    throw invalidConfiguration(path, 'It is not random; make one with `npx tallyhook keys make seal`.')
  return new Uint8Array(bytes)
}

const wellKnownTokens = ['changeme', 'secret', 'token', 'password', 'test', 'tallyhook', 'admin', '']
const wellKnownDigests = new Set(
  wellKnownTokens.map((word) => createHash('sha256').update(word).digest('hex')),
)

export function checkTokenDigest(sha256: string, path: string): void {
  if (wellKnownDigests.has(sha256))
    throw invalidConfiguration(path, 'The token is a well-known word; make a random one.')
}
