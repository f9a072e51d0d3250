/**
 * Receipts that nothing proves, of accounts with `verify: {scheme: none}`: anyone may have sent them. They never change a
 * transfer. One about a registered transfer is recorded with it and asks for a status query; any other leaves nothing
 * behind but a log line, neither parked nor failed, or anyone could fill the memory.
 */
import { AppError } from '../domain/errors.ts'
import type { TransferId } from '../domain/ids.ts'
import type { Observation } from '../domain/observation.ts'
import type { Receipt, ReceiptOutcome } from '../domain/receipt.ts'
import type { QueriesWanted } from '../store/queries-wanted.ts'
import type { TransferStore } from '../store/transfers.ts'

export interface UnverifiedDeps {
  transfers: Pick<TransferStore, 'find' | 'commit'>
  transferIdOf(account: string, reference: string): TransferId
  queriesWanted: QueriesWanted
  clock: () => number
  attemptsMax: number
}

export interface Noted {
  outcome: ReceiptOutcome
  transferId?: TransferId
  /** Why it is not even recorded. */
  because?: 'not-understood' | 'not-registered' | 'asked-before'
}

export function createNoteUnverified(
  deps: UnverifiedDeps,
): (receipt: Receipt, read: () => Observation) => Promise<Noted> {
  const { transfers, clock } = deps

  return async (receipt, read) => {
    const observation = readOrNothing(read)
    if (!observation) return { outcome: 'unverified', because: 'not-understood' }
    const transferId = deps.transferIdOf(observation.account, observation.reference)
    if (!(await transfers.find(transferId)))
      return { outcome: 'unverified', transferId, because: 'not-registered' }
    // First, so that a crash in between loses no query. Only the one that brought the wish is recorded: anyone can send
    // more of them, and each record would stay.
    if ((await deps.queriesWanted.want(transferId, 'unverified', clock())) !== 'wanted')
      return { outcome: 'unverified', transferId, because: 'asked-before' }
    for (let attempt = 1; attempt <= deps.attemptsMax; attempt++) {
      const before = await transfers.find(transferId)
      if (!before) return { outcome: 'unverified', transferId, because: 'not-registered' }
      const request = { before, event: undefined, receipt, result: 'unverified', at: clock() } as const
      const commit = await transfers.commit(request)
      if (commit.outcome === 'committed') return { outcome: 'unverified', transferId }
      if (commit.outcome === 'recorded-before') return { outcome: commit.result, transferId }
    }
    throw new AppError('commit-contended', { context: { transferId } })
  }
}

/** Only that it says nothing is passed over; a missing account or seal key is for a person to mend. */
function readOrNothing(read: () => Observation): Observation | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof AppError && error.code === 'callback-not-understood') return undefined
    throw error
  }
}
