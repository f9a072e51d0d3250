/**
 * The chain that a process writes, segment after segment. After anything that failed nobody knows what is on disk: the
 * chain is left as it is, for `abandoned.ts` to finish, and the next append begins another.
 */
import { encodeBytes } from '../domain/ids.ts'
import { type ArchiveFiles, codeOf } from './files.ts'
import { beginChain, type ChainHead } from './line.ts'
import { nameSegment } from './place.ts'
import { createOpenSegment, type OpenSegment, type SegmentLimits } from './segment.ts'

export interface ArchiveLimits extends SegmentLimits {
  /** An open segment is closed after this time, so that what is open for much longer has lost its writer. */
  segmentAgeMsMax: number
  /** Since its last line. Far above the age, for clocks that differ and names that a network file system remembers. */
  abandonedAfterMs: number
}

/** A segment of 50,000 lines sorts its index in some tens of milliseconds, which is what a worker may stand still for. */
export const archiveLimits: ArchiveLimits = {
  segmentBytesMax: 64 * 1024 * 1024,
  segmentLinesMax: 50_000,
  memberBytesMax: 1024 * 1024,
  segmentAgeMsMax: 10 * 60_000,
  abandonedAfterMs: 60 * 60_000,
}

export interface ChainDeps {
  files: ArchiveFiles
  clock: () => number
  randomBytes: (count: number) => Uint8Array
  limits: ArchiveLimits
  /** The open segment has its age. */
  onOld: () => void
  /** Before a segment is begun. */
  onBegin: () => void
  onClosed: (segment: OpenSegment) => void
}

/** Nothing of it may be called while another call is under way. */
export interface Chain {
  /** The segment to add to; one that is full or old is closed before. */
  open(): Promise<OpenSegment>
  close(): Promise<void>
  giveUp(): Promise<void>
}

export function createChain(deps: ChainDeps): Chain {
  const { files, clock, limits } = deps
  let current: { segment: OpenSegment; openedAt: number } | undefined
  let last: { writer: string; number: number; head: ChainHead } | undefined
  let timer: NodeJS.Timeout | undefined

  async function begin(): Promise<OpenSegment> {
    await files.makeFolder()
    deps.onBegin()
    const segment = last
      ? await createOpenSegment(files, nameSegment(last.writer, last.number + 1), last.head, limits)
      : await beginNew(files, () => mintWriter(clock, deps.randomBytes), limits)
    current = { segment, openedAt: clock() }
    timer = setTimeout(deps.onOld, limits.segmentAgeMsMax).unref()
    return segment
  }

  /** Nothing goes on from what is not closed for certain. */
  function letGo(): OpenSegment | undefined {
    clearTimeout(timer)
    const { segment } = current ?? {}
    current = undefined
    last = undefined
    return segment
  }

  async function close(): Promise<void> {
    if (!current) return
    const segment = letGo()
    if (!segment) return
    await segment.close()
    const { writer, number } = segment.name
    last = { writer, number, head: segment.head }
    deps.onClosed(segment)
  }

  return {
    close,
    async open() {
      const isOld = current && clock() - current.openedAt >= limits.segmentAgeMsMax
      if (isOld || current?.segment.isFull()) await close()
      return current?.segment ?? begin()
    },
    giveUp: async () => letGo()?.abandon(),
  }
}

async function beginNew(
  files: ArchiveFiles,
  mint: () => string,
  limits: SegmentLimits,
): Promise<OpenSegment> {
  for (;;) {
    const writer = mint()
    try {
      return await createOpenSegment(files, nameSegment(writer, 1), beginChain(writer), limits)
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
    }
  }
}

/** The time in milliseconds and 32 random bits; what is minted later sorts later. */
function mintWriter(clock: () => number, randomBytes: (count: number) => Uint8Array): string {
  const bytes = Buffer.alloc(10)
  bytes.writeUIntBE(Math.max(0, Math.floor(clock())), 0, 6)
  bytes.set(randomBytes(4), 6)
  return encodeBytes(bytes)
}
