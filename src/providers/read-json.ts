/** A provider's JSON, read without losing a digit, and what is said of it when it cannot be. */
import { parse } from 'lossless-json'
import type { z } from 'zod'

/** Numbers stay the text that they are on the wire, and a key that stands twice with two values is refused. */
export function readJson(body: Uint8Array): { value: unknown } | { problem: string } {
  try {
    const decoded = new TextDecoder('utf-8', { fatal: true }).decode(body)
    return { value: parse(decoded, null, (number) => number) }
  } catch (error) {
    if (error instanceof TypeError) return { problem: 'is not UTF-8.' }
    if (error instanceof RangeError) return { problem: 'is nested too deeply.' }
    // The parser's own message would quote the body.
    return { problem: 'is not JSON, or says one thing twice in different ways.' }
  }
}

/** Where and of what kind; never the values, which are personal data. */
export function describeIssues(error: z.ZodError): string {
  const places = error.issues.map((issue) => `${issue.path.join('.') || 'the whole'} (${issue.code})`)
  return `is not of a form that is known: ${places.join(', ')}.`
}
