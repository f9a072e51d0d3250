/** The archive as the store wants it: with places as text, and lines that cannot be had as faults. */
import { accessSync, constants, mkdirSync } from 'node:fs'
import { formatPlace, readPlace } from '../archive/place.ts'
import { createArchiveReader } from '../archive/reader.ts'
import { type ArchiveWriterDeps, createArchiveWriter } from '../archive/writer.ts'
import { AppError } from '../domain/errors.ts'
import type { Archive, KeptLine } from '../store/archive.ts'

export function createArchive(deps: ArchiveWriterDeps): Archive & { close(): Promise<void> } {
  const writer = createArchiveWriter(deps)
  return {
    ...openArchive(deps),
    append: async (lines) => (await writer.append(lines)).map(formatPlace),
    close: () => writer.close(),
  }
}

/** A folder that cannot be written would be noticed when the first thing leaves, weeks later. */
export function prepareArchive(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown'
    throw new AppError('invalid-configuration', {
      detail: `archive.dir: ${dir} is no folder that can be written (${code}).`,
      cause,
    })
  }
}

/** To read alone. */
export function openArchive({ dir }: { dir: string }): Pick<Archive, 'read' | 'find'> {
  const reader = createArchiveReader({ dir })
  return {
    async read(text) {
      const place = readPlace(text)
      if (!place) throw damaged(text)
      const found = await reader.read(place)
      switch (found.outcome) {
        case 'found':
          return found.line
        case 'damaged':
          throw damaged(text)
        case 'missing':
          // Its folder may be away, or another one be configured: that may pass.
          throw new AppError('archive-unavailable', {
            detail: `The archive has no segment ${place.segment}, in which this was put.`,
            context: { place: text },
          })
      }
    },

    async find(query) {
      let last: KeptLine | undefined
      for await (const { line } of reader.find(query)) last = line
      return last
    },
  }
}

function damaged(place: string): AppError {
  return new AppError('archive-damaged', { context: { place } })
}
