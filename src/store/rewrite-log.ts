/**
 * Entries of a stream cannot be changed in place. So a copy under the same positions is made beside it, batch after
 * batch, and one script appends what came meanwhile and puts the copy in its place: whoever reads the log sees the
 * same positions before and after, and cursors hold.
 *
 * A copy that was left half-made is gone on with, if what is in it may stay as it is.
 */

import { AppError } from '../domain/errors.ts'
import type { RedisClient } from '../redis/client.ts'
import type { Keys } from './keys.ts'
import type { Change } from './rewrite.ts'
import type { Scripts } from './scripts.ts'

type Entry = [position: string, fields: string[]]

const batchSize = 500
/** Every other command waits for the last step, so it takes few. */
const swapMax = 200

export interface LogRewriteDeps {
  redis: RedisClient
  scripts: Scripts
  keys: Keys
}

/** Says how many entries were changed; where none need be, nothing is copied. */
export async function rewriteLog(deps: LogRewriteDeps, partition: number, change: Change): Promise<number> {
  const { redis, scripts, keys } = deps
  const log = keys.events(partition)
  const copy = keys.eventsCopy(partition)
  if (!(await needsChange(redis, log, change))) {
    await redis.unlink(copy)
    return 0
  }

  let last = await resumeAt(redis, copy, change)
  let changed = 0
  for (;;) {
    for (let batch = await readAfter(redis, log, last); batch.length > 0; ) {
      changed += await append(redis, copy, batch, change)
      last = batch.at(-1)?.[0] ?? last
      batch = batch.length < batchSize ? [] : await readAfter(redis, log, last)
    }
    const code = await scripts.swapLog([log, copy, keys.eventsOld(partition)], [last, String(swapMax)])
    if (code === 1) return changed
    if (code === -1) throw new AppError('internal-error', { detail: `The log ${log} has consumer groups.` })
    // Another that rewrites it too was faster, and took the copy away under us.
    if (code === -2) {
      last = '0-0'
      changed = 0
    }
  }
}

async function needsChange(redis: RedisClient, log: string, change: Change): Promise<boolean> {
  for (let last = '0-0'; ; ) {
    const batch = await readAfter(redis, log, last)
    if (batch.some(([, fields]) => changeFields(fields, change).changed)) return true
    if (batch.length < batchSize) return false
    last = batch.at(-1)?.[0] ?? last
  }
}

/** Behind the last entry of a copy that may be gone on with; a new copy otherwise. */
async function resumeAt(redis: RedisClient, copy: string, change: Change): Promise<string> {
  const [newest] = await redis.xrevrange(copy, '+', '-', 'COUNT', 1)
  if (newest && !(await needsChange(redis, copy, change))) return newest[0]
  await redis.unlink(copy)
  return '0-0'
}

async function readAfter(redis: RedisClient, log: string, last: string): Promise<Entry[]> {
  return redis.xrange(log, `(${last}`, '+', 'COUNT', batchSize)
}

async function append(
  redis: RedisClient,
  copy: string,
  batch: readonly Entry[],
  change: Change,
): Promise<number> {
  let count = 0
  const pipeline = redis.pipeline()
  for (const [position, fields] of batch) {
    const { fields: written, changed } = changeFields(fields, change)
    if (changed) count++
    pipeline.xadd(copy, position, ...written)
  }
  for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error
  return count
}

/** An entry's text stands in its field `e`. */
function changeFields(fields: readonly string[], change: Change): { fields: string[]; changed: boolean } {
  let changed = false
  const written = fields.map((text, i) => {
    if (fields[i - 1] !== 'e' || i % 2 === 0) return text
    const after = change(text)
    if (after !== undefined) changed = true
    return after ?? text
  })
  return { fields: written, changed }
}
