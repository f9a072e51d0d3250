/**
 * What WeChat Pay encrypts for a merchant: AES-256-GCM under the APIv3 key, the tag being the last sixteen bytes. The tag
 * is set and the final step is run, so that what was tampered with, or encrypted under another key, is never read.
 */
import { createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto'
import { z } from 'zod'
import { decodeBase64 } from './signature.ts'

const tagBytes = 16

/** An envelope as callbacks and the list of certificates have it. */
export const encryptedSchema = z.object({
  algorithm: z.string().max(64),
  ciphertext: z.string().min(1),
  nonce: z.string().min(1).max(64),
  associated_data: z.string().max(1024).nullish(),
})
export type Encrypted = z.output<typeof encryptedSchema>

export type Decrypted = { outcome: 'opened'; plaintext: Buffer } | { outcome: 'not-opened'; reason: string }

/** With the first key that fits: a wrong one cannot, since the tag proves which key it was. */
export function decrypt(encrypted: Encrypted, keys: readonly Uint8Array[]): Decrypted {
  if (encrypted.algorithm !== 'AEAD_AES_256_GCM') {
    return notOpened(
      'The resource is encrypted by an algorithm that is not supported; only AEAD_AES_256_GCM is.',
    )
  }
  const bytes = decodeBase64(encrypted.ciphertext)
  if (!bytes || bytes.length < tagBytes)
    return notOpened('The ciphertext of the resource is not whole base64.')
  for (const key of keys) {
    const plaintext = tryKey(bytes, encrypted, key)
    if (plaintext) return { outcome: 'opened', plaintext }
  }
  return notOpened(
    'No APIv3 key of the account opens the resource: it was encrypted under another key, or tampered with.',
  )
}

function tryKey(bytes: Buffer, { nonce, associated_data }: Encrypted, key: Uint8Array): Buffer | undefined {
  try {
    // It throws for a nonce that is longer than the cipher takes.
    const decipher = createDecipheriv('aes-256-gcm', prepare(key), nonce, { authTagLength: tagBytes })
    decipher.setAAD(Buffer.from(associated_data ?? ''))
    decipher.setAuthTag(bytes.subarray(-tagBytes))
    const plaintext = decipher.update(bytes.subarray(0, -tagBytes))
    // This mode keeps nothing back: what is final here is the check of the tag, which throws.
    decipher.final()
    return plaintext
  } catch {
    return undefined
  }
}

const prepared = new WeakMap<Uint8Array, KeyObject>()

/** Once for each key, since it costs with every callback otherwise. */
function prepare(key: Uint8Array): KeyObject {
  const held = prepared.get(key) ?? createSecretKey(key)
  prepared.set(key, held)
  return held
}

function notOpened(reason: string): Decrypted {
  return { outcome: 'not-opened', reason }
}
