/**
 * The segment that a writer adds to. A line counts once its member is on disk AND the segment still has its open name:
 * whoever finishes the segment of a writer that seems gone takes that name away first (`abandoned.ts`), so a writer that
 * only slept does not acknowledge what the other did not see.
 */
import { AppError } from '../domain/errors.ts'
import { closeSegment } from './close.ts'
import type { ArchiveFiles, FileHandle } from './files.ts'
import { memberLinesMax } from './index-file.ts'
import { type ChainHead, encodeLine, type PreparedLine } from './line.ts'
import { packMember } from './member.ts'
import type { ArchivePlace, SegmentName } from './place.ts'
import { createSummary, type SummaryLine } from './summary.ts'

export interface SegmentLimits {
  /** Of the file, packed. */
  segmentBytesMax: number
  segmentLinesMax: number
  /** Unpacked; a line that is longer makes a member of its own. */
  memberBytesMax: number
}

export interface OpenSegment {
  readonly name: SegmentName
  readonly head: ChainHead
  readonly lines: number
  isFull(): boolean
  /** All of it, or as much as fits one member; at least one line. */
  append(lines: readonly PreparedLine[]): Promise<ArchivePlace[]>
  close(): Promise<void>
  /** Leaves it as it is, for somebody to finish. */
  abandon(): Promise<void>
}

export async function createOpenSegment(
  files: ArchiveFiles,
  name: SegmentName,
  start: ChainHead,
  limits: SegmentLimits,
): Promise<OpenSegment> {
  const path = files.pathOf(name.segment, 'open')
  const handle = await files.create(path)
  const summary = createSummary(name, start.hash)
  let head = start

  async function abandon(): Promise<void> {
    await handle.close().catch(() => {})
    // Nothing in it was acknowledged.
    if (summary.lines === 0) await files.remove(path).catch(() => {})
  }

  async function keepName(): Promise<void> {
    if (!(await files.isThere(path))) throw takenAway(name)
  }

  try {
    await files.syncFolder()
  } catch (error) {
    await abandon()
    throw error
  }
  return {
    name,
    abandon,
    get head() {
      return head
    },
    get lines() {
      return summary.lines
    },
    isFull: () => summary.bytes >= limits.segmentBytesMax || summary.lines >= limits.segmentLinesMax,

    async append(lines) {
      const { plain, encoded } = encodeSome(lines, head, limits.memberBytesMax)
      const packed = await packMember(plain)
      const offset = summary.bytes
      await writeAll(handle, packed, offset)
      await handle.sync()
      await keepName()
      summary.add({ offset, packed, lines: encoded })
      head = encoded.at(-1)?.head ?? head
      const { segment } = name
      return encoded.map((_, line) => ({ segment, offset, length: packed.length, line }))
    },

    async close() {
      await handle.close()
      const finished = summary.finish()
      if (!finished) return files.remove(path)
      if (!(await closeSegment(files, name, finished))) throw takenAway(name)
    },
  }
}

function encodeSome(lines: readonly PreparedLine[], start: ChainHead, bytesMax: number) {
  const encoded: SummaryLine[] = []
  const parts: Buffer[] = []
  let head = start
  let total = 0
  for (const line of lines) {
    const next = encodeLine(line, head)
    total += next.bytes.length + 1
    if (encoded.length > 0 && (total > bytesMax || encoded.length === memberLinesMax)) break
    head = next.head
    encoded.push({ words: line.words, head })
    parts.push(next.bytes, newline)
  }
  return { plain: Buffer.concat(parts), encoded }
}

const newline = Buffer.from('\n')

async function writeAll(handle: FileHandle, bytes: Buffer, offset: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, offset + done)
    done += bytesWritten
  }
}

function takenAway({ segment }: SegmentName): AppError {
  return new AppError('archive-unavailable', {
    detail: 'Another process has finished this segment of the archive.',
    context: { segment },
  })
}
