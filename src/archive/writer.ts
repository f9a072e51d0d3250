/**
 * Adds lines to the archive. A line is acknowledged when it is on disk, and its segment's name too; what was not
 * acknowledged may be there all the same, so whoever repeats it may find a line twice.
 *
 * Any number of processes share the folder, also over a network, where no lock can be relied upon. So none is taken: each
 * start of a process begins a chain of its own under an id that it mints, and the exclusive creation of its first file
 * keeps two from having the same. After a write that failed nobody knows what is on disk: the chain is left as it
 * is, for `abandoned.ts` to finish, and the next append begins another.
 */
import { AppError } from '../domain/errors.ts'
import { encodeBytes } from '../domain/ids.ts'
import type { Logger } from '../telemetry/logger.ts'
import { finishAbandoned } from './abandoned.ts'
import { type ArchiveFiles, asFault, codeOf, createArchiveFiles, type FileSystem } from './files.ts'
import { type ArchiveLine, beginChain, type ChainHead, type PreparedLine, prepareLine } from './line.ts'
import { type ArchivePlace, nameSegment } from './place.ts'
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

export interface ArchiveWriterDeps {
  dir: string
  clock: () => number
  randomBytes: (count: number) => Uint8Array
  logger: Logger
  limits?: Partial<ArchiveLimits>
  fs?: FileSystem
}

export interface ArchiveWriter {
  /** The places in the order of the lines. Appends that wait for one another share a member and a sync. */
  append(lines: readonly ArchiveLine[]): Promise<ArchivePlace[]>
  /** Closes the open segment. A later append is refused. */
  close(): Promise<void>
}

interface Waiting {
  lines: readonly PreparedLine[]
  resolve: (places: ArchivePlace[]) => void
  reject: (error: unknown) => void
}

export function createArchiveWriter(deps: ArchiveWriterDeps): ArchiveWriter {
  const limits = { ...archiveLimits, ...deps.limits }
  const { dir, clock, logger } = deps
  const files = createArchiveFiles(dir, deps.fs)
  let current: { segment: OpenSegment; openedAt: number } | undefined
  let last: { writer: string; number: number; head: ChainHead } | undefined
  let waiting: Waiting[] = []
  let turn: Promise<unknown> = Promise.resolve()
  let finishing: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let closed = false

  /** One thing at a time: what is written next depends on what was written before. */
  function inTurn<T>(act: () => Promise<T>): Promise<T> {
    const done = turn.then(act)
    turn = done.catch(() => {})
    return done
  }

  async function openSegment(): Promise<OpenSegment> {
    if (current && (current.segment.isFull() || clock() - current.openedAt >= limits.segmentAgeMsMax))
      await closeCurrent()
    if (current) return current.segment
    await files.makeFolder()
    finishOthers()
    const segment = last
      ? await createOpenSegment(files, nameSegment(last.writer, last.number + 1), last.head, limits)
      : await beginNew(files, () => mintWriter(clock, deps.randomBytes), limits)
    current = { segment, openedAt: clock() }
    timer = setTimeout(closeOld, limits.segmentAgeMsMax).unref()
    return segment
  }

  async function closeCurrent(): Promise<void> {
    const { segment } = current ?? {}
    if (!segment) return
    clearTimeout(timer)
    current = undefined
    const { writer, number } = segment.name
    last = undefined
    await segment.close()
    last = { writer, number, head: segment.head }
    logger.info('archive.segment-closed', { segment: segment.name.segment, lines: segment.lines })
  }

  function closeOld(): void {
    inTurn(closeCurrent).catch((error) => logger.warn('archive.segment-not-closed', { error }))
  }

  async function giveUpChain(): Promise<void> {
    clearTimeout(timer)
    const { segment } = current ?? {}
    current = undefined
    last = undefined
    await segment?.abandon()
  }

  /** Beside the rest: nobody waits for it. */
  function finishOthers(): void {
    const { abandonedAfterMs } = limits
    finishing ??= finishAbandoned({ files, clock, logger, abandonedAfterMs })
      .catch((error) => logger.warn('archive.abandoned-not-finished', { error }))
      .finally(() => {
        finishing = undefined
      })
  }

  async function write(lines: readonly PreparedLine[]): Promise<ArchivePlace[]> {
    const places: ArchivePlace[] = []
    while (places.length < lines.length) {
      const segment = await openSegment()
      places.push(...(await segment.append(lines.slice(places.length))))
    }
    return places
  }

  async function writeWaiting(): Promise<void> {
    const group = waiting
    waiting = []
    if (group.length === 0) return
    try {
      const places = await write(group.flatMap(({ lines }) => lines))
      let from = 0
      for (const { lines, resolve } of group) {
        resolve(places.slice(from, from + lines.length))
        from += lines.length
      }
    } catch (error) {
      await giveUpChain()
      for (const { reject } of group) reject(asFault(error))
    }
  }

  return {
    async append(lines) {
      if (closed) throw new AppError('internal-error', { detail: 'The archive is closed.' })
      if (lines.length === 0) return []
      const prepared = lines.map(prepareLine)
      return new Promise((resolve, reject) => {
        waiting.push({ lines: prepared, resolve, reject })
        if (waiting.length === 1) void inTurn(writeWaiting)
      })
    },
    async close() {
      closed = true
      try {
        await inTurn(closeCurrent)
      } catch (error) {
        throw asFault(error)
      } finally {
        await finishing
      }
    },
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
