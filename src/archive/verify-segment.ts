/** One segment of a chain: what is wrong with it first, or nothing. */
import type { ArchiveFiles, FileHandle, SegmentState } from './files.ts'
import { type ChainFault, type ChainHead, sha256 } from './line.ts'
import { compareManifests, decodeManifest, type Manifest } from './manifest.ts'
import type { SegmentName } from './place.ts'
import { readSegment } from './read-segment.ts'
import { createSummary, type Summary } from './summary.ts'
import type { Rest } from './walk.ts'

export type SegmentFault =
  | ChainFault
  /** A member does not unpack. */
  | 'bytes-changed'
  | 'cut-short'
  | 'bytes-added'
  | 'segment-missing'
  | 'manifest-missing'
  /** It is not what the segment's bytes make. */
  | 'manifest-changed'
  | 'index-missing'
  | 'index-changed'
  /** It holds together, and is not what an earlier run saw. */
  | 'rewritten'

export type SegmentReport =
  | {
      outcome: 'whole'
      segment: string
      state: 'open' | 'closed'
      lines: number
      bytes: number
      torn: number
    }
  | {
      outcome: 'broken'
      segment: string
      fault: SegmentFault
      /** The number in the chain of the first line that is not as it was; undefined where it is not about a line. */
      line?: number
      /** Of the manifest: those that differ. */
      fields?: string[]
    }

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

type Broken = { fault: SegmentFault; line?: number; fields?: string[] }

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

async function compareClosed(
  files: ArchiveFiles,
  { segment }: SegmentName,
  manifest: Manifest | undefined,
  { summary, isSettled }: { summary: Summary | undefined; isSettled: boolean },
): Promise<Broken | undefined> {
  const made = summary?.finish()
  if (!manifest || !made) return { fault: 'manifest-changed' }
  const fields = compareManifests(made.manifest, manifest)
  if (fields.length > 0) return describeDifference(made.manifest, manifest, fields)
  const index = await files.readIfThere(files.indexPath(segment))
  // It is written after the manifest and before the closed name.
  if (!index) return isSettled ? { fault: 'index-missing' } : undefined
  return sha256(index) === manifest.index.sha256 ? undefined : { fault: 'index-changed' }
}

/** The lines hold together, and another number of them was there when it was closed, or other bytes. */
function describeDifference(made: Manifest, manifest: Manifest, fields: string[]): Broken {
  if (made.sha256 === manifest.sha256 || fields.join() === 'sha256')
    return { fault: 'manifest-changed', fields }
  if (made.bytes > manifest.bytes) return { fault: 'bytes-added', line: manifest.last.n + 1, fields }
  if (made.last.n < manifest.last.n) return { fault: 'line-removed', line: made.last.n + 1, fields }
  if (made.last.n === manifest.last.n && made.last.hash !== manifest.last.hash)
    return { fault: 'line-changed', line: made.last.n, fields }
  return { fault: 'bytes-changed', fields }
}
