/**
 * A callback that was signed rightly and came too late is refused, and yet something happened: the provider is to be
 * asked. Nothing waits for this and nothing depends on it, so it never throws.
 */
import type { ReceiptId } from '../domain/ids.ts'
import type { IntentStore } from '../store/intents.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Observe } from './observe.ts'

export interface AskForQueryDeps {
  intents: Pick<IntentStore, 'find' | 'ask'>
  observe: Observe
  clock: () => number
  logger: Logger
}

export type AskForQueryOutcome = 'wanted' | 'wanted-before' | 'not-registered' | 'failed'

export type AskForQuery = (provider: { account: string }, body: Buffer) => Promise<AskForQueryOutcome>

export function createAskForQuery({ intents, observe, clock, logger }: AskForQueryDeps): AskForQuery {
  return async ({ account }, body) => {
    const about = { id: '' as ReceiptId, account, receivedAt: clock(), keyId: '', digest: '', headers: {} }
    try {
      // Whoever replays old callbacks about nothing of ours fills no memory.
      const intent = await intents.find(observe({ ...about, opened: body }).target)
      if (!intent) return 'not-registered'
      const outcome = (await intents.ask(intent, clock())) ? 'wanted' : 'wanted-before'
      logger.info('query.wanted', { account, intentId: intent.id, reason: 'outside-window', outcome })
      return outcome
    } catch (error) {
      logger.warn('query.not-wanted', { account, error })
      return 'failed'
    }
  }
}
