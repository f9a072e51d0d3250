/**
 * Adds lines to the archive. A line is acknowledged when it is on disk, and its segment's name too; what was not
 * acknowledged may be there all the same, so whoever repeats it may find a line twice.
 *
 * Any number of processes share the folder, also over a network, where no lock can be relied upon. So none is taken: each
 * start of a process begins a chain of its own under an id that it mints, and the exclusive creation of its first file
 * keeps two from having the same.
 */
import { AppError } from '../domain/errors.ts'
import type { Logger } from '../telemetry/logger.ts'
import { finishAbandoned } from './abandoned.ts'
import { type ArchiveLimits, archiveLimits, createChain } from './chain.ts'
import { asFault, createArchiveFiles, type FileSystem } from './files.ts'
import { type ArchiveLine, type PreparedLine, prepareLine } from './line.ts'
import type { ArchivePlace } from './place.ts'

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
  let waiting: Waiting[] = []
  let turn: Promise<unknown> = Promise.resolve()
  let finishing: Promise<void> | undefined
  let closed = false

  /** One thing at a time: what is written next depends on what was written before. */
  function inTurn<T>(act: () => Promise<T>): Promise<T> {
    const done = turn.then(act)
    turn = done.catch(() => {})
    return done
  }

  const chain = createChain({
    files,
    clock,
    randomBytes: deps.randomBytes,
    limits,
    onOld: () =>
      void inTurn(chain.close).catch((error) => logger.warn('archive.segment-not-closed', { error })),
    onBegin: finishOthers,
    onClosed: ({ name: { segment }, lines }) => logger.info('archive.segment-closed', { segment, lines }),
  })

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
      const segment = await chain.open()
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
      await chain.giveUp()
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
        await inTurn(chain.close)
      } catch (error) {
        throw asFault(error)
      } finally {
        await finishing
      }
    },
  }
}
