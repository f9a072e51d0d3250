/**
 * One line of the archive and the chain that it is part of.
 *
 *   {"n":7,"prev":"<64 hex>","kind":"transfer","id":"tr-…","account":"…","reference":"…","at":1735689600000,"data":{…}}
 *
 * The hash of a line is the SHA-256 of its bytes as they stand in the file, without the newline. `prev` is the hash of
 * the line before, and inside the line, so the hash covers it; no hash is stored with the line that it belongs to, and
 * nothing has to be put into a canonical form again to check it. The first `prev` of a chain is the SHA-256 of the
 * writer's id, so that a chain cannot be passed off as another writer's. `n` counts from 1 over all segments of a chain.
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { AppError } from '../domain/errors.ts'

export interface ArchiveLine {
  /** What it is, as `transfer` or `receipt`. */
  kind: string
  id: string
  account: string
  reference?: string
  /** Milliseconds; what `from` and `to` of a search compare. */
  at: number
  /** Personal data in it is sealed under a key that is not in the archive. */
  data: unknown
}

export interface ArchivedLine extends ArchiveLine {
  n: number
  prev: string
}

/** The end of a chain: the number and hash of its last line. */
export interface ChainHead {
  n: number
  hash: string
}

/** More than any record of ours by far; it bounds what a reader has to hold. */
export const lineBytesMax = 16 * 1024 * 1024

const wordsSchema = z.strictObject({
  kind: z.string().regex(/^[a-z][a-z0-9-]{0,63}$/),
  id: z.string().min(1).max(256),
  account: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/),
  reference: z.string().max(1024).optional(),
  at: z.int(),
  data: z.unknown(),
})
const lineSchema = wordsSchema.extend({ n: z.int().min(1), prev: z.string().regex(/^[0-9a-f]{64}$/) })

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

export function beginChain(writer: string): ChainHead {
  return { n: 0, hash: sha256(writer) }
}

/** A line that waits for its place in the chain: `body` is its JSON without the number and the hash before. */
export interface PreparedLine {
  words: Omit<ArchiveLine, 'data'>
  body: string
}

/** What cannot be read back must not be written: the archive may be the only place where it stays. */
export function prepareLine({ kind, id, account, reference, at, data }: ArchiveLine): PreparedLine {
  const words = { kind, id, account, reference, at }
  const body = JSON.stringify({ ...words, data: data ?? null })
  const isFit = wordsSchema.safeParse({ ...words, data }).success
  if (!isFit || Buffer.byteLength(body) > lineBytesMax)
    throw new AppError('internal-error', { detail: 'A line is not fit for the archive.', context: { kind } })
  return { words, body }
}

export function encodeLine({ body }: PreparedLine, head: ChainHead): { bytes: Buffer; head: ChainHead } {
  const n = head.n + 1
  const bytes = Buffer.from(`{"n":${n},"prev":"${head.hash}",${body.slice(1)}`)
  return { bytes, head: { n, hash: sha256(bytes) } }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function decodeLine(bytes: Uint8Array): ArchivedLine | undefined {
  try {
    return lineSchema.safeParse(JSON.parse(utf8.decode(bytes))).data as ArchivedLine | undefined
  } catch {
    return undefined
  }
}

export type ChainFault =
  | 'line-unreadable'
  | 'line-removed'
  | 'line-repeated'
  | 'lines-swapped'
  | 'line-changed'

export type Followed =
  | { outcome: 'follows'; line: ArchivedLine; head: ChainHead }
  | { outcome: 'broken'; fault: ChainFault; n: number }

/** Whether these bytes are the next line of the chain; `n` of a broken one is the first line that is not as it was. */
export function followChain(bytes: Uint8Array, head: ChainHead): Followed {
  const n = head.n + 1
  const line = decodeLine(bytes)
  if (!line) return { outcome: 'broken', fault: 'line-unreadable', n }
  if (line.n !== n) return { outcome: 'broken', fault: line.n > n ? 'line-removed' : 'line-repeated', n }
  // The line before has another hash than the one that this line noted when it was written.
  if (line.prev !== head.hash) return { outcome: 'broken', fault: 'line-changed', n: Math.max(1, head.n) }
  return { outcome: 'follows', line, head: { n, hash: sha256(bytes) } }
}
