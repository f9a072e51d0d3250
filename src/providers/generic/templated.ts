/**
 * HMAC, RSA-SHA256 and Ed25519 over a template. The signature is looked at first and the window after it, so that
 * "outside the window" means "rightly signed, but late", which is worth a status query.
 */
import { digestBody } from '../digest.ts'
import type { CallbackRequest, RefusalReason, Verification } from '../provider.ts'
import type { GenericAccount, TemplatedScheme } from './account.ts'
import { readSignatureHeader } from './signature-header.ts'
import { createKeyFinder } from './signatures.ts'
import { renderSigned } from './signed-content.ts'
import { isOutside, readTimestamp } from './timestamp.ts'

export function createTemplatedVerify(
  { callbackPath }: Pick<GenericAccount, 'callbackPath'>,
  scheme: TemplatedScheme,
): (request: CallbackRequest) => Verification {
  const findKey = createKeyFinder(scheme)
  const { timestamp: rules } = scheme

  return (request) => {
    const digest = digestBody(request.body)
    const refuse = (reason: RefusalReason): Verification => ({ outcome: 'refused', reason, digest })

    const text = request.header(scheme.header)
    if (!text) return refuse('signature-missing')
    const found = readSignatureHeader(scheme, text)
    if (!found) return refuse('signature-malformed')

    const timestamp = rules && ('part' in rules.from ? found.timestamp : request.header(rules.from.header))
    if (rules && !timestamp) return refuse('timestamp-missing')
    const sentAt = rules && timestamp ? readTimestamp(timestamp, rules.format) : undefined
    if (rules && sentAt === undefined) return refuse('timestamp-malformed')

    const path = callbackPath ?? request.path
    const { header, body } = request
    const content = renderSigned(scheme.signed, { timestamp, body, bodyDigest: digest, path, header })
    if (!content) return refuse('nonce-missing')
    const key = findKey(content, found.signatures)
    if (!key) return refuse('signature-wrong')
    if (rules && sentAt !== undefined && isOutside(sentAt, request.now, rules.toleranceMs))
      return refuse('outside-window')

    const headers = keepHeaders(scheme, request, path)
    return { outcome: 'authentic', keyId: key.id, digest, headers }
  }
}

/** What it takes to check the signature again, and nothing else. */
function keepHeaders(
  scheme: TemplatedScheme,
  request: CallbackRequest,
  path: string,
): Record<string, string> {
  const names = [scheme.header]
  if (scheme.timestamp && 'header' in scheme.timestamp.from) names.push(scheme.timestamp.from.header)
  for (const part of scheme.signed) if (part.kind === 'header') names.push(part.name)
  const kept: Record<string, string> = {}
  for (const name of names) kept[name] = request.header(name) ?? ''
  if (scheme.signed.some(({ kind }) => kind === 'path')) kept.path = path
  return kept
}
