/**
 * What has to be encrypted for WeChat Pay field by field, as a payee's name: RSA-OAEP with SHA-1, under the key that
 * `Wechatpay-Serial` names. `sensitive-field.ts` opens what comes back.
 */
import { constants, type KeyObject, publicEncrypt } from 'node:crypto'

/** What one block takes under a key of 2048 bits, in UTF-8. */
export const fieldBytesMax = 214

/** Throws for text that is longer; `check-order.ts` has refused it before. */
export function encryptField(text: string, key: KeyObject): string {
  const bytes = Buffer.from(text)
  if (bytes.length > fieldBytesMax) throw new RangeError(`A field has at most ${fieldBytesMax} bytes.`)
  const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' }
  return publicEncrypt({ key, ...padding }, bytes).toString('base64')
}
