/**
 * Signatures as text. `Buffer.from` mends or drops what is no such text; here one text stands for one value, so that a
 * changed character is a changed signature and is refused.
 */
import type { Encoding } from './account.ts'

export function decodeExactly(text: string, encoding: Encoding): Buffer | undefined {
  const bytes = Buffer.from(text, encoding)
  if (bytes.length === 0) return undefined
  const again = bytes.toString(encoding)
  // Hex is written in small letters or in capitals, and never in both.
  return again === text || (encoding === 'hex' && again.toUpperCase() === text) ? bytes : undefined
}
