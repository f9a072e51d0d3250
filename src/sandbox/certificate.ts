/**
 * Makes self-signed X.509 certificates: Node reads them and cannot write them, and a whole library is a lot for one
 * fixed form: version 3, an RSA key, SHA-256, one common name as subject and issuer. DER is tag, length, content.
 */
import { createPublicKey, type KeyObject, sign } from 'node:crypto'

export interface CertificateOptions {
  privateKey: KeyObject
  /** In hex; up to 40 digits. */
  serial: string
  commonName: string
  /** To the second. */
  validFrom: number
  validUntil: number
}

const tags = {
  integer: 0x02,
  bitString: 0x03,
  null: 0x05,
  objectId: 0x06,
  utf8: 0x0c,
  utcTime: 0x17,
  generalTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  version: 0xa0,
} as const

const sha256WithRsa = '2a864886f70d01010b'
const commonNameId = '550403'

/** As PEM. */
export function makeCertificate(options: CertificateOptions): string {
  const { privateKey, commonName, validFrom, validUntil } = options
  const algorithm = der('sequence', objectId(sha256WithRsa), der('null'))
  const name = der(
    'sequence',
    der('set', der('sequence', objectId(commonNameId), der('utf8', Buffer.from(commonName)))),
  )
  const content = der(
    'sequence',
    der('version', der('integer', Buffer.of(2))),
    serialNumber(options.serial),
    algorithm,
    name,
    der('sequence', time(validFrom), time(validUntil)),
    name,
    createPublicKey(privateKey).export({ type: 'spki', format: 'der' }),
  )
  const signature = sign('sha256', content, privateKey)
  return toPem(der('sequence', content, algorithm, der('bitString', Buffer.of(0), signature)))
}

function der(tag: keyof typeof tags, ...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  return Buffer.concat([Buffer.of(tags[tag]), lengthOf(content.length), content])
}

/** Below 128 it is the byte itself; else a byte that says how many follow. */
function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length)
  const digits = length.toString(16)
  const bytes = Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex')
  return Buffer.concat([Buffer.of(0x80 | bytes.length), bytes])
}

/** An integer: no needless zeros before it, and one zero where the first bit would make it negative. */
function serialNumber(hex: string): Buffer {
  const digits = hex.replace(/^0+/, '')
  const bytes = Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex')
  const isNegative = ((bytes[0] ?? 0) & 0x80) !== 0
  return der('integer', isNegative || bytes.length === 0 ? Buffer.of(0) : Buffer.alloc(0), bytes)
}

function objectId(hex: string): Buffer {
  return der('objectId', Buffer.from(hex, 'hex'))
}

/** Until 2049 with two digits of the year, as the standard wants it. */
function time(ms: number): Buffer {
  const text = `${new Date(ms).toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`
  const isShort = new Date(ms).getUTCFullYear() < 2050
  return isShort ? der('utcTime', Buffer.from(text.slice(2))) : der('generalTime', Buffer.from(text))
}

function toPem(bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
