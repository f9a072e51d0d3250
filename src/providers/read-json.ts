import { parse } from 'lossless-json'

/** Numbers stay the text that they are on the wire, and a key that stands twice with two values is refused. */
export function readJson(body: Uint8Array): { value: unknown } | { problem: string } {
  try {
    const decoded = new TextDecoder('utf-8', { fatal: true }).decode(body)
    return { value: parse(decoded, null, (number) => number) }
  } catch (error) {
    if (error instanceof TypeError) return { problem: 'The body is not UTF-8.' }
    if (error instanceof RangeError) return { problem: 'The body is nested too deeply.' }
    // The parser's own message would quote the body.
    return { problem: 'The body is not JSON, or says one thing twice in different ways.' }
  }
}
