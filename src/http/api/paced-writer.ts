/**
 * Writes no faster than the other side reads: what it has not taken is never more than the last piece and what the
 * socket holds. One that takes nothing for too long is cut off.
 */
import type { ServerResponse } from 'node:http'
import type { Chunk } from './stream-frames.ts'

export interface PacedWriter {
  /** Resolves when more may be written; false once there is nobody to write to. */
  write(piece: Buffer): Promise<boolean>
  /** As `write`, of what is shared with others. */
  writeChunk(chunk: Chunk): Promise<boolean>
  /** At once. False where the other side has to take it before more is written. */
  push(chunk: Chunk): boolean
  /** After that: resolves when it has, or with false. */
  drained(): Promise<boolean>
  isOver(): boolean
}

export function createPacedWriter(res: ServerResponse, drainMs: number, onStuck: () => void): PacedWriter {
  const isOver = () => res.destroyed || res.writableEnded

  function drained(): Promise<boolean> {
    return new Promise((resolve) => {
      const { socket } = res
      const done = () => {
        clearTimeout(timer)
        socket?.off('drain', done)
        res.off('drain', done)
        res.off('close', done)
        resolve(!isOver())
      }
      const timer = setTimeout(() => {
        onStuck()
        res.destroy()
        done()
      }, drainMs)
      socket?.on('drain', done)
      res.on('drain', done)
      res.on('close', done)
    })
  }

  /**
   * Past the answer to its socket, where it holds nothing back: what the answer would do for each write is done once in
   * the chunk. The socket says so too when it has handed all of a large piece on already, so it is asked what it holds.
   */
  function push({ framed, bare }: Chunk): boolean {
    if (isOver()) return true
    const { socket } = res
    if (!socket || !res.headersSent) return res.write(bare)
    if (socket.write(res.chunkedEncoding ? framed : bare)) return true
    return socket.writableLength === 0
  }

  return {
    push,
    drained,
    isOver,
    async write(piece) {
      if (isOver()) return false
      return res.write(piece) || (await drained())
    },
    async writeChunk(chunk) {
      if (isOver()) return false
      return push(chunk) || (await drained())
    },
  }
}
