/** Which problems a call may be answered with, by status. */
import { type ErrorCode, errorCodes } from '../../domain/errors.ts'
import type { Operation } from '../api/operation.ts'

/** Of every call that takes a token, whatever it does. */
const always: readonly ErrorCode[] = [
  'unauthenticated',
  'missing-scope',
  'malformed-json',
  'body-too-large',
  'unsupported-media-type',
  'redis-away',
  'redis-full',
  'redis-weak',
  'not-on-record',
  'archive-unavailable',
  'archive-damaged',
  'cannot-unseal',
  'internal-error',
]

export function problemsOf({
  scope,
  query,
  body,
  headers,
  problems = [],
}: Operation): Map<number, ErrorCode[]> {
  const checked: ErrorCode[] = query || body || headers ? ['invalid-request'] : []
  const codes = new Set([...problems, ...checked, ...(scope ? always : ['internal-error' as const])])
  const byStatus = new Map<number, ErrorCode[]>()
  // In the order of the table, so that the documents do not change with the order in which they are named.
  for (const code of Object.keys(errorCodes) as ErrorCode[]) {
    if (!codes.has(code)) continue
    const { status } = errorCodes[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return byStatus
}
