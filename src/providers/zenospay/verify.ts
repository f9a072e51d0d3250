/**
 * Is this callback Zenospay's? The signature is checked over the bytes as received. Order matters little for an
 * attacker, since the answer is the same 401; what is cheap comes first. A stale time is told apart from a wrong
 * signature only after the signature has proved right, because "rightly signed but late" is worth a status query.
 */
import { hash, timingSafeEqual } from 'node:crypto'
import { parseTime } from '../../domain/time.ts'
import { digestBody } from '../digest.ts'
import type { CallbackRequest, RefusalReason, Verification } from '../provider.ts'
import type { ZenospayAccount } from './account.ts'
import { headerNames, type SignedParts, verifyParts } from './signature.ts'

export function verifyCallback(account: ZenospayAccount, request: CallbackRequest): Verification {
  const digest = digestBody(request.body)
  const refuse = (reason: RefusalReason): Verification => ({ outcome: 'refused', reason, digest })

  const partner = request.header(headerNames.partner)
  if (!partner) return refuse('partner-missing')
  if (!sameText(partner, account.partnerId)) return refuse('partner-wrong')

  const timestamp = request.header(headerNames.timestamp)
  if (!timestamp) return refuse('timestamp-missing')
  const sentAt = parseTime(timestamp)
  if (sentAt === undefined) return refuse('timestamp-malformed')

  const text = request.header(headerNames.signature)
  if (!text) return refuse('signature-missing')
  const signature = decodeBase64(text)
  if (!signature) return refuse('signature-wrong')

  const path = account.callbackPath ?? request.path
  const parts: SignedParts = { method: 'POST', path, bodyDigest: digest, timestamp }
  const key = account.providerPublicKeys.find((candidate) => verifyParts(parts, signature, candidate.key))
  if (!key) return refuse('signature-wrong')
  if (Math.abs(request.now - sentAt) > account.toleranceMs) return refuse('outside-window')

  // What it takes to check the signature again, and nothing else.
  const headers = {
    [headerNames.partner]: partner,
    [headerNames.timestamp]: timestamp,
    [headerNames.signature]: text,
    path,
  }
  return { outcome: 'authentic', keyId: key.id, digest, headers }
}

/** Digests are of one length, so neither the length nor the place of the first difference shows in the time it takes. */
function sameText(a: string, b: string): boolean {
  return timingSafeEqual(hash('sha256', a, 'buffer'), hash('sha256', b, 'buffer'))
}

/** Buffer.from drops what is not base64; such a header is refused rather than mended. */
function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.length > 0 && bytes.toString('base64') === text ? bytes : undefined
}
