/**
 * Personal data rests sealed: AES-256-GCM under a key of the operator's, with the place it belongs to as associated
 * data, so that a sealed blob copied to another receipt or transfer does not open. The first key seals, all open;
 * each blob names its key. Not protected here: who holds the keys and the process's memory.
 */
import { createHmac, createSecretKey, hkdfSync } from 'node:crypto'
import { AppError } from '../domain/errors.ts'
import { decrypt, encrypt, ivBytes, tagBytes } from './aead.ts'
import { createKeyedDigest } from './hmac.ts'
import { createRandomPool } from './random-pool.ts'

export interface SealKey {
  id: string
  key: Uint8Array
}

export interface Keyring {
  /** `place` says what the data belongs to, as `receipt:rc-…`; the same words open it again. */
  seal(plain: Uint8Array, place: string): string
  open(sealed: string, place: string): Buffer
}

const version = 's1'

export function createKeyring(keys: readonly SealKey[]): Keyring {
  const imported = keys.map(({ id, key }) => ({ id, key: createSecretKey(key) }))
  const [current] = imported
  if (!current) throw new AppError('invalid-configuration', { detail: 'seal.keys holds no key.' })
  const byId = new Map(imported.map(({ id, key }) => [id, key]))
  const randomBytes = createRandomPool()

  return {
    seal(plain, place) {
      const body = encrypt(current.key, randomBytes(ivBytes), plain, place)
      return `${version}.${current.id}.${body.toString('base64')}`
    },

    open(sealed, place) {
      const [form, keyId = '', text = ''] = sealed.split('.')
      if (form !== version) throw cannotOpen('it is of a form that this version does not know')
      const key = byId.get(keyId)
      if (!key) throw cannotOpen(`its key ${JSON.stringify(keyId)} is not among seal.keys`)
      const body = Buffer.from(text, 'base64')
      if (body.length < ivBytes + tagBytes) throw cannotOpen('it is cut short')
      try {
        return decrypt(key, body, place)
      } catch (cause) {
        throw cannotOpen('it does not authenticate', cause)
      }
    },
  }
}

/** Which key it is sealed under. */
export function sealedUnder(sealed: string): string {
  return sealed.split('.', 2)[1] ?? ''
}

/** How many bytes lie sealed in it, which is no secret. */
export function sealedBytes(sealed: string): number {
  const text = sealed.slice(sealed.lastIndexOf('.') + 1)
  return Math.max(0, Buffer.byteLength(text, 'base64') - ivBytes - tagBytes)
}

/**
 * What a start compares with what the last one left in Redis: it tells another key under the same id apart, and says
 * nothing about the key itself.
 */
export function checkValue(key: Uint8Array): string {
  return createHmac('sha256', key).update('tallyhook:seal-check').digest('hex').slice(0, 32)
}

/** A key for another purpose, from the one that never rotates. */
export function deriveKey(indexKey: Uint8Array, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', indexKey, new Uint8Array(0), `tallyhook:${purpose}`, 32))
}

/** 128 bits, unless told otherwise: enough that no two persons ever meet, and short, since every record holds it. */
export function createDigest(key: Uint8Array, letters = 22): (text: string) => string {
  const digest = createKeyedDigest(key)
  return (text) => digest(text).slice(0, letters)
}

function cannotOpen(why: string, cause?: unknown): AppError {
  return new AppError('cannot-unseal', { detail: `The sealed data cannot be opened: ${why}.`, cause })
}
