/** The headers that a verification reads, and those that the quarantine keeps. */
import type { IncomingMessage } from 'node:http'

/** Of these Node keeps the first and drops the others, or joins them by a semicolon; all but these it joins by a comma. */
const keptFirst = new Set([
  ...['age', 'authorization', 'content-length', 'content-type', 'cookie', 'date', 'etag', 'expires', 'from'],
  ...['host', 'if-modified-since', 'if-unmodified-since', 'last-modified', 'location', 'max-forwards'],
  ...['proxy-authorization', 'referer', 'retry-after', 'server', 'user-agent'],
])

/** A header that came twice is no header: nobody can say which of the two was signed. */
export function singleHeaders(req: IncomingMessage): (name: string) => string | undefined {
  const { headers } = req
  return (name) => {
    const value = headers[name]
    if (typeof value !== 'string') return undefined
    const mayBeTwo = value.includes(',') || keptFirst.has(name)
    return mayBeTwo && countOf(req.rawHeaders, name) !== 1 ? undefined : value
  }
}

function countOf(rawHeaders: readonly string[], name: string): number {
  let count = 0
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]?.toLowerCase() === name) count++
  return count
}

export function isEncoded({ headers }: IncomingMessage): boolean {
  const encoding = headers['content-encoding']
  return encoding !== undefined && encoding.toLowerCase() !== 'identity'
}

/** What it takes to verify it again, read as it was then. The quarantine seals them, cookies apart, and shows none. */
export function allHeaders(req: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {}
  const single = singleHeaders(req)
  for (const name of Object.keys(req.headers)) {
    const value = single(name)
    if (value !== undefined) headers[name] = value
  }
  return headers
}
