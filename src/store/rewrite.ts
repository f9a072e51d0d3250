/**
 * Rewrites what rests in Redis while the service runs: each value is replaced only if it is still the one that was read,
 * and read again where it is not.
 */

import { AppError } from '../domain/errors.ts'
import type { RedisClient } from '../redis/client.ts'
import type { Scripts } from './scripts.ts'

/** The new text, or undefined where it may stay. */
export type Change = (text: string) => string | undefined

export interface Rewriter {
  text(key: string, change: Change): Promise<boolean>
  field(key: string, field: string, change: Change): Promise<boolean>
  /** Every field of a hash; says how many were changed. */
  hash(key: string, change: Change): Promise<number>
}

/** Somebody who changes one value this often without a pause is not a race any more. */
const attemptsMax = 100
const fieldsAtOnce = 256

export function createRewriter({ redis, scripts }: { redis: RedisClient; scripts: Scripts }): Rewriter {
  async function repeat(
    read: () => Promise<string | null>,
    replace: (before: string, after: string) => Promise<number>,
    change: Change,
  ): Promise<boolean> {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const before = await read()
      const after = before === null ? undefined : change(before)
      if (before === null || after === undefined) return false
      if ((await replace(before, after)) === 1) return true
    }
    throw new AppError('commit-contended')
  }

  const field: Rewriter['field'] = (key, name, change) =>
    repeat(
      () => redis.hget(key, name),
      (before, after) => scripts.replaceField([key], [name, before, after]),
      change,
    )

  return {
    field,
    text: (key, change) =>
      repeat(
        () => redis.get(key),
        (before, after) => scripts.replaceText([key], [before, after]),
        change,
      ),
    async hash(key, change) {
      let changed = 0
      for (let cursor = '0', first = true; first || cursor !== '0'; first = false) {
        const [next, pairs] = await redis.hscan(key, cursor, 'COUNT', fieldsAtOnce)
        cursor = next
        for (let i = 0; i < pairs.length; i += 2) {
          const [name = '', text = ''] = pairs.slice(i, i + 2)
          if (change(text) === undefined) continue
          if (await field(key, name, change)) changed++
        }
      }
      return changed
    },
  }
}
