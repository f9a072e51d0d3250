/**
 * Where the JWS of a callback stands, and its three parts. A part that is base64url in a way that nobody writes (bits
 * to spare, padding) is refused, so that no changed character passes.
 */
import type { CallbackRequest, RefusalReason } from '../provider.ts'
import type { JwsAlgorithm, JwsScheme } from './account.ts'
import { decodeExactly } from './encoding.ts'

export interface JwsToken {
  protected: string
  /** As it goes into the check: base64url text, or the body's own bytes (RFC 7797). */
  payload: string | Uint8Array
  signature: string
  header: JwsHeader
  /** What is signed, as bytes. */
  content: Uint8Array
}

export type JwsHeader = Record<string, unknown> & { alg: JwsAlgorithm; kid?: string }

type Read = { token: JwsToken } | { reason: RefusalReason }

export function readJwsToken(scheme: JwsScheme, request: CallbackRequest): Read {
  const text = readText(scheme, request)
  if (!text) return { reason: 'signature-missing' }
  const [head = '', payload = '', signature = '', ...more] = text.split('.')
  const bytes = decodeExactly(head, 'base64url')
  if (!bytes || more.length > 0 || !decodeExactly(signature, 'base64url'))
    return { reason: 'signature-malformed' }
  const header = readHeader(bytes)
  if (!header) return { reason: 'signature-malformed' }
  if (!isAllowed(scheme, header)) return { reason: 'signature-type-unknown' }
  const parts = { protected: head, signature, header }
  return scheme.form === 'detached'
    ? readDetached(parts, payload, request.body)
    : readCompact(parts, payload, scheme.header === undefined ? undefined : request.body)
}

function readText({ header }: JwsScheme, request: CallbackRequest): string | undefined {
  if (header === undefined) return request.body.toString('latin1')
  return request.header(header) ?? restore(request.header(keptName(header)), request.body)
}

/** No header that comes over the wire has a colon in its name: only what `keepToken` kept is found there. */
const keptName = (header: string) => `${header}:detached`

/**
 * What it takes to check it again. A compact token in a header holds the whole body, which is kept sealed and nowhere
 * else: of such a one the payload is left out.
 */
export function keepToken({ form, header }: JwsScheme, token: JwsToken): Record<string, string> {
  if (header === undefined) return {}
  const text = `${token.protected}..${token.signature}`
  return { [form === 'detached' ? header : keptName(header)]: text }
}

function restore(kept: string | undefined, body: Uint8Array): string | undefined {
  return kept?.replace('..', `.${Buffer.from(body).toString('base64url')}.`)
}

type Parts = Omit<JwsToken, 'payload' | 'content'>

function readDetached(parts: Parts, between: string, body: Uint8Array): Read {
  if (between !== '') return { reason: 'signature-malformed' }
  const payload = isUnencoded(parts.header) ? body : Buffer.from(body).toString('base64url')
  return { token: { ...parts, payload, content: body } }
}

/** With a body of its own beside the token, the two have to be the same bytes. */
function readCompact(parts: Parts, payload: string, body: Uint8Array | undefined): Read {
  const content = decodeExactly(payload, 'base64url')
  if (!content || isUnencoded(parts.header)) return { reason: 'signature-malformed' }
  if (body && Buffer.compare(body, content) !== 0) return { reason: 'signature-wrong' }
  return { token: { ...parts, payload, content } }
}

function readHeader(bytes: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    const header = value as Record<string, unknown>
    if (header.kid !== undefined && typeof header.kid !== 'string') return undefined
    return isB64Right(header) ? header : undefined
  } catch {
    return undefined
  }
}

/** RFC 7797, section 6: `b64` counts only where `crit` says that it must be understood. */
function isB64Right({ b64, crit }: Record<string, unknown>): boolean {
  return b64 === undefined || (typeof b64 === 'boolean' && Array.isArray(crit) && crit.includes('b64'))
}

function isAllowed(scheme: JwsScheme, header: Record<string, unknown>): header is JwsHeader {
  return scheme.algorithms.some((algorithm) => algorithm === header.alg)
}

function isUnencoded(header: JwsHeader): boolean {
  return header.b64 === false
}

/** For the translation: the payload of a body that is a compact JWS. */
export function readCompactPayload(body: Uint8Array): Buffer | undefined {
  const [, payload = ''] = Buffer.from(body).toString('latin1').split('.')
  return decodeExactly(payload, 'base64url')
}
