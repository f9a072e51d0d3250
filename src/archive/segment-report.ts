/** What a check says of one segment. */
import type { ChainFault } from './line.ts'

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

export type Broken = Pick<Extract<SegmentReport, { outcome: 'broken' }>, 'fault' | 'line' | 'fields'>
