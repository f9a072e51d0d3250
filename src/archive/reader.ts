import { asFault, createArchiveFiles } from './files.ts'
import { type ArchiveFound, type ArchiveQuery, findLines, type OnDamaged } from './find.ts'
import type { ArchivePlace } from './place.ts'
import { type ArchiveRead, readLine } from './read-line.ts'
import { type Verified, type VerifyOptions, verifyArchive } from './verify.ts'

export interface ArchiveReader {
  read(place: ArchivePlace): Promise<ArchiveRead>
  /** The oldest chain first. A line that was archived twice, since its first time was not acknowledged, comes twice. */
  find(query: ArchiveQuery, onDamaged?: OnDamaged): AsyncIterable<ArchiveFound>
  verify(options?: VerifyOptions): Promise<Verified>
}

export function createArchiveReader({ dir }: { dir: string }): ArchiveReader {
  const files = createArchiveFiles(dir)
  return {
    read: (place) => readLine(files, place).catch(rethrow),
    async *find(query, onDamaged = () => {}) {
      try {
        yield* findLines(files, query, onDamaged)
      } catch (error) {
        rethrow(error)
      }
    },
    verify: (options = {}) => verifyArchive(files, options).catch(rethrow),
  }
}

/** That its file system is away may pass. */
function rethrow(error: unknown): never {
  throw asFault(error)
}
