/** An archive in memory that can be away. */
import { AppError } from '../../src/domain/errors.ts'
import type { Archive, KeptLine } from '../../src/store/archive.ts'

export interface MemoryArchive extends Archive {
  lines: KeptLine[]
  /** While it is set, nothing can be read or written. */
  away: boolean
}

export function createMemoryArchive(): MemoryArchive {
  const archive: MemoryArchive = {
    lines: [],
    away: false,
    async append(lines) {
      refuseAway()
      // What cannot be written as JSON must not pass here either.
      const from = archive.lines.push(...(JSON.parse(JSON.stringify(lines)) as KeptLine[])) - lines.length
      return lines.map((_, i) => String(from + i))
    },
    async read(place) {
      refuseAway()
      const line = archive.lines[Number(place)]
      if (!line) throw new AppError('archive-unavailable')
      return line
    },
    async find({ id, kind }) {
      refuseAway()
      return archive.lines.findLast((line) => line.id === id && line.kind === kind)
    },
  }

  function refuseAway(): void {
    if (archive.away) throw new AppError('archive-unavailable')
  }

  return archive
}
