/** Why there was no answer, in words that stay: of errors of the network, of TLS and of what came. */
import { errors } from 'undici'
import { AppError } from '../domain/errors.ts'
import { NameNotResolved } from './connector.ts'

export type WhyUnanswered =
  | 'timeout'
  | 'name-not-resolved'
  | 'connection-failed'
  | 'connection-lost'
  | 'tls-failed'
  | 'address-refused'
  | 'not-https'
  | 'url-invalid'
  | 'answer-invalid'

/** Our own limit, over everything. */
export class TooLate extends Error {}

/** `sent`: the connection stood, and the request was written to it. */
export function whyUnanswered(error: unknown, sent: boolean): WhyUnanswered {
  if (error instanceof AppError) return 'address-refused'
  if (error instanceof NameNotResolved) return 'name-not-resolved'
  if (error instanceof errors.InvalidArgumentError) return 'url-invalid'
  if (error instanceof TooLate || error instanceof errors.ConnectTimeoutError) return 'timeout'
  if (error instanceof errors.HTTPParserError || error instanceof errors.HeadersOverflowError)
    return 'answer-invalid'
  if (sent) return isLost(error) ? 'connection-lost' : 'answer-invalid'
  const code = codeOf(error)
  if (code === 'ETIMEDOUT') return 'timeout'
  return tlsCode.test(code) ? 'tls-failed' : 'connection-failed'
}

/** The other side hung up, or was never there: nothing was wrong with what it said. */
export function isLost(error: unknown): boolean {
  return error instanceof errors.SocketError || lostCodes.has(codeOf(error))
}

const lostCodes = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ECONNABORTED', 'EHOSTUNREACH', 'ENETDOWN'])

/** Node's own, OpenSSL's, and what OpenSSL says of a certificate. */
const tlsCode =
  /^(ERR_SSL|ERR_TLS|EPROTO|CERT|CRL|UNABLE_TO|ERROR_IN|DEPTH_ZERO|SELF_SIGNED|INVALID_|PATH_LENGTH|HOSTNAME_MISMATCH)/

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
