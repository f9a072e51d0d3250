/** A closed segment whose lines hold together, against its manifest and its index. */
import type { ArchiveFiles } from './files.ts'
import { sha256 } from './line.ts'
import { compareManifests, type Manifest } from './manifest.ts'
import type { SegmentName } from './place.ts'
import type { Broken } from './segment-report.ts'
import type { Summary } from './summary.ts'

export async function compareClosed(
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
