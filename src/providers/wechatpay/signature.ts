/**
 * Both directions of WeChat Pay's signatures: RSA-SHA256 (PKCS#1 v1.5) over lines that each end in a line feed, the last
 * one too. What WeChat Pay sends is signed as time, nonce, body; what we send as method, path with query, time,
 * nonce, body. A body is the bytes that travel, never a parsed and printed one.
 */
import { type KeyObject, sign, verify } from 'node:crypto'

export const signatureType = 'WECHATPAY2-SHA256-RSA2048'

export const headerNames = {
  timestamp: 'wechatpay-timestamp',
  nonce: 'wechatpay-nonce',
  signature: 'wechatpay-signature',
  serial: 'wechatpay-serial',
  type: 'wechatpay-signature-type',
} as const

export interface SignedParts {
  timestamp: string
  nonce: string
  body: Uint8Array
}

/** RSA-SHA256 in base64, of callbacks and requests alike. */
export function signBytes(bytes: Uint8Array, privateKey: KeyObject): string {
  return sign('sha256', bytes, privateKey).toString('base64')
}

export function signParts(parts: SignedParts, privateKey: KeyObject): string {
  return signBytes(bytesToSign(parts), privateKey)
}

export function verifyParts(parts: SignedParts, signature: Uint8Array, publicKey: KeyObject): boolean {
  return verify('sha256', bytesToSign(parts), publicKey, signature)
}

function bytesToSign({ timestamp, nonce, body }: SignedParts): Buffer {
  const head = `${timestamp}\n${nonce}\n`
  const headBytes = Buffer.byteLength(head)
  const bytes = Buffer.allocUnsafe(headBytes + body.length + 1)
  bytes.write(head)
  bytes.set(body, headBytes)
  bytes.write('\n', headBytes + body.length)
  return bytes
}

export interface RequestToSign {
  method: 'GET' | 'POST'
  /** As it is sent, already encoded, the query included. */
  pathAndQuery: string
  /** Empty where there is none. */
  body: string
}

export interface RequestSigner {
  mchid: string
  serialNo: string
  privateKey: KeyObject
  /** Seconds. */
  timestamp: number
  nonce: string
}

/** The `Authorization` header of a request of ours. */
export function authorise(request: RequestToSign, signer: RequestSigner): string {
  const { mchid, serialNo, timestamp, nonce } = signer
  const lines = [request.method, request.pathAndQuery, timestamp, nonce, request.body]
  const text = lines.map((line) => `${line}\n`).join('')
  const signature = signBytes(Buffer.from(text), signer.privateKey)
  const pairs = { mchid, nonce_str: nonce, timestamp, serial_no: serialNo, signature }
  const written = Object.entries(pairs).map(([name, value]) => `${name}="${value}"`)
  return `${signatureType} ${written.join(',')}`
}

/** Of a request: 32 hex digits, as long as those of WeChat Pay's own libraries. */
export function makeNonce(randomBytes: (count: number) => Uint8Array): string {
  return Buffer.from(randomBytes(16)).toString('hex').toUpperCase()
}

/** Buffer.from drops what is not base64; such text is refused rather than mended. */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.length > 0 && bytes.toString('base64') === text ? bytes : undefined
}
