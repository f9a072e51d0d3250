/**
 * Reads the whole archive and holds it against itself: every member unpacks, every line names the hash of the line before,
 * over all segments of a writer, and of a closed segment the manifest and the index are made again and compared byte by
 * byte. Writers may be at work meanwhile: a segment without a manifest is right as far as its last whole member.
 *
 * The archive alone cannot tell that the end of a chain is missing, all its files included, or that everything was written
 * anew by somebody who has the code. What an earlier run said can: it is handed in as `earlier`.
 */
import type { ArchiveFiles } from './files.ts'
import { beginChain, type ChainHead } from './line.ts'
import type { ListedSegment } from './names.ts'
import { nameSegment } from './place.ts'
import type { SegmentReport } from './segment-report.ts'
import { verifySegment } from './verify-segment.ts'

/** By writer, where its chain ended. */
export type ArchiveHeads = Record<string, ChainHead>

export interface VerifyOptions {
  onSegment?: (report: SegmentReport) => void
  earlier?: ArchiveHeads
}

export interface Verified {
  outcome: 'whole' | 'broken'
  segments: number
  broken: number
  lines: number
  heads: ArchiveHeads
}

export async function verifyArchive(
  files: ArchiveFiles,
  { onSegment = () => {}, earlier = {} }: VerifyOptions,
): Promise<Verified> {
  const result: Verified = { outcome: 'whole', segments: 0, broken: 0, lines: 0, heads: {} }
  const report = (said: SegmentReport) => {
    result.segments++
    if (said.outcome === 'whole') result.lines += said.lines
    else {
      result.outcome = 'broken'
      result.broken++
    }
    onSegment(said)
  }
  const chains = groupByWriter(await files.list())
  for (const [writer, segments] of chains) {
    const head = await verifyChain(files, segments, ownEntry(earlier, writer), report)
    if (head) result.heads[writer] = head
  }
  for (const [writer, known] of Object.entries(earlier))
    if (!chains.has(writer)) report(missing(writer, 1, known.n))
  return result
}

/** Where the chain ends, as far as that is known. */
async function verifyChain(
  files: ArchiveFiles,
  segments: ListedSegment[],
  known: ChainHead | undefined,
  report: (said: SegmentReport) => void,
): Promise<ChainHead | undefined> {
  const writer = segments[0]?.writer ?? ''
  let head: ChainHead | undefined = beginChain(writer)
  let number = 1
  for (const segment of segments) {
    for (; number < segment.number; number++) {
      report(missing(writer, number, head && head.n + 1))
      head = undefined
    }
    const isLast = segment === segments.at(-1)
    const { report: said, head: end } = await verifySegment(files, segment, { start: head, isLast, known })
    report(said)
    head = end
    number++
  }
  if (known && head && head.n < known.n) report(missing(writer, number, head.n + 1))
  return head
}

function missing(writer: string, number: number, line: number | undefined): SegmentReport {
  const { segment } = nameSegment(writer, number)
  return { outcome: 'broken', segment, fault: 'segment-missing', line }
}

function groupByWriter(segments: ListedSegment[]): Map<string, ListedSegment[]> {
  const chains = new Map<string, ListedSegment[]>()
  for (const segment of segments) {
    const chain = chains.get(segment.writer) ?? []
    chain.push(segment)
    chains.set(segment.writer, chain)
  }
  return chains
}

function ownEntry(heads: ArchiveHeads, writer: string): ChainHead | undefined {
  return Object.hasOwn(heads, writer) ? heads[writer] : undefined
}
