import { hash } from 'node:crypto'

/** Of the raw body, by which a callback is named in logs and told from another: SHA-256 in lower-case hex. */
export function digestBody(body: Uint8Array): string {
  return hash('sha256', body, 'hex')
}
