/** What commands do is on record like what calls do: before it is done, and after. */
import { createAuditParts } from '../compose/audit.ts'
import type { Config } from '../config/config.ts'
import type { AuditFacts } from '../domain/audit.ts'
import { asAppError } from '../domain/errors.ts'
import { askFor } from '../http/audited.ts'
import type { RedisClient } from '../redis/client.ts'
import type { Keys } from '../store/keys.ts'

export interface CommandAction {
  /** Who says so. */
  by: string
  action: string
  target?: string | undefined
  reason?: string | undefined
}

export type OnRecord = <Answer>(
  action: CommandAction,
  work: (note: (facts: { before?: AuditFacts; after?: AuditFacts }) => void) => Promise<Answer>,
) => Promise<Answer>

export function createOnRecord(redis: RedisClient, keys: Keys, config: Pick<Config, 'seal'>): OnRecord {
  const { log } = createAuditParts(redis, keys, config)
  return async ({ by, ...action }, work) => {
    const asked = await askFor(log, { who: by, via: 'cli', ...action })
    let facts: { before?: AuditFacts; after?: AuditFacts } = {}
    try {
      const answer = await work((noted) => {
        facts = noted
      })
      await log.end(asked, { outcome: 'done', ...facts })
      return answer
    } catch (error) {
      const { code } = asAppError(error)
      const outcome = code === 'internal-error' ? 'failed' : 'refused'
      // Why it broke is what is to be told, also where this cannot be kept.
      await log.end(asked, { outcome, code, ...facts }).catch(() => {})
      throw error
    }
  }
}
