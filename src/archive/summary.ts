/** What the manifest and the index of a segment will say, gathered member by member: while it is written, or read again. */
import { createHash } from 'node:crypto'
import { encodeIndex, type IndexEntry, keysOf } from './index-file.ts'
import { type ArchiveLine, type ChainHead, sha256 } from './line.ts'
import type { Manifest } from './manifest.ts'
import type { SegmentName } from './place.ts'

export interface SummaryLine {
  words: Omit<ArchiveLine, 'data'>
  /** The chain with this line. */
  head: ChainHead
}

export interface SummaryMember {
  offset: number
  packed: Buffer
  lines: readonly SummaryLine[]
}

export interface Summary {
  readonly lines: number
  readonly bytes: number
  add(member: SummaryMember): void
  /** Undefined when it holds no line. */
  finish(): { manifest: Manifest; index: Buffer } | undefined
}

export function createSummary(name: SegmentName, previous: string): Summary {
  const hash = createHash('sha256')
  const entries: IndexEntry[] = []
  const kinds = new Map<string, number>()
  const accounts = new Map<string, number>()
  let first: ChainHead | undefined
  let last: ChainHead | undefined
  let [lines, bytes, from, to] = [0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]

  return {
    get lines() {
      return lines
    },
    get bytes() {
      return bytes
    },
    add(member) {
      hash.update(member.packed)
      bytes += member.packed.length
      member.lines.forEach(({ words, head }, line) => {
        first ??= head
        last = head
        lines++
        from = Math.min(from, words.at)
        to = Math.max(to, words.at)
        kinds.set(words.kind, (kinds.get(words.kind) ?? 0) + 1)
        accounts.set(words.account, (accounts.get(words.account) ?? 0) + 1)
        for (const key of keysOf(words)) entries.push({ key, offset: member.offset, line })
      })
    },
    finish() {
      if (!first || !last) return undefined
      const index = encodeIndex(entries)
      const { segment, writer, number } = name
      const manifest: Manifest = {
        version: 1,
        segment,
        writer,
        number,
        previous,
        first,
        last,
        lines,
        bytes,
        sha256: hash.copy().digest('hex'),
        from,
        to,
        kinds: sorted(kinds),
        accounts: sorted(accounts),
        index: { entries: entries.length, sha256: sha256(index) },
      }
      return { manifest, index }
    },
  }
}

function sorted(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)))
}
