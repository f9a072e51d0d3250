/**
 * The bytes that are signed, put together by the account's template. The body goes in as the bytes that came; decoded
 * to text, different bytes could look alike. Headers are the bytes of the wire as well, which Node reads as Latin-1.
 */
import type { SignedPart } from './account.ts'

export interface SignedValues {
  timestamp: string | undefined
  body: Uint8Array
  /** SHA-256 in lower-case hex. */
  bodyDigest: string
  path: string
  header(name: string): string | undefined
}

/** Undefined where a part is missing, or holds what sets it apart from its neighbour. */
export function renderSigned(parts: readonly SignedPart[], values: SignedValues): Uint8Array[] | undefined {
  const chunks: Uint8Array[] = []
  for (const part of parts) {
    const chunk = renderPart(part, values)
    if (!chunk) return undefined
    chunks.push(chunk)
  }
  return chunks
}

function renderPart(part: SignedPart, values: SignedValues): Uint8Array | undefined {
  switch (part.kind) {
    case 'literal':
      return Buffer.from(part.text)
    case 'timestamp':
      return values.timestamp === undefined ? undefined : Buffer.from(values.timestamp, 'latin1')
    case 'body':
      return values.body
    case 'bodySha256':
      return Buffer.from(values.bodyDigest)
    case 'path':
      return Buffer.from(values.path, 'latin1')
    case 'method':
      return Buffer.from('POST')
    case 'header': {
      const value = values.header(part.name)
      if (value === undefined || !isApart(value, part)) return undefined
      return Buffer.from(value, 'latin1')
    }
  }
}

/** Would a reader who looks for the text before and after it find just this value? */
function isApart(
  value: string,
  { before, after }: { before?: string | undefined; after?: string | undefined },
): boolean {
  const endsRight = after === undefined || (value + after).indexOf(after) === value.length
  return endsRight && (before === undefined || (before + value).lastIndexOf(before) === 0)
}
