/**
 * A callback that was signed rightly and came too late is refused, and yet something happened: the provider is to be
 * asked. Nothing waits for this and nothing depends on it, so it never throws.
 */
import type { TransferId } from '../domain/ids.ts'
import type { AccountProvider } from '../providers/provider.ts'
import type { QueriesWanted, QueryWanted } from '../store/queries-wanted.ts'
import type { TransferStore } from '../store/transfers.ts'
import type { Logger } from '../telemetry/logger.ts'

export interface AskForQueryDeps {
  transfers: Pick<TransferStore, 'find'>
  transferIdOf(account: string, reference: string): TransferId
  queriesWanted: QueriesWanted
  clock: () => number
  logger: Logger
}

export type AskForQueryOutcome = QueryWanted | 'not-understood' | 'not-registered' | 'failed'

export type AskForQuery = (
  provider: Pick<AccountProvider, 'account' | 'translate'>,
  body: Buffer,
) => Promise<AskForQueryOutcome>

export function createAskForQuery(deps: AskForQueryDeps): AskForQuery {
  return async (provider, body) => {
    const { account } = provider
    try {
      const translation = provider.translate(body)
      if (translation.outcome === 'not-understood') return 'not-understood'
      const transferId = deps.transferIdOf(account, translation.observation.reference)
      // Whoever replays old callbacks about nothing of ours fills no memory.
      if (!(await deps.transfers.find(transferId))) return 'not-registered'
      const outcome = await deps.queriesWanted.want(transferId, 'outside-window', deps.clock())
      deps.logger.info('query.wanted', { account, transferId, reason: 'outside-window', outcome })
      return outcome
    } catch (error) {
      deps.logger.warn('query.not-wanted', { account, error })
      return 'failed'
    }
  }
}
