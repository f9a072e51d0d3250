/**
 * How WeChat Pay names its keys: `PUB_KEY_ID_` and digits for a public key, the serial number in hex for a certificate.
 * A serial number is a number: letters of either case and leading zeros make no difference, and two ways to write
 * one certificate must not become two keys. The id of a public key is compared as it stands.
 */
const publicKeyId = /^PUB_KEY_ID_[0-9]{1,64}$/
const certificateSerial = /^[0-9a-fA-F]{1,40}$/

export function isPublicKeyId(serial: string): boolean {
  return publicKeyId.test(serial)
}

/** Undefined where it is neither. */
export function normaliseKeySerial(serial: string): string | undefined {
  if (isPublicKeyId(serial)) return serial
  if (!certificateSerial.test(serial)) return undefined
  return serial.toUpperCase().replace(/^0+(?=.)/, '')
}
