/**
 * What the overview shows, read once for everybody who looks at the same moment. Counts of what is pending are exact; what
 * has ended lately is read from the newest events, and says from when on it is whole.
 */
import type { IntentEvent } from '../../../domain/event.ts'
import { amountOf, finalTransferStates, type TransferState } from '../../../domain/transfer.ts'
import type { Cases } from '../../../store/cases.ts'
import { type DelayClass, type DelayCounts, delayClasses } from '../../../store/delay-counts.ts'
import type { PendingSums, ReadPendingSums } from '../../../store/pending-sums.ts'
import type { ReadRecent } from '../../../store/recent-events.ts'
import type { Subscriptions } from '../../../store/subscriptions.ts'
import type { SubscriptionFigures } from '../../../telemetry/delivery-metrics.ts'
import type { AccountLook, KnownAccount } from '../../api/account-health.ts'
import type { AccountResource } from '../../api/account-schemas.ts'

export interface QueueDepth {
  name: string
  counts: Record<string, number>
}

export interface Ended {
  account: string
  state: TransferState
  currency: string
  count: number
  minor: bigint
}

export interface OverviewFigures {
  at: number
  accounts: { health: AccountResource; pending: PendingSums }[]
  ended: Ended[]
  /** Of ended and steps: whole from then on. */
  since: number
  /** Each five minutes of the last hour. */
  steps: { from: number; registered: number; ended: number }[]
  delays: Record<DelayClass, number>
  cases: { count: number; more: boolean }
  queues: QueueDepth[]
  subscriptions: (SubscriptionFigures & { description?: string | undefined })[]
}

export interface OverviewFiguresDeps {
  knownAccounts: readonly KnownAccount[]
  look: AccountLook['look']
  pendingSums: ReadPendingSums
  readRecent: ReadRecent
  delays: DelayCounts
  cases: Pick<Cases, 'list'>
  depths(): Promise<QueueDepth[]>
  subscriptions: Pick<Subscriptions, 'list'>
  subscriptionFigures(): Promise<SubscriptionFigures[]>
  clock: () => number
}

const stepMs = 5 * 60_000
const stepCount = 12
const casesCounted = 100
/** Who looks at the same moment shares what was read. */
const keptMs = 2_000

export function createReadOverview(deps: OverviewFiguresDeps): () => Promise<OverviewFigures> {
  let kept: { at: number; figures: Promise<OverviewFigures> } | undefined

  async function read(at: number): Promise<OverviewFigures> {
    const first = Math.floor(at / stepMs) * stepMs - (stepCount - 1) * stepMs
    const [accounts, recent, delays, open, queues, subscriptions] = await Promise.all([
      Promise.all(deps.knownAccounts.map(readAccount)),
      deps.readRecent(first),
      Promise.all(deps.knownAccounts.map(({ id }) => deps.delays.countsOf(id))),
      deps.cases.list({ state: 'open', limit: casesCounted }),
      deps.depths(),
      readSubscriptions(),
    ])
    return {
      at,
      accounts,
      ended: sumEnded(recent.events),
      since: recent.since,
      steps: countSteps(recent.events, first),
      delays: addUp(delays),
      cases: { count: open.cases.length, more: open.next !== null },
      queues,
      subscriptions,
    }
  }

  async function readSubscriptions() {
    const [figures, all] = await Promise.all([deps.subscriptionFigures(), deps.subscriptions.list()])
    const byId = new Map<string, string | undefined>(all.map(({ id, description }) => [id, description]))
    return figures.map((one) => ({ ...one, description: byId.get(one.subscription) }))
  }

  async function readAccount(account: KnownAccount) {
    const [health, pending] = await Promise.all([deps.look(account), deps.pendingSums(account.id)])
    return { health, pending }
  }

  return () => {
    const at = deps.clock()
    if (!kept || at - kept.at >= keptMs) {
      const figures = read(at)
      kept = { at, figures }
      figures.catch(() => {
        if (kept?.figures === figures) kept = undefined
      })
    }
    return kept.figures
  }
}

/** The state in which a transfer has ended by this event, if it has. */
function endOf({ fact, intent }: IntentEvent): TransferState | undefined {
  const { from, to } = fact.change
  if (intent.kind !== 'transfer' || from?.state === to.state) return undefined
  const state = to.state as TransferState
  return finalTransferStates.has(state) ? state : undefined
}

function sumEnded(events: readonly IntentEvent[]): Ended[] {
  const sums = new Map<string, Ended>()
  for (const event of events) {
    const state = endOf(event)
    if (state === undefined || event.intent.kind !== 'transfer') continue
    const { account } = event.intent
    const { minor, currency } = amountOf(event.intent)
    const key = `${account} ${state} ${currency}`
    const sum = sums.get(key) ?? { account, state, currency, count: 0, minor: 0n }
    sums.set(key, { ...sum, count: sum.count + 1, minor: sum.minor + minor })
  }
  return [...sums.values()].sort((a, b) => (a.account < b.account ? -1 : a.account > b.account ? 1 : 0))
}

function countSteps(events: readonly IntentEvent[], first: number): OverviewFigures['steps'] {
  const steps = Array.from({ length: stepCount }, (_, i) => ({
    from: first + i * stepMs,
    registered: 0,
    ended: 0,
  }))
  for (const event of events) {
    const step = steps[Math.floor((event.at - first) / stepMs)]
    if (!step || event.intent.kind !== 'transfer') continue
    if (event.fact.name === 'registered') step.registered++
    if (endOf(event) !== undefined) step.ended++
  }
  return steps
}

function addUp(all: readonly Record<DelayClass, number>[]): Record<DelayClass, number> {
  const sum = (name: DelayClass) => all.reduce((total, one) => total + one[name], 0)
  return Object.fromEntries(delayClasses.map((name) => [name, sum(name)])) as Record<DelayClass, number>
}
