/** AES-256-GCM with the place that the data belongs to as associated data, so that a copy elsewhere does not open. */
import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto'

export const ivBytes = 12
export const tagBytes = 16

/** A key that is used once or twice is cheaper as bytes than as an object of its own. */
export type AeadKey = KeyObject | Uint8Array

export function encrypt(key: AeadKey, iv: Uint8Array, plain: Uint8Array, place: string): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  cipher.setAAD(Buffer.from(place))
  const hidden = cipher.update(plain)
  // GCM holds nothing back: the last step gives no bytes, and makes the tag.
  cipher.final()
  const body = Buffer.allocUnsafe(ivBytes + hidden.length + tagBytes)
  body.set(iv)
  hidden.copy(body, ivBytes)
  cipher.getAuthTag().copy(body, ivBytes + hidden.length)
  return body
}

/** Throws where it does not authenticate. */
export function decrypt(key: AeadKey, body: Buffer, place: string): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, body.subarray(0, ivBytes))
  decipher.setAAD(Buffer.from(place))
  decipher.setAuthTag(body.subarray(-tagBytes))
  const plain = decipher.update(body.subarray(ivBytes, -tagBytes))
  // It has no bytes left to give, and throws where the tag is another.
  decipher.final()
  return plain
}
