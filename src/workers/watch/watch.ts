/** The watch over all accounts. Each goes by itself: one whose provider is dead costs the others nothing. */
import type { AccountProvider } from '../../providers/provider.ts'
import type { AccountDeps } from './deps.ts'
import { createOverdueShare } from './overdue-share.ts'
import { minuteMs, type WatchTimes } from './times.ts'
import { createWatchAccount } from './watch-account.ts'

export interface WatchDeps
  extends Omit<AccountDeps, 'account' | 'client' | 'translate' | 'terms' | 'isPaused' | 'wait'> {
  providers: ReadonlyMap<string, AccountProvider>
  settingsOf(account: string): { watch: WatchTimes; calls: { timeoutMs: number } }
  pauses: { isPaused(account: string): Promise<boolean> }
  /** Of each account at once. */
  inFlightMax?: number
  /** How often it is looked whether something is due. */
  intervalMs?: number
  leaseMs?: number
}

export interface Watching {
  /** Waits for the calls that are under way, unless that is no use, as when Redis is away. */
  stop(options?: { force?: boolean }): Promise<void>
}

/** Where an account can call nobody, only its deadlines are kept. */
const noClient: AccountDeps['client'] = {
  orders: new Set(),
  questions: new Set(),
  order: async () => ({ outcome: 'unsent', because: 'The account can call nobody.' }),
  ask: async () => ({ outcome: 'unsent', because: 'The account can call nobody.' }),
}

const usualInFlightMax = 8
/** A round without work is two round trips of a few commands for each partition. */
const usualIntervalMs = 500
/** Beside the time that a call takes at most. */
const leaseBesideMs = 45_000

export function startWatch(deps: WatchDeps): Watching {
  const all = [...deps.providers.values()].map((provider) => startOne(deps, provider))
  return {
    async stop(options) {
      await Promise.all(all.map((one) => one.stop(options)))
    },
  }
}

function startOne(deps: WatchDeps, provider: AccountProvider): Watching {
  const { account, client = noClient } = provider
  const { watch, calls } = deps.settingsOf(account)
  const { orders, questions, reservationMs, explains } = client
  const stopping = new AbortController()
  const runner = createRunner(deps, account, () => stopping.signal.aborted)
  const one = createWatchAccount({
    ...deps,
    account,
    client,
    translate: provider.translate,
    terms: {
      orders,
      questions,
      watch,
      ...(reservationMs !== undefined && { reservationMs }),
      ...(explains && { explains }),
    },
    isPaused: () => deps.pauses.isPaused(account),
    wait: (ms) => waitFor(ms, stopping.signal),
    inFlightMax: deps.inFlightMax ?? usualInFlightMax,
    leaseMs: deps.leaseMs ?? calls.timeoutMs + leaseBesideMs,
    isStopping: () => stopping.signal.aborted,
    poke: () => runner.poke(),
  })
  const reportShare = createOverdueShare({ ...deps, account })
  let reportedAt = deps.clock()
  runner.start(async () => {
    await one.round()
    if (deps.clock() - reportedAt < minuteMs) return
    reportedAt = deps.clock()
    await reportShare()
  })
  return {
    async stop({ force = false } = {}) {
      stopping.abort()
      await runner.stop(force)
      if (!force) await one.drained()
    },
  }
}

/** Now and then, and at once where something has ended; never twice at a time. */
function createRunner(
  { intervalMs = usualIntervalMs, logger }: Pick<WatchDeps, 'intervalMs' | 'logger'>,
  account: string,
  isStopping: () => boolean,
) {
  let round: (() => Promise<void>) | undefined
  let current: Promise<void> | undefined
  let isWanted = false
  let timer: NodeJS.Timeout | undefined

  function tick(): void {
    if (isStopping() || !round) return
    if (current) {
      isWanted = true
      return
    }
    isWanted = false
    current = round()
      .catch((error: unknown) => logger.warn('watch.round-failed', { account, error }))
      .finally(() => {
        current = undefined
        if (isWanted) tick()
      })
  }
  return {
    poke: tick,
    start(act: () => Promise<void>) {
      round = act
      tick()
      timer = setInterval(tick, intervalMs)
    },
    async stop(force: boolean) {
      clearInterval(timer)
      if (!force) await current
    },
  }
}

function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })
}
