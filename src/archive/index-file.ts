/**
 * Which member of a closed segment holds an id or a reference: sorted entries of 14 bytes, a shortened hash of the word
 * (6), the member's offset (6) and the line in it (2). A search reads a handful of them and not the whole. Two words may
 * share a hash; the line itself says which it is.
 */
import { createHash } from 'node:crypto'
import type { FileHandle } from './files.ts'
import type { ArchiveLine } from './line.ts'

const entryBytes = 14
/** Read at once, when the search has come down to them. */
const blockEntries = 512

/** A member never has more, so that the line fits two bytes. */
export const memberLinesMax = 0xffff

export interface IndexEntry {
  key: number
  offset: number
  line: number
}

export function idKey(id: string): number {
  return keyOf(`id:${id}`)
}

export function referenceKey(reference: string): number {
  return keyOf(`reference:${reference}`)
}

export function keysOf({ id, reference }: Pick<ArchiveLine, 'id' | 'reference'>): number[] {
  return reference === undefined ? [idKey(id)] : [idKey(id), referenceKey(reference)]
}

function keyOf(word: string): number {
  return createHash('sha256').update(word).digest().readUIntBE(0, 6)
}

export function encodeIndex(entries: readonly IndexEntry[]): Buffer {
  const sorted = entries.toSorted((a, b) => a.key - b.key || a.offset - b.offset || a.line - b.line)
  const bytes = Buffer.allocUnsafe(sorted.length * entryBytes)
  sorted.forEach(({ key, offset, line }, i) => {
    bytes.writeUIntBE(key, i * entryBytes, 6)
    bytes.writeUIntBE(offset, i * entryBytes + 6, 6)
    bytes.writeUInt16BE(line, i * entryBytes + 12)
  })
  return bytes
}

export async function searchIndex(handle: FileHandle, key: number): Promise<IndexEntry[]> {
  const { size } = await handle.stat()
  const entries = Math.floor(size / entryBytes)
  const found: IndexEntry[] = []
  for (let at = await lowerBound(handle, key, entries); at < entries; at += blockEntries) {
    const block = await readEntries(handle, at, blockEntries)
    found.push(...block.filter((entry) => entry.key === key))
    if ((block.at(-1)?.key ?? Number.POSITIVE_INFINITY) > key) break
  }
  return found
}

/** The start of a block at most 512 before the first entry that is not below the key. */
async function lowerBound(handle: FileHandle, key: number, entries: number): Promise<number> {
  let low = 0
  let high = entries
  while (high - low > blockEntries) {
    const middle = (low + high) >>> 1
    const [entry] = await readEntries(handle, middle, 1)
    if (!entry) return low
    if (entry.key < key) low = middle
    else high = middle
  }
  return low
}

async function readEntries(handle: FileHandle, from: number, count: number): Promise<IndexEntry[]> {
  const bytes = Buffer.allocUnsafe(count * entryBytes)
  const { bytesRead } = await handle.read(bytes, 0, bytes.length, from * entryBytes)
  return Array.from({ length: Math.floor(bytesRead / entryBytes) }, (_, i) => ({
    key: bytes.readUIntBE(i * entryBytes, 6),
    offset: bytes.readUIntBE(i * entryBytes + 6, 6),
    line: bytes.readUInt16BE(i * entryBytes + 12),
  }))
}
