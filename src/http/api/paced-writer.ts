/**
 * Writes no faster than the other side reads: what it has not taken is never more than the last text and what the
 * socket holds. One that takes nothing for too long is cut off.
 */
import type { ServerResponse } from 'node:http'

/** False once there is nobody to write to. */
export type PacedWriter = (text: string) => Promise<boolean>

export function createPacedWriter(res: ServerResponse, drainMs: number, onStuck: () => void): PacedWriter {
  const isOver = () => res.destroyed || res.writableEnded

  function drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        res.off('drain', done)
        res.off('close', done)
        resolve()
      }
      const timer = setTimeout(() => {
        onStuck()
        res.destroy()
        done()
      }, drainMs)
      res.on('drain', done)
      res.on('close', done)
    })
  }

  return async (text) => {
    if (isOver()) return false
    if (!res.write(text)) await drained()
    return !isOver()
  }
}
