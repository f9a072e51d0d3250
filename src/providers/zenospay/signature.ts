/**
 * Zenospay signs `METHOD:PATH:sha256 hex of the body:X-TIMESTAMP` with RSA-SHA256 (PKCS#1 v1.5). That its callbacks are
 * signed like its requests is inferred (README.md), which is why key, path and tolerance are configuration.
 */
import { type KeyObject, sign, verify } from 'node:crypto'

export const headerNames = {
  timestamp: 'x-timestamp',
  signature: 'x-signature',
  partner: 'x-partner-id',
} as const

export interface SignedParts {
  method: 'GET' | 'POST'
  path: string
  /** Lower-case hex; over the bytes as they travel, never over a parsed and printed body. */
  bodyDigest: string
  timestamp: string
}

export function stringToSign({ method, path, bodyDigest, timestamp }: SignedParts): string {
  return `${method}:${path}:${bodyDigest}:${timestamp}`
}

export function signParts(parts: SignedParts, privateKey: KeyObject): string {
  return sign('sha256', Buffer.from(stringToSign(parts)), privateKey).toString('base64')
}

export function verifyParts(parts: SignedParts, signature: Buffer, publicKey: KeyObject): boolean {
  return verify('sha256', Buffer.from(stringToSign(parts)), publicKey, signature)
}
