/**
 * A key for each person: what is personal rests under it, in Redis and in the archive alike, and is unreadable everywhere
 * once it is thrown away. The keys themselves rest sealed by the keyring.
 */
import { createHmac } from 'node:crypto'
import { decrypt, encrypt, ivBytes, tagBytes } from './aead.ts'
import { createRandomPool } from './random-pool.ts'

export interface PersonKey {
  /** Tells it from a later key of the same person, made after an erasure. */
  id: string
  key: Uint8Array
}

export interface PersonSealer {
  /** The bytes of a new key, to be kept sealed. */
  make(): Buffer
  read(bytes: Uint8Array): PersonKey
  /** For what is about both: it opens with both of them, and without one no more. */
  join(one: PersonKey, other: PersonKey): PersonKey
  seal(key: PersonKey, plain: Uint8Array, place: string): string
  /** Undefined where it is under another key than this. */
  open(key: PersonKey, sealed: string, place: string): Buffer | undefined
  isUnder(key: PersonKey, sealed: string): boolean
}

const version = 'p1'
const idBytes = 6
const keyBytes = 32

export function createPersonSealer(): PersonSealer {
  const randomBytes = createRandomPool()
  return {
    isUnder: (key, sealed) => sealed.split('.', 2)[1] === key.id,
    make: () => Buffer.concat([randomBytes(idBytes), randomBytes(keyBytes)]),
    read(bytes) {
      const id = Buffer.from(bytes.subarray(0, idBytes)).toString('base64url')
      return { id, key: bytes.subarray(idBytes) }
    },
    join: (one, other) => ({
      id: one.id + other.id,
      key: createHmac('sha256', one.key).update(other.key).digest(),
    }),
    seal: (key, plain, place) =>
      `${version}.${key.id}.${encrypt(key.key, randomBytes(ivBytes), plain, place).toString('base64')}`,
    open(key, sealed, place) {
      const [form, id, text = ''] = sealed.split('.')
      const body = Buffer.from(text, 'base64')
      if (form !== version || id !== key.id || body.length < ivBytes + tagBytes) return undefined
      try {
        return decrypt(key.key, body, place)
      } catch {
        return undefined
      }
    },
  }
}
