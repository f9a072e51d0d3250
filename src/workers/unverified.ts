/**
 * Receipts that nothing proves, of accounts with `verify: {scheme: none}`: anyone may have sent them. They never change
 * anything. One about a known intent is recorded with it and asks for a status query; any other leaves nothing behind
 * but a log line, neither parked nor failed, or anyone could fill the memory.
 */
import { AppError } from '../domain/errors.ts'
import type { OpenReceipt } from '../domain/receipt.ts'
import type { IntentStore } from '../store/intents.ts'
import { namesOther, type Observe } from './observe.ts'
import type { Applied } from './round.ts'

export interface UnverifiedDeps {
  intents: Pick<IntentStore, 'load' | 'commit' | 'ask'>
  observe: Observe
  clock: () => number
  attemptsMax: number
}

export interface Noted extends Applied {
  /** Why it is not even recorded. */
  because?: 'not-understood' | 'not-registered' | 'asked-before'
}

export function createNoteUnverified(deps: UnverifiedDeps): (receipt: OpenReceipt) => Promise<Noted> {
  const { intents, clock } = deps

  return async (receipt) => {
    const observed = observeOrNothing(deps.observe, receipt)
    const target = observed?.target
    if (!target) return { outcome: 'unverified', because: 'not-understood' }
    for (let attempt = 1; attempt <= deps.attemptsMax; attempt++) {
      const [loaded] = await intents.load([target])
      if (loaded?.outcome === 'unreadable') throw loaded.error
      if (loaded?.outcome !== 'found')
        return { outcome: 'unverified', intentId: target, because: 'not-registered' }
      const before = loaded.intent
      const about = { intentId: before.id }
      // First, so that a crash in between loses no query. Only the one that brought the wish is recorded: anyone can send
      // more of them, and each record would stay.
      if (attempt === 1 && !(await intents.ask(before, clock())))
        return { outcome: 'unverified', ...about, because: 'asked-before' }
      const commit = await intents.commit({
        before,
        steps: [],
        because: { source: 'callback', receipt: receipt.id },
        receipt: { open: receipt, outcome: 'unverified', other: namesOther(before, observed) },
        at: clock(),
      })
      if (commit.outcome === 'committed') return { outcome: 'unverified', ...about }
      if (commit.outcome === 'recorded-before') return { outcome: commit.result, ...about }
    }
    throw new AppError('commit-contended', { context: { intentId: target } })
  }
}

/** Only that it says nothing is passed over; a missing account or seal key is for a person to mend. */
function observeOrNothing(observe: Observe, receipt: OpenReceipt) {
  try {
    return observe(receipt)
  } catch (error) {
    if (error instanceof AppError && error.code === 'callback-not-understood') return undefined
    throw error
  }
}
