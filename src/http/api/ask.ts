/** Puts what is not settled at the head of what its provider is asked about, within the limits that hold for all. */
import { AppError } from '../../domain/errors.ts'
import type { Sendable } from '../../domain/submission.ts'
import { isSettled } from '../../store/commit.ts'
import type { IntentStore } from '../../store/intents.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { readSendable } from './start.ts'

export interface AskDeps {
  intents: Pick<IntentStore, 'load' | 'commit'>
  clock: () => number
  logger: Logger
}

const attemptsMax = 16

export function createAsk({ intents, clock, logger }: AskDeps) {
  return async (id: Sendable['id'], by: string): Promise<void> => {
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      const before = readSendable((await intents.load([id]))[0])?.intent
      if (!before) throw new AppError('not-found')
      const obstacle = findObstacle(before)
      if (obstacle !== undefined) throw new AppError('cannot-query', { detail: obstacle })
      const at = clock()
      // Together with a look at the record: what was settled meanwhile must not come back to be asked about.
      const because = { source: 'operator', by } as const
      const commit = await intents.commit({ before, steps: [], because, ask: true, at })
      if (commit.outcome !== 'committed') continue
      logger.info('query.wanted', {
        account: before.account,
        intentId: id,
        reason: 'requested',
        principal: by,
      })
      return
    }
    throw new AppError('commit-contended')
  }
}

function findObstacle(intent: Sendable): string | undefined {
  if (isSettled(intent)) return `It is ${intent.state}, and nothing more is awaited of it.`
  // The provider knows a coupon by a number of its own, which it gives out when it grants it.
  if (intent.kind === 'coupon' && !intent.submission)
    return 'It was not sent, and the provider can be asked about what it granted alone.'
  return undefined
}
