/**
 * Where a reader stands: a position in the log of every partition. Opaque to them, and good for ever after as far as
 * the log reaches back.
 */
import { AppError } from '../domain/errors.ts'

export type Positions = string[]

const version = 1
const positionPattern = /^\d{1,16}-\d{1,16}$/

export function encodeCursor(positions: Positions): string {
  return Buffer.from(JSON.stringify([version, ...positions])).toString('base64url')
}

export function decodeCursor(text: string, partitions: number): Positions {
  const [form, ...positions] = readArray(text)
  const whole = positions.length === partitions && positions.every(isPosition)
  if (form !== version || !whole) throw invalid()
  return positions as Positions
}

function readArray(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    if (Array.isArray(value)) return value
  } catch {
    // Not JSON: not one of ours.
  }
  throw invalid()
}

function isPosition(value: unknown): value is string {
  return typeof value === 'string' && positionPattern.test(value)
}

function invalid(): AppError {
  const message =
    'It is not a cursor that this service gave out. Leave `after` away to begin with the oldest event.'
  return new AppError('invalid-cursor', {
    detail: message,
    errors: [{ path: 'after', code: 'invalid-cursor', message }],
  })
}

/** `<milliseconds>-<number>`: older first. */
export function comparePositions(a: string, b: string): number {
  const [aMs = '0', aNumber = '0'] = a.split('-')
  const [bMs = '0', bNumber = '0'] = b.split('-')
  return Number(aMs) - Number(bMs) || Number(aNumber) - Number(bNumber)
}
