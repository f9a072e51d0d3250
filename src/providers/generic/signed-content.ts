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

/**
 * Undefined where a part is missing, or holds what sets it apart from its neighbour. What stands between bodies comes as
 * one chunk: each chunk costs the signature a call.
 */
export function renderSigned(parts: readonly SignedPart[], values: SignedValues): Uint8Array[] | undefined {
  const chunks: Uint8Array[] = []
  /** Bytes, a letter each. */
  let text = ''
  for (const part of parts) {
    if (part.kind === 'body') {
      if (text !== '') chunks.push(Buffer.from(text, 'latin1'))
      chunks.push(values.body)
      text = ''
      continue
    }
    const piece = renderPart(part, values)
    if (piece === undefined) return undefined
    text += piece
  }
  if (text !== '') chunks.push(Buffer.from(text, 'latin1'))
  return chunks
}

function renderPart(part: SignedPart, values: SignedValues): string | undefined {
  switch (part.kind) {
    case 'body':
      // Bytes, and never letters.
      return undefined
    case 'literal':
      return bytesOf(part.text)
    case 'timestamp':
      return values.timestamp
    case 'bodySha256':
      return values.bodyDigest
    case 'path':
      return values.path
    case 'method':
      return 'POST'
    case 'header': {
      const value = values.header(part.name)
      return value !== undefined && isApart(value, part) ? value : undefined
    }
  }
}

/** The template's own text is signed as UTF-8. */
function bytesOf(text: string): string {
  return /^[ -~]*$/.test(text) ? text : Buffer.from(text).toString('latin1')
}

/** Would a reader who looks for the text before and after it find just this value? */
function isApart(
  value: string,
  { before, after }: { before?: string | undefined; after?: string | undefined },
): boolean {
  const endsRight = after === undefined || (value + after).indexOf(after) === value.length
  return endsRight && (before === undefined || (before + value).lastIndexOf(before) === 0)
}
