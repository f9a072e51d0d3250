import { randomFillSync } from 'node:crypto'

const poolBytes = 8192

/**
 * Random bytes from the system's generator, fetched by the page: a call for a few bytes costs as much as one for a page,
 * and each callback needs two. Bytes are handed out once and never again.
 */
export function createRandomPool(): (count: number) => Buffer {
  let pool = Buffer.alloc(0)
  let used = 0
  return (count) => {
    if (used + count > pool.length) {
      // A new page each time: what was handed out before is still somebody's.
      pool = randomFillSync(Buffer.allocUnsafeSlow(Math.max(poolBytes, count)))
      used = 0
    }
    used += count
    return pool.subarray(used - count, used)
  }
}
