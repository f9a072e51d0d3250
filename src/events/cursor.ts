/**
 * Where a reader stands: a position in the log of every partition, and which log it is. Opaque to them, and good for
 * as far back as the log reaches. Bytes in base64url: the version, the epoch, and of each partition milliseconds (as
 * the difference from the one before) and number. Those of version 1, JSON without an epoch, still open.
 */
import { AppError } from '../domain/errors.ts'
import { splitPosition } from './position.ts'

export type Positions = string[]

export interface Cursor {
  /** Missing in one of version 1, and of one that was made without. */
  epoch?: string
  positions: Positions
}

const version = 2
/** An epoch is this many bytes in base64url (`store/meta.ts`). */
const epochBytes = 9
/** Two numbers of at most 53 bits. */
const positionBytesMax = 16
/** Of a stretch that is told of elsewhere than in the feed: its positions alone are looked for. */
const noEpoch = Buffer.alloc(epochBytes).toString('base64url')
const positionPattern = /^\d{1,15}-\d{1,15}$/

/** Every event of every stream has one, so nothing is made for it but the text. */
export function encodeCursor(positions: readonly string[], epoch: string = noEpoch): string {
  const bytes = takeScratch(1 + epochBytes + positions.length * positionBytesMax)
  bytes[0] = version
  bytes.write(epoch, 1, 'base64url')
  let at = 1 + epochBytes
  let before = 0
  for (const position of positions) {
    const [ms, number] = splitPosition(position)
    const step = ms - before
    at = putNumber(bytes, at, step < 0 ? -step * 2 - 1 : step * 2)
    at = putNumber(bytes, at, number)
    before = ms
  }
  return bytes.toString('base64url', 0, at)
}

let scratch = Buffer.alloc(0)

function takeScratch(size: number): Buffer {
  if (scratch.length < size) scratch = Buffer.alloc(size)
  return scratch
}

export function decodeCursor(text: string, partitions: number): Cursor {
  const bytes = Buffer.from(text, 'base64url')
  const isBinary = bytes[0] === version
  const cursor = isBinary ? readBytes(bytes) : readFirstVersion(bytes)
  if (cursor?.positions.length !== partitions) throw invalid()
  // One that was cut, mangled or written otherwise is none of ours.
  if (isBinary && encodeCursor(cursor.positions, cursor.epoch) !== text) throw invalid()
  return cursor
}

function readBytes(bytes: Buffer): Cursor | undefined {
  if (bytes.length <= epochBytes) return undefined
  const epoch = bytes.toString('base64url', 1, 1 + epochBytes)
  const numbers = takeNumbers(bytes.subarray(1 + epochBytes))
  if (!numbers || numbers.length % 2 === 1) return undefined
  const positions: Positions = []
  let ms = 0
  for (let i = 0; i < numbers.length; i += 2) {
    const step = numbers[i] as number
    ms += step % 2 === 1 ? -(step + 1) / 2 : step / 2
    positions.push(`${ms}-${numbers[i + 1]}`)
  }
  if (!positions.every(isPosition)) return undefined
  return epoch === noEpoch ? { positions } : { epoch, positions }
}

function readFirstVersion(bytes: Buffer): Cursor | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString())
    if (!Array.isArray(value)) return undefined
    const [form, ...positions] = value as unknown[]
    return form === 1 && positions.every(isPosition) ? { positions } : undefined
  } catch {
    return undefined
  }
}

/** Seven bits a byte, the lowest first; the eighth says that more follow. By arithmetic: they are longer than 32 bits. */
function putNumber(bytes: Uint8Array, from: number, value: number): number {
  let at = from
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes[at++] = (rest % 128) + 128
  bytes[at++] = rest
  return at
}

function takeNumbers(bytes: Uint8Array): number[] | undefined {
  const numbers: number[] = []
  let value = 0
  let unit = 1
  for (const byte of bytes) {
    value += (byte % 128) * unit
    unit *= 128
    if (!Number.isSafeInteger(value)) return undefined
    if (byte >= 128) continue
    numbers.push(value)
    value = 0
    unit = 1
  }
  return unit === 1 ? numbers : undefined
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
