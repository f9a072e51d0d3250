/** What may be called at all, before any name is looked up. */
import { AppError } from '../domain/errors.ts'

/** Throws `outbound-refused` for what is no URL, or names a user or a password. */
export function readTarget(address: string | URL): URL {
  if (!URL.canParse(String(address))) {
    throw new AppError('outbound-refused', { detail: 'What was to be called is not a URL.' })
  }
  const url = new URL(address)
  if (url.username !== '' || url.password !== '') {
    throw new AppError('outbound-refused', { detail: 'A URL with a user or a password in it is not called.' })
  }
  return url
}

export function isProtocolAllowed({ protocol }: URL, http: boolean): boolean {
  return protocol === 'https:' || (protocol === 'http:' && http)
}
