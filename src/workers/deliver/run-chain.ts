/** Sends the events of one subject one after another, until one is not taken. */
import type { Attempt } from '../../domain/delivery.ts'
import type { Leave, Target } from './deps.ts'
import type { Offer, Offered } from './offer.ts'
import type { Chain } from './plan.ts'
import type { Progress, ProgressEnd } from './settle-line.ts'

export interface RunningChain {
  chain: Chain
  /** So far. */
  taken: Attempt[]
  /** Set while a request is on its way. */
  sentAt: number | undefined
  /** How it ended; missing while it runs. */
  end: ProgressEnd | undefined
  /** The page goes on without it: it sends no more, and its last request is another's business. */
  letGo: boolean
  /** Of the request that is on its way. */
  current: Promise<Offered> | undefined
  /** Where 410 was answered. */
  goneUrl: string | undefined
  done: Promise<void>
}

export interface RunChainDeps {
  offer: Offer
  target: Target
  leave: Leave
  clock: () => number
  onEnd(): void
}

export function runChain(chain: Chain, deps: RunChainDeps): RunningChain {
  const running: RunningChain = {
    chain,
    taken: [],
    sentAt: undefined,
    end: undefined,
    letGo: false,
    current: undefined,
    goneUrl: undefined,
    done: Promise.resolve(),
  }
  running.done = run(running, deps).finally(deps.onEnd)
  return running
}

async function run(running: RunningChain, { offer, target, leave, clock }: RunChainDeps): Promise<void> {
  const maySend = () => !running.letGo && leave.maySend()
  const onSent = () => {
    running.sentAt = clock()
  }
  for (const item of running.chain.items) {
    running.current = offer(target, item, { signal: leave.signal, maySend, onSent })
    const sent = await running.current
    if (running.letGo) return
    running.sentAt = undefined
    running.current = undefined
    if (sent.outcome !== 'taken') {
      running.end = endOf(sent)
      running.goneUrl = sent.outcome === 'failed' ? sent.goneUrl : undefined
      return
    }
    running.taken.push(sent.attempt)
  }
  running.end = { end: 'held' }
}

export function endOf(sent: Exclude<Offered, { outcome: 'taken' }>): ProgressEnd {
  if (sent.outcome !== 'failed') return { end: sent.outcome }
  const { attempt, retryAfterMs } = sent
  return { end: 'failed', attempt, retryAfterMs }
}

/** As it stands; of one that was let go its request is under way. */
export function progressOf({ taken, end, sentAt }: RunningChain, until: number): Progress {
  if (end) return { taken, end }
  return { taken, end: sentAt === undefined ? { end: 'held' } : { end: 'under-way', until } }
}
