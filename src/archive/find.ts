/**
 * Searches the archive without holding more of it than one member. A closed segment is passed over when its manifest says
 * that nothing in it can match, and an id or a reference is looked up in its index; without an index, or while it is open,
 * all of it is read.
 */
import type { ArchiveFiles, FileHandle } from './files.ts'
import { idKey, referenceKey, searchIndex } from './index-file.ts'
import { type ArchivedLine, decodeLine } from './line.ts'
import { decodeManifest, type Manifest } from './manifest.ts'
import type { ArchivePlace, SegmentName } from './place.ts'
import { readMember } from './read-line.ts'
import { walkMembers } from './walk.ts'

export interface ArchiveQuery {
  id?: string
  reference?: string
  account?: string
  kind?: string
  /** Of the line's `at`; both ends belong to it. */
  from?: number
  to?: number
}

export interface ArchiveFound {
  place: ArchivePlace
  line: ArchivedLine
}

/** What could not be read is told, and the search goes on: it may well be elsewhere. */
export type OnDamaged = (segment: string) => void

export async function* findLines(
  files: ArchiveFiles,
  query: ArchiveQuery,
  onDamaged: OnDamaged,
): AsyncGenerator<ArchiveFound> {
  for (const name of await files.list()) {
    let isDamaged = false
    for await (const part of searchSegment(files, name, query)) {
      if (part === 'damaged') isDamaged = true
      else if (matches(part.line, query)) yield part
    }
    if (isDamaged) onDamaged(name.segment)
  }
}

type Part = ArchiveFound | 'damaged'

async function* searchSegment(
  files: ArchiveFiles,
  { segment }: SegmentName,
  query: ArchiveQuery,
): AsyncGenerator<Part> {
  const bytes = await files.readIfThere(files.manifestPath(segment))
  const manifest = bytes && decodeManifest(bytes)
  if (bytes && !manifest) yield 'damaged'
  if (manifest && !mayHold(manifest, query)) return
  const key = keyOf(query)
  const index = manifest && key !== undefined ? await files.openIfThere(files.indexPath(segment)) : undefined
  const opened = await files.openSegment(segment)
  try {
    if (!opened) yield 'damaged'
    else if (index && key !== undefined) yield* searchByIndex(opened.handle, index, segment, key)
    else yield* readAll(opened.handle, segment, manifest)
  } finally {
    await index?.close()
    await opened?.handle.close()
  }
}

async function* searchByIndex(
  handle: FileHandle,
  index: FileHandle,
  segment: string,
  key: number,
): AsyncGenerator<Part> {
  for (const { offset, line: number } of await searchIndex(index, key)) {
    const member = await readMember(handle, offset)
    const line = decodeLine(member?.lines[number] ?? Buffer.alloc(0))
    if (member && line) yield { place: { segment, offset, length: member.length, line: number }, line }
    else yield 'damaged'
  }
}

async function* readAll(
  handle: FileHandle,
  segment: string,
  manifest: Manifest | undefined,
): AsyncGenerator<Part> {
  for await (const part of walkMembers(handle)) {
    if (part.kind === 'rest') {
      if (part.state === 'damaged' || (manifest && part.offset < manifest.bytes)) yield 'damaged'
      return
    }
    const { offset, packed } = part
    for (const [number, bytes] of part.lines.entries()) {
      const line = decodeLine(bytes)
      yield line ? { place: { segment, offset, length: packed.length, line: number }, line } : 'damaged'
    }
  }
}

function keyOf({ id, reference }: ArchiveQuery): number | undefined {
  if (id !== undefined) return idKey(id)
  return reference === undefined ? undefined : referenceKey(reference)
}

function mayHold(manifest: Manifest, { account, kind, from, to }: ArchiveQuery): boolean {
  if (from !== undefined && manifest.to < from) return false
  if (to !== undefined && manifest.from > to) return false
  if (account !== undefined && !Object.hasOwn(manifest.accounts, account)) return false
  return kind === undefined || Object.hasOwn(manifest.kinds, kind)
}

function matches(line: ArchivedLine, { from, to, ...words }: ArchiveQuery): boolean {
  if (from !== undefined && line.at < from) return false
  if (to !== undefined && line.at > to) return false
  const asked = Object.entries(words) as [keyof typeof words, string | undefined][]
  return asked.every(([name, value]) => value === undefined || line[name] === value)
}
