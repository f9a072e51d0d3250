/**
 * Where a line rests. A place comes back from Redis, so it is read with suspicion: a segment's name is letters, a hyphen
 * and a number and nothing else, and cannot lead outside the archive's folder.
 */
export interface ArchivePlace {
  segment: string
  /** Of the gzip member that holds it, in bytes. */
  offset: number
  length: number
  /** Which line of the member, from 0. */
  line: number
}

const writerPattern = /^[0-9a-hjkmnp-tv-z]{16}$/
const segmentPattern = /^([0-9a-hjkmnp-tv-z]{16})-([1-9]\d{0,8})$/
const placePattern = /^([^:]{1,32}):(0|[1-9]\d{0,14}):([1-9]\d{0,9}):(0|[1-9]\d{0,5})$/

export interface SegmentName {
  segment: string
  writer: string
  number: number
}

export function nameSegment(writer: string, number: number): SegmentName {
  return { segment: `${writer}-${number}`, writer, number }
}

export function readSegmentName(text: string): SegmentName | undefined {
  const [, writer, number] = segmentPattern.exec(text) ?? []
  return writer === undefined ? undefined : { segment: text, writer, number: Number(number) }
}

export function isWriterId(text: string): boolean {
  return writerPattern.test(text)
}

/** `0kz3m9q2f8qa7c4d-1:12345:678:0`, as the store keeps it. */
export function formatPlace({ segment, offset, length, line }: ArchivePlace): string {
  return `${segment}:${offset}:${length}:${line}`
}

export function readPlace(text: string): ArchivePlace | undefined {
  const [, segment = '', offset, length, line] = placePattern.exec(text) ?? []
  if (!readSegmentName(segment)) return undefined
  return { segment, offset: Number(offset), length: Number(length), line: Number(line) }
}
