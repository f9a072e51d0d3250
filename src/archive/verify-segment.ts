/** One segment of a chain: what is wrong with it first, or nothing. */
import type { ArchiveFiles, FileHandle } from './files.ts'
import type { ChainHead } from './line.ts'
import { decodeManifest, type Manifest } from './manifest.ts'
import type { SegmentState } from './names.ts'
import type { SegmentName } from './place.ts'
import { readSegment } from './read-segment.ts'
import type { Broken, SegmentReport } from './segment-report.ts'
import { createSummary, type Summary } from './summary.ts'
import { compareClosed } from './verify-closed.ts'
import type { Rest } from './walk.ts'

export interface SegmentPlace {
  /** Unknown behind something that is missing; the manifest then has to say it. */
  start: ChainHead | undefined
  isLast: boolean
  /** What an earlier run saw as the end of this chain. */
  known: ChainHead | undefined
}

export interface SegmentVerdict {
  report: SegmentReport
  /** The chain behind this segment, as far as that is known. */
  head: ChainHead | undefined
}

export async function verifySegment(
  files: ArchiveFiles,
  name: SegmentName,
  place: SegmentPlace,
): Promise<SegmentVerdict> {
  const { segment } = name
  const held = await files.readIfThere(files.manifestPath(segment))
  const opened = await files.openSegment(segment)
  if (!opened) return { report: { outcome: 'broken', segment, fault: 'segment-missing' }, head: undefined }
  try {
    // It may have been closed between the two.
    const bytes = held ?? (await files.readIfThere(files.manifestPath(segment)))
    return await judge(files, name, place, { ...opened, bytes })
  } finally {
    await opened.handle.close()
  }
}

interface Opened {
  state: SegmentState
  handle: FileHandle
  bytes: Buffer | undefined
}

async function judge(
  files: ArchiveFiles,
  name: SegmentName,
  place: SegmentPlace,
  { state, handle, bytes }: Opened,
): Promise<SegmentVerdict> {
  const { segment } = name
  const manifest = bytes && decodeManifest(bytes)
  const start = place.start ?? startOf(manifest)
  const walked = start
    ? await walk(handle, name, start, {
        manifest,
        known: place.known,
        isClosed: bytes !== undefined,
        isSettled: state === 'closed',
      })
    : { broken: { fault: 'manifest-missing' as const }, head: undefined, summary: undefined, torn: 0 }
  const { summary, torn } = walked
  const broken =
    walked.broken ??
    (bytes
      ? await compareClosed(files, name, manifest, { summary, isSettled: state === 'closed' })
      : judgeOpen(state, place.isLast))
  const head = walked.broken ? manifest?.last : walked.head
  if (broken) return { report: { outcome: 'broken', segment, ...broken }, head }
  const [lines, size] = [summary?.lines ?? 0, summary?.bytes ?? 0]
  return {
    report: { outcome: 'whole', segment, state: bytes ? 'closed' : 'open', lines, bytes: size, torn },
    head,
  }
}

/** A writer begins its next segment only when the last is closed, and a closed name comes after the manifest. */
function judgeOpen(state: SegmentState, isLast: boolean): Broken | undefined {
  return state === 'closed' || !isLast ? { fault: 'manifest-missing' } : undefined
}

function startOf(manifest: Manifest | undefined): ChainHead | undefined {
  return manifest && { n: manifest.first.n - 1, hash: manifest.previous }
}

interface Walked {
  broken: Broken | undefined
  head: ChainHead
  summary: Summary
  torn: number
}

interface Asked {
  manifest: Manifest | undefined
  known: ChainHead | undefined
  isClosed: boolean
  isSettled: boolean
}

async function walk(handle: FileHandle, name: SegmentName, start: ChainHead, asked: Asked): Promise<Walked> {
  const summary = createSummary(name, start.hash)
  const { known } = asked
  let head = start
  const end = (broken?: Broken, torn = 0): Walked => ({ broken, head, summary, torn })
  // Until it has its closed name, what its writer left behind the last whole member may still be there.
  const bytes = asked.isSettled ? undefined : asked.manifest?.bytes
  for await (const part of readSegment(handle, start, bytes)) {
    if (part.kind === 'fault') return end({ fault: part.fault, line: part.n })
    if (part.kind === 'rest') return end(judgeRest(part, head, asked), part.bytes)
    summary.add(part)
    head = part.head
    const seen = part.lines.find((line) => line.head.n === known?.n)
    if (seen && seen.head.hash !== known?.hash) return end({ fault: 'rewritten', line: seen.head.n })
  }
  return end()
}

function judgeRest(rest: Rest, head: ChainHead, { manifest, isClosed }: Asked): Broken | undefined {
  const line = head.n + 1
  const size = rest.offset + rest.bytes
  // With all its lines it is not cut but packed otherwise, and the manifests will differ.
  const isWhole = rest.state === 'none' && head.n === manifest?.last.n
  if (manifest && size < manifest.bytes && !isWhole) return { fault: 'cut-short', line }
  if (manifest && rest.offset >= manifest.bytes && rest.bytes > 0) return { fault: 'bytes-added' }
  if (rest.state === 'damaged' || (isClosed && rest.bytes > 0)) return { fault: 'bytes-changed', line }
  return undefined
}
