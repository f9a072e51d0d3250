/** What WeChat Pay encrypts field by field, as a payee's name: RSA-OAEP with SHA-1, for the merchant's certificate. */
import { constants, type KeyObject, privateDecrypt } from 'node:crypto'
import { decodeBase64 } from './signature.ts'

/** Undefined where it is not for this key. */
export function decryptField(text: string, merchantPrivateKey: KeyObject): string | undefined {
  const bytes = decodeBase64(text)
  if (!bytes) return undefined
  try {
    const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' }
    return privateDecrypt({ key: merchantPrivateKey, ...padding }, bytes).toString()
  } catch {
    return undefined
  }
}
