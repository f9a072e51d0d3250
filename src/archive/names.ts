/**
 * What the files of an archive are called. A segment has one of three names, and moves only forward:
 *
 *   <segment>.open.ndjson.gz      its writer adds to it
 *   <segment>.closing.ndjson.gz   its writer is gone, and somebody else is finishing it
 *   <segment>.ndjson.gz           closed: <segment>.manifest.json and <segment>.index are there, and none changes again
 */
import { readSegmentName, type SegmentName } from './place.ts'

export type SegmentState = 'open' | 'closing' | 'closed'

export interface ListedSegment extends SegmentName {
  /** It has its open name still, or another process finishes it. */
  isUnfinished: boolean
  hasIndex: boolean
}

export const endings = { open: '.open.ndjson.gz', closing: '.closing.ndjson.gz', closed: '.ndjson.gz' }
export const manifestEnding = '.manifest.json'
export const indexEnding = '.index'
const segmentEndings = new Set([...Object.values(endings), manifestEnding, indexEnding])

/** Every segment of which there is any file, in the order of their chains. */
export function listSegments(names: string[]): ListedSegment[] {
  const found = new Map<string, ListedSegment>()
  for (const name of names) {
    const dot = name.indexOf('.')
    const named = readSegmentName(name.slice(0, dot))
    const ending = name.slice(dot)
    if (!named || !segmentEndings.has(ending)) continue
    const known = found.get(named.segment) ?? { ...named, isUnfinished: false, hasIndex: false }
    if (ending === endings.open || ending === endings.closing) known.isUnfinished = true
    if (ending === indexEnding) known.hasIndex = true
    found.set(named.segment, known)
  }
  return [...found.values()].sort(byChain)
}

function byChain(a: SegmentName, b: SegmentName): number {
  if (a.writer !== b.writer) return a.writer < b.writer ? -1 : 1
  return a.number - b.number
}
