/**
 * From open to closed, so that a crash between any two steps leaves what the next one can go on with: the manifest
 * (whoever links it first decides what the segment holds), then the index that it names, then the closed name. A segment
 * that has its closed name therefore has both.
 */
import type { ArchiveFiles } from './files.ts'
import { encodeManifest, type Manifest } from './manifest.ts'
import type { SegmentName } from './place.ts'

/** False when somebody else decided what it holds, or is about to. */
export async function closeSegment(
  files: ArchiveFiles,
  { segment }: SegmentName,
  { manifest, index }: { manifest: Manifest; index: Buffer },
): Promise<boolean> {
  if (!(await files.putNew(files.manifestPath(segment), encodeManifest(manifest)))) return false
  await files.put(files.indexPath(segment), index)
  return files.move(files.pathOf(segment, 'open'), files.pathOf(segment, 'closed'))
}
