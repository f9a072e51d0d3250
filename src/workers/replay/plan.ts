/** A plan from what was foreseen of each callback: pure. */
import type { IntentChange, ReplayPlan, ReplayStep } from '../../domain/callback-replay.ts'
import type { IntentId } from '../../domain/ids.ts'
import type { Intent } from '../../domain/intent.ts'
import { formatAmount, type Money } from '../../domain/money.ts'
import { amountOf } from '../../domain/transfer.ts'
import { type Foreseen, stateOf } from './foresee.ts'

export interface PlannedStep {
  step: ReplayStep
  foreseen: Foreseen
}

const intentsShown = 100
const failuresShown = 20

export function describePlan(steps: readonly PlannedStep[], more: boolean): ReplayPlan {
  const changed = describeChanges(steps)
  const events: Record<string, number> = {}
  const outcomes: ReplayPlan['outcomes'] = {}
  for (const { foreseen } of steps) {
    outcomes[foreseen.outcome] = (outcomes[foreseen.outcome] ?? 0) + 1
    for (const type of foreseen.events) events[type] = (events[type] ?? 0) + 1
  }
  return {
    callbacks: steps.length,
    more,
    outcomes,
    changes: changed.length,
    value: sumOf(changed.map(({ after }) => after)),
    events,
    failures: describeFailures(steps),
    intents: changed.slice(0, intentsShown).map(({ change }) => change),
  }
}

interface Changed {
  change: IntentChange
  after: Intent
}

/** In the order in which each is changed first. */
function describeChanges(steps: readonly PlannedStep[]): Changed[] {
  const all = new Map<IntentId, Changed>()
  for (const { foreseen } of steps) {
    const { change, events } = foreseen
    if (!change) continue
    const { from, after } = change
    const { id, kind, account, reference } = after
    const before = all.get(id)?.change
    all.set(id, {
      after,
      change: {
        intent: id,
        kind,
        account,
        reference,
        callbacks: (before?.callbacks ?? 0) + 1,
        from: before ? before.from : from,
        to: stateOf(after),
        events: [...(before?.events ?? []), ...events],
      },
    })
  }
  return [...all.values()]
}

function sumOf(intents: readonly Intent[]): ReplayPlan['value'] {
  const sums = new Map<string, bigint>()
  for (const intent of intents) {
    const money = worthOf(intent)
    if (money) sums.set(money.currency, (sums.get(money.currency) ?? 0n) + money.minor)
  }
  return [...sums].sort().map(([currency, minor]) => ({ value: formatAmount({ minor, currency }), currency }))
}

function worthOf(intent: Intent): Money | undefined {
  return intent.kind === 'transfer' ? amountOf(intent) : intent.amount
}

function describeFailures(steps: readonly PlannedStep[]): ReplayPlan['failures'] {
  const groups = new Map<string, ReplayPlan['failures'][number]>()
  for (const { step, foreseen } of steps) {
    const { error } = foreseen
    if (!error) continue
    const { code, detail: reason } = error
    const group = groups.get(`${code} ${reason}`) ?? { code, reason, count: 0, first: step.receipt }
    group.count++
    groups.set(`${code} ${reason}`, group)
  }
  return [...groups.values()].sort((a, b) => b.count - a.count).slice(0, failuresShown)
}
