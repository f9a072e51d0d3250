/** A segment member by member, each line held against the chain. It ends at the first thing that is not right. */
import type { FileHandle } from './files.ts'
import { type ArchivedLine, type ChainFault, type ChainHead, decodeLine, followChain } from './line.ts'
import type { SummaryLine } from './summary.ts'
import { type Rest, walkMembers } from './walk.ts'

export interface CheckedMember {
  kind: 'checked'
  offset: number
  packed: Buffer
  lines: (SummaryLine & { line: ArchivedLine })[]
  head: ChainHead
}

export interface LineFault {
  kind: 'fault'
  fault: ChainFault
  /** The number of the first line that is not as it was. */
  n: number
}

export async function* readSegment(
  handle: FileHandle,
  start: ChainHead,
  end?: number,
): AsyncGenerator<CheckedMember | LineFault | Rest> {
  let head = start
  for await (const part of walkMembers(handle, end)) {
    if (part.kind === 'rest') {
      yield part
      return
    }
    const lines: CheckedMember['lines'] = []
    for (const bytes of part.lines) {
      const followed = followChain(bytes, head)
      if (followed.outcome === 'broken') {
        const { fault, n } = followed
        const isLater = fault === 'line-removed' && part.lines.some((other) => decodeLine(other)?.n === n)
        yield { kind: 'fault', fault: isLater ? 'lines-swapped' : fault, n }
        return
      }
      head = followed.head
      lines.push({ words: followed.line, line: followed.line, head })
    }
    yield { kind: 'checked', offset: part.offset, packed: part.packed, lines, head }
  }
}
