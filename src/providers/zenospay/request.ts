/**
 * A request of ours, signed as documented. The digest is that of the very bytes that are sent: they are minified and in
 * the documents' order from the start, so no other form of them exists that somebody could sign instead.
 */
import type { CallRequest } from '../client.ts'
import { digestBody } from '../digest.ts'
import type { ZenospayAccount, ZenospayCredentials } from './account.ts'
import { headerNames, signParts } from './signature.ts'

export interface Draft {
  method: 'GET' | 'POST'
  path: string
  body?: string | undefined
  repeatable: boolean
  notAfter?: number | undefined
}

export interface RequestDeps {
  account: Pick<ZenospayAccount, 'partnerId'>
  credentials: ZenospayCredentials
  clock: () => number
}

const getDigests: Record<ZenospayCredentials['getPayload'], string> = {
  empty: digestBody(Buffer.from('')),
  braces: digestBody(Buffer.from('{}')),
  brackets: digestBody(Buffer.from('[]')),
  none: '',
}

/** None is documented, so one bucket holds everything. */
export const bucket = 'all'

export function createSignedRequest({ account, credentials, clock }: RequestDeps) {
  return (draft: Draft): CallRequest => {
    const { method, path, body } = draft
    const bodyDigest = body === undefined ? getDigests[credentials.getPayload] : digestBody(Buffer.from(body))
    return {
      ...draft,
      bucket,
      headers() {
        const timestamp = formatRequestTime(clock())
        return {
          accept: 'application/json',
          ...(body !== undefined && { 'content-type': 'application/json' }),
          [headerNames.timestamp]: timestamp,
          [headerNames.partner]: account.partnerId,
          [headerNames.signature]: signParts({ method, path, bodyDigest, timestamp }, credentials.privateKey),
        }
      },
    }
  }
}

const jakartaMs = 7 * 60 * 60 * 1000

/** As the documents write it: `2024-12-19T17:07:05+07:00`. */
export function formatRequestTime(ms: number): string {
  return `${new Date(ms + jakartaMs).toISOString().slice(0, 19)}+07:00`
}
