/** Which of an account's keys made one of these signatures over these bytes. */
import { createHmac, type KeyObject, timingSafeEqual, verify } from 'node:crypto'
import type { NamedKey, TemplatedScheme } from './account.ts'

export type KeyFinder = (
  content: readonly Uint8Array[],
  signatures: readonly Uint8Array[],
) => NamedKey | undefined

export function createKeyFinder({ scheme, keys }: TemplatedScheme): KeyFinder {
  switch (scheme) {
    case 'hmac-sha256':
      return findBySecret(keys, 'sha256')
    case 'hmac-sha512':
      return findBySecret(keys, 'sha512')
    case 'rsa-sha256':
      return findByPublicKey(keys, 'sha256')
    case 'ed25519':
      return findByPublicKey(keys, null)
  }
}

function findBySecret(keys: readonly NamedKey[], hash: 'sha256' | 'sha512'): KeyFinder {
  return (content, signatures) =>
    keys.find(({ key }) => {
      const expected = computeHmac(hash, key, content)
      // The length of a right signature is no secret; timingSafeEqual wants both alike.
      return signatures.some((one) => one.length === expected.length && timingSafeEqual(one, expected))
    })
}

export function computeHmac(
  hash: 'sha256' | 'sha512',
  key: KeyObject,
  content: readonly Uint8Array[],
): Buffer {
  const hmac = createHmac(hash, key)
  for (const chunk of content) hmac.update(chunk)
  return hmac.digest()
}

function findByPublicKey(keys: readonly NamedKey[], hash: 'sha256' | null): KeyFinder {
  return (content, signatures) => {
    const [only] = content
    const bytes = content.length === 1 && only ? only : Buffer.concat(content)
    return keys.find(({ key }) => signatures.some((one) => verify(hash, bytes, key, one)))
  }
}
