import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AppError } from '../domain/errors.ts'

/** A Unix socket's address has 108 bytes on Linux and 104 elsewhere, its end included. */
const pathBytesMax = 100

/** In the folder itself; where that is too deep, in a private folder of its own whose name follows from it. */
export function socketPathFor(folder: string): string {
  const inside = join(folder, 'redis.sock')
  if (Buffer.byteLength(inside) <= pathBytesMax) return inside
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 16)
  const outside = join(tmpdir(), `tallyhook-${name}`)
  mkdirSync(outside, { recursive: true, mode: 0o700 })
  refuseForeign(outside)
  return join(outside, 'redis.sock')
}

/** The name can be guessed and the folder above it is everybody's: somebody else may have been there first. */
function refuseForeign(folder: string): void {
  const stat = lstatSync(folder)
  const ours = stat.isDirectory() && stat.uid === process.getuid?.() && (stat.mode & 0o077) === 0
  if (ours) return
  throw new AppError('redis-unavailable', {
    detail: `${folder} is not ours alone; remove it, or set TALLYHOOK_DATA_DIR to a shorter path.`,
  })
}
