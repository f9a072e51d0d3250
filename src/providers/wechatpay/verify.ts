/**
 * Is this callback, or this answer, WeChat Pay's? The key is the one that the serial names and no other. The signature is
 * checked before the time, so that "outside the window" always means rightly signed. A probe, whose signature begins
 * with `WECHATPAY/SIGNTEST/`, is no special case: it must fail like any wrong signature.
 */
import { normaliseKeySerial } from '../../domain/key-serial.ts'
import { digestBody } from '../digest.ts'
import type { CallbackRequest, RefusalReason, Verification } from '../provider.ts'
import type { PlatformKey, WechatpayAccount } from './account.ts'
import type { FoundKey, PlatformKeys } from './platform-keys.ts'

import { decodeBase64, headerNames, signatureType, verifyParts } from './signature.ts'

/** What is signed, read from the headers and checked for its form alone. */
export interface SignatureHeaders {
  timestamp: string
  nonce: string
  /** Normalised. */
  serial: string
  signature: Buffer
}

type Header = CallbackRequest['header']

/** Seconds since 1970, without a sign or leading zeros. */
const timestampPattern = /^[1-9][0-9]{0,11}$/
/** Printable ASCII without spaces; a line feed in it would move the lines that are signed. */
const noncePattern = /^[\x21-\x7e]{1,128}$/

export function readSignatureHeaders(header: Header): SignatureHeaders | { refused: RefusalReason } {
  // Absent on some of WeChat Pay's own traffic, which is then RSA.
  const type = header(headerNames.type)
  if (type !== undefined && type !== signatureType) return { refused: 'signature-type-unknown' }
  const timestamp = header(headerNames.timestamp)
  if (!timestamp) return { refused: 'timestamp-missing' }
  if (!timestampPattern.test(timestamp)) return { refused: 'timestamp-malformed' }
  const nonce = header(headerNames.nonce)
  if (!nonce) return { refused: 'nonce-missing' }
  if (!noncePattern.test(nonce)) return { refused: 'nonce-malformed' }
  const text = header(headerNames.signature)
  if (!text) return { refused: 'signature-missing' }
  const signature = decodeBase64(text)
  if (!signature) return { refused: 'signature-malformed' }
  const named = header(headerNames.serial)
  if (!named) return { refused: 'key-missing' }
  const serial = normaliseKeySerial(named)
  return serial ? { timestamp, nonce, signature, serial } : { refused: 'key-unknown' }
}

export interface SignedBy {
  body: Uint8Array
  key: PlatformKey
  now: number
  toleranceMs: number
}

export function checkSignature(
  headers: SignatureHeaders,
  { body, key, now, toleranceMs }: SignedBy,
): RefusalReason | undefined {
  const { timestamp, nonce, signature } = headers
  if (!verifyParts({ timestamp, nonce, body }, signature, key.key)) return 'signature-wrong'
  // WeChat Pay's own libraries refuse at exactly the tolerance.
  return Math.abs(now - Number(timestamp) * 1000) >= toleranceMs ? 'outside-window' : undefined
}

export function verifyCallback(
  account: WechatpayAccount,
  keys: Pick<PlatformKeys, 'find'>,
  request: CallbackRequest,
): Verification | Promise<Verification> {
  const digest = digestBody(request.body)
  const headers = readSignatureHeaders(request.header)
  if ('refused' in headers) return { outcome: 'refused', reason: headers.refused, digest }
  const conclude = (found: FoundKey): Verification => {
    if (found.outcome === 'not-loaded') return { outcome: 'keys-not-loaded', digest }
    if (found.outcome === 'unknown') return { outcome: 'refused', reason: 'key-unknown', digest }
    const { key } = found
    const { body, now } = request
    const reason = checkSignature(headers, { body, key, now, toleranceMs: account.toleranceMs })
    if (reason) return { outcome: 'refused', reason, digest }
    return { outcome: 'authentic', keyId: key.serial, digest, headers: keptHeaders(request.header) }
  }
  const found = keys.find(headers.serial)
  return found instanceof Promise ? found.then(conclude) : conclude(found)
}

const kept = Object.values(headerNames)

/** What it takes to check the signature again, and nothing else. */
function keptHeaders(header: Header): Record<string, string> {
  const found: Record<string, string> = {}
  for (const name of kept) {
    const value = header(name)
    if (value !== undefined) found[name] = value
  }
  return found
}
