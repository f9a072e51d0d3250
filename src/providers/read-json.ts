/** A provider's JSON, read without losing a digit, and what is said of it when it cannot be. */
import { parse } from 'lossless-json'
import type { z } from 'zod'

const decoder = new TextDecoder('utf-8', { fatal: true })

/** Numbers stay the text that they are on the wire, and a key that stands twice with two values is refused. */
export function readJson(body: Uint8Array): { value: unknown } | { problem: string } {
  try {
    const text = decoder.decode(body)
    return { value: readPlain(text) ?? parse(text, null, (number) => number) }
  } catch (error) {
    if (error instanceof TypeError) return { problem: 'is not UTF-8.' }
    if (error instanceof RangeError) return { problem: 'is nested too deeply.' }
    // The parser's own message would quote the body.
    return { problem: 'is not JSON, or says one thing twice in different ways.' }
  }
}

/**
 * The same by the engine's own parser, for what it would write back letter by letter: then no key stood twice and no digit
 * was lost. Undefined for anything else, as for spaces between, which the careful parser reads.
 */
export function readPlain(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return undefined
    // The length tells, since each thing that is not written back so makes it shorter; but for numbers with an exponent.
    const numbers: number[] = []
    if (lengthOf(value, numbers) === text.length) {
      if (numbers.length === 0) return value
      if (!exponent.test(text)) return writeOutNumbers(value)
    }
    if (text.includes('"__proto__"')) return undefined
    return JSON.stringify(value) === text ? writeOutNumbers(value) : undefined
  } catch {
    return undefined
  }
}

/** Perhaps, and perhaps in a string only. */
const exponent = /[:[,\s]-?[0-9.]+[eE]/

/**
 * As it would be written, escapes aside; not a number where there is a fraction or a number that lost digits, or a key that is
 * no plain one. `numbers` gets those that it meets.
 */
function lengthOf(value: unknown, numbers: number[]): number {
  if (typeof value === 'string') return value.length + 2
  if (typeof value === 'number') return numbers.push(value) && lengthOfNumber(value)
  if (typeof value !== 'object' || value === null) return String(value).length
  const fields = value as Record<string, unknown>
  const keys = Object.keys(fields)
  // Brackets, and commas between.
  let length = 2 + Math.max(0, keys.length - 1)
  for (const key of keys) {
    if (key === '__proto__') return Number.NaN
    length += lengthOf(fields[key], numbers) + (Array.isArray(value) ? 0 : key.length + 3)
  }
  return length
}

function lengthOfNumber(value: number): number {
  return Number.isSafeInteger(value) ? String(value).length : Number.NaN
}

function writeOutNumbers(value: unknown): unknown {
  if (typeof value === 'number') return String(value)
  if (typeof value !== 'object' || value === null) return value
  const fields = value as Record<string, unknown>
  for (const key of Object.keys(fields)) {
    const field = fields[key]
    if (typeof field === 'number' || typeof field === 'object') fields[key] = writeOutNumbers(field)
  }
  return value
}

/** Where and of what kind; never the values, which are personal data. */
export function describeIssues(error: z.ZodError): string {
  const places = error.issues.map((issue) => `${issue.path.join('.') || 'the whole'} (${issue.code})`)
  return `is not of a form that is known: ${places.join(', ')}.`
}
