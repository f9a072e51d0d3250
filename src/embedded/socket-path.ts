import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A Unix socket's address has 108 bytes on Linux and 104 elsewhere, its end included. */
const pathBytesMax = 100

/** In the folder itself; where that is too deep, in a private folder of its own whose name follows from it. */
export function socketPathFor(folder: string): string {
  const inside = join(folder, 'redis.sock')
  if (Buffer.byteLength(inside) <= pathBytesMax) return inside
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 16)
  const outside = join(tmpdir(), `tallyhook-${name}`)
  mkdirSync(outside, { recursive: true, mode: 0o700 })
  return join(outside, 'redis.sock')
}
