/**
 * Finishes the segments of writers that are gone. Which those are cannot be known, only guessed by the time since their
 * last line, so a wrong guess has to be harmless: the open name is taken away first, after which the writer acknowledges
 * nothing more; then the whole members are copied to a file that the writer has never opened; and what the segment holds
 * is settled by whoever links the manifest first. Any number may finish the same segment at once, or end in the middle of
 * it. What is torn was never acknowledged; it is set aside all the same, not thrown away.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Logger } from '../telemetry/logger.ts'
import type { ArchiveFiles, FileHandle } from './files.ts'
import { beginChain, type ChainHead } from './line.ts'
import { decodeManifest, encodeManifest, type Manifest } from './manifest.ts'
import { nameSegment, type SegmentName } from './place.ts'
import { readSegment } from './read-segment.ts'
import { createSummary } from './summary.ts'

export interface FinishDeps {
  files: ArchiveFiles
  clock: () => number
  logger: Logger
  abandonedAfterMs: number
}

export type Finished = 'finished' | 'empty' | 'not-there' | 'damaged'

export async function finishAbandoned({ files, clock, logger, abandonedAfterMs }: FinishDeps): Promise<void> {
  const isOld = async (path: string) =>
    ((await files.changedAt(path)) ?? Number.POSITIVE_INFINITY) < clock() - abandonedAfterMs
  for (const draft of await files.listDrafts()) if (await isOld(draft)) await files.remove(draft)
  for (const name of await files.list()) {
    const { segment, isUnfinished, hasIndex } = name
    if (!isUnfinished && !hasIndex) await rebuildIndex(files, name)
    if (!isUnfinished) continue
    const [open, closing] = [files.pathOf(segment, 'open'), files.pathOf(segment, 'closing')]
    if (!(await isOld(open)) && !(await isOld(closing))) continue
    const outcome = await finishSegment(files, name)
    if (outcome === 'damaged') logger.error('archive.segment-damaged', { segment })
    else logger.info('archive.segment-finished', { segment, outcome })
  }
}

export async function finishSegment(files: ArchiveFiles, name: SegmentName): Promise<Finished> {
  const { segment } = name
  const closing = files.pathOf(segment, 'closing')
  await files.move(files.pathOf(segment, 'open'), closing)
  if (await files.isThere(files.pathOf(segment, 'closed'))) return putAway(files, name)

  const start = await findStart(files, name)
  if (!start) return 'damaged'
  const draft = files.draftPath(closing)
  const copied = await copyWhole(files, name, start, draft)
  if (copied.outcome !== 'copied') {
    await files.remove(draft)
    return copied.outcome === 'empty' ? putAway(files, name, 'empty') : copied.outcome
  }
  const { manifest, index } = copied
  const isMine = await files.putNew(files.manifestPath(segment), encodeManifest(manifest))
  if (!isMine && !isDeepStrictEqual(await readManifest(files, segment), manifest)) {
    // Somebody was before us, and saw less or more of it: that holds.
    await files.remove(draft)
    return finishSegment(files, name)
  }
  await files.put(files.indexPath(segment), index)
  await files.move(draft, files.pathOf(segment, 'closed'))
  return putAway(files, name)
}

/** Of a closed segment: somebody has removed it, since it comes before the closed name. It follows from the lines. */
async function rebuildIndex(files: ArchiveFiles, name: SegmentName): Promise<void> {
  const manifest = await readManifest(files, name.segment)
  const source = await files.openIfThere(files.pathOf(name.segment, 'closed'))
  try {
    if (!manifest || !source) return
    const summary = createSummary(name, manifest.previous)
    const start = { n: manifest.first.n - 1, hash: manifest.previous }
    for await (const part of readSegment(source, start)) if (part.kind === 'checked') summary.add(part)
    const made = summary.finish()
    if (made && isDeepStrictEqual(made.manifest, manifest))
      await files.put(files.indexPath(name.segment), made.index)
  } finally {
    await source?.close()
  }
}

/** What the writer's own file has behind the last whole member stays, under a name that nobody reads. */
async function putAway(
  files: ArchiveFiles,
  { segment }: SegmentName,
  outcome: 'finished' | 'empty' = 'finished',
): Promise<Finished> {
  const closing = files.pathOf(segment, 'closing')
  const manifest = await readManifest(files, segment)
  const size = await files.sizeOf(closing)
  if (size === undefined) return outcome
  if (size > (manifest?.bytes ?? 0)) await files.move(closing, files.tornPath(segment))
  else await files.remove(closing)
  return outcome
}

type Copied =
  | { outcome: 'copied'; manifest: Manifest; index: Buffer }
  | { outcome: 'empty' | 'not-there' | 'damaged' }

/** As much as the manifest says, where there is one already. */
async function copyWhole(
  files: ArchiveFiles,
  name: SegmentName,
  start: ChainHead,
  draft: string,
): Promise<Copied> {
  const decided = await files.readIfThere(files.manifestPath(name.segment))
  const wanted = decided && decodeManifest(decided)
  if (decided && !wanted) return { outcome: 'damaged' }
  const source = await files.openIfThere(files.pathOf(name.segment, 'closing'))
  if (!source) return { outcome: 'not-there' }
  try {
    const finished = await copyMembers(source, await files.create(draft), { name, start, end: wanted?.bytes })
    if (finished === 'damaged' || (wanted && !isDeepStrictEqual(finished?.manifest, wanted)))
      return { outcome: 'damaged' }
    return finished ? { outcome: 'copied', ...finished } : { outcome: 'empty' }
  } finally {
    await source.close()
  }
}

async function copyMembers(
  source: FileHandle,
  target: FileHandle,
  { name, start, end }: { name: SegmentName; start: ChainHead; end: number | undefined },
) {
  try {
    const summary = createSummary(name, start.hash)
    for await (const part of readSegment(source, start, end)) {
      if (part.kind === 'fault' || (part.kind === 'rest' && part.state === 'damaged')) return 'damaged'
      if (part.kind === 'rest') continue
      summary.add(part)
      await target.writeFile(part.packed)
    }
    await target.sync()
    return summary.finish()
  } finally {
    await target.close()
  }
}

/** Where the chain stood before this segment; undefined when the one before is not there to say it. */
async function findStart(
  files: ArchiveFiles,
  { writer, number }: SegmentName,
): Promise<ChainHead | undefined> {
  if (number === 1) return beginChain(writer)
  return (await readManifest(files, nameSegment(writer, number - 1).segment))?.last
}

async function readManifest(files: ArchiveFiles, segment: string): Promise<Manifest | undefined> {
  const bytes = await files.readIfThere(files.manifestPath(segment))
  return bytes && decodeManifest(bytes)
}
