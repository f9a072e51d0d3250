/** One line by its place: one member is read and unpacked, whatever the size of its segment. */
import type { ArchiveFiles, FileHandle } from './files.ts'
import { type ArchivedLine, decodeLine } from './line.ts'
import { headBytes, packedBytesMax, readMemberLength, unpackMember } from './member.ts'
import { type ArchivePlace, readSegmentName } from './place.ts'
import { readAt } from './walk.ts'

export type ArchiveRead =
  | { outcome: 'found'; line: ArchivedLine }
  /** There is no such segment in this folder: it was moved away, or the folder is another one. */
  | { outcome: 'missing' }
  | { outcome: 'damaged' }

export async function readLine(files: ArchiveFiles, place: ArchivePlace): Promise<ArchiveRead> {
  const isPlace = [place.offset, place.length, place.line].every(
    (each) => Number.isSafeInteger(each) && each >= 0,
  )
  if (!readSegmentName(place.segment) || !isPlace || place.length > packedBytesMax)
    return { outcome: 'missing' }
  const opened = await files.openSegment(place.segment)
  if (!opened) return { outcome: 'missing' }
  try {
    const lines = await unpackMember(await readAt(opened.handle, place.offset, place.length))
    const bytes = lines?.[place.line]
    const line = bytes && decodeLine(bytes)
    return line ? { outcome: 'found', line } : { outcome: 'damaged' }
  } finally {
    await opened.handle.close()
  }
}

/** Where only its offset is known, its head says how long it is. */
export async function readMember(
  handle: FileHandle,
  offset: number,
): Promise<{ length: number; lines: Buffer[] } | undefined> {
  const length = readMemberLength(await readAt(handle, offset, headBytes))
  if (length === undefined) return undefined
  const lines = await unpackMember(await readAt(handle, offset, length))
  return lines && { length, lines }
}
