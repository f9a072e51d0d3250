/**
 * What a person decides of a held intent, as facts: it is released first, and then moved if it has to. What they did not
 * take, and what they took, is remembered: when it comes again it is a repeat.
 */
import { settleCollectionByPerson } from './decide-collection.ts'
import { findCouponObstacle, settleCouponByPerson } from './decide-coupon.ts'
import { settleByPerson } from './decide-transfer.ts'
import { type Step, step } from './decision.ts'
import type { Intent } from './intent.ts'
import { formatAmount } from './money.ts'
import type { OperatorResolution } from './observation.ts'
import { describeFact } from './repeats.ts'

export function resolveHold<I extends Intent>(held: I, resolution: OperatorResolution, now: number): Step[] {
  const { hold: _, ...free } = held
  const dismissed = [...(held.dismissed ?? []), describeFact(resolution.theirs).fact]
  const released: Step = step<Intent>('released', held, { ...free, dismissed } as unknown as Intent, now)
  const moved = settle(released.intent, resolution, now)
  return moved ? [released, moved] : [released]
}

function settle(before: Intent, resolution: OperatorResolution, now: number): Step | undefined {
  switch (before.kind) {
    case 'transfer':
      return settleByPerson(before, resolution, now)
    case 'coupon':
      return settleCouponByPerson(before, resolution, now)
    case 'collection':
      return settleCollectionByPerson(before, resolution, now)
    case 'batch':
      return undefined
  }
}

/** Why an action cannot be; a sentence for whoever asked. */
export function findObstacle(intent: Intent, { action, theirs }: OperatorResolution): string | undefined {
  if (action === 'keep-ours') return undefined
  if (action === 'cancel')
    return intent.kind === 'transfer' ? undefined : `A ${intent.kind} cannot be cancelled.`
  const ours = 'amount' in intent ? intent.amount : undefined
  const amount = 'amount' in theirs ? theirs.amount : undefined
  if (ours && amount && ours.currency !== amount.currency) {
    return `It is registered in ${ours.currency}, and ${formatAmount(amount)} ${amount.currency} cannot be taken for it.`
  }
  if (intent.kind === 'coupon' && (theirs.kind === 'coupon-grant' || theirs.kind === 'coupon-use'))
    return findCouponObstacle(intent, theirs)
  return undefined
}
