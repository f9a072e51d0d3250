/** Events as server-sent events, and as a chunk of the answer: the same bytes for every reader at the same place. */
import type { PublishedEvent } from '../../events/published.ts'

export interface Frame {
  /** The cursor of who has it. */
  id: string
  text: string
}

/** About as much as one who reads slowly is given at once. */
const chunkMax = 32_768

const lineEnd = '\r\n'

/** What is written in one piece. */
export interface Chunk {
  /** Of an answer in chunks, with its length before it. */
  framed: Buffer
  /** What is in it. */
  bare: Buffer
  /** The last in it. */
  lastId: string
}

export function makeFrame({ type, json }: PublishedEvent, id: string): Frame {
  return { id, text: `id: ${id}\nevent: ${type}\ndata: ${json}\n\n` }
}

/** An id without data is no event and moves a browser's Last-Event-ID: past what a filter left out. */
export function makeHeartbeat(id: string | undefined): Buffer {
  return Buffer.from(id === undefined ? ':\n\n' : `:\nid: ${id}\n\n`)
}

/** Of one frame or more. */
export function makeChunk(frames: readonly Frame[]): Chunk {
  const text = frames.map((frame) => frame.text).join('')
  const length = Buffer.byteLength(text)
  const head = length.toString(16) + lineEnd
  // Of its own memory: what is let go of is free.
  const framed = Buffer.allocUnsafeSlow(head.length + length + lineEnd.length)
  framed.write(head, 'latin1')
  framed.write(text, head.length)
  framed.write(lineEnd, head.length + length)
  const bare = framed.subarray(head.length, head.length + length)
  return { framed, bare, lastId: (frames.at(-1) as Frame).id }
}

/** Parts of which each is about a chunk. */
export function inChunks<T>(all: readonly T[], sizeOf: (one: T) => number): T[][] {
  const parts: T[][] = []
  let room = 0
  for (const one of all) {
    if (room <= 0) {
      parts.push([])
      room = chunkMax
    }
    parts.at(-1)?.push(one)
    room -= sizeOf(one)
  }
  return parts
}
