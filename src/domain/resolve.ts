/**
 * What a person decides of a held intent, as facts: it is released first, and then moved if it has to. What they ruled on,
 * taken or not, is remembered: when it comes again it holds nothing.
 */
import { settleCollectionByPerson } from './decide-collection.ts'
import { currencyOf, findCouponObstacle, settleCouponByPerson } from './decide-coupon.ts'
import { settleByPerson } from './decide-transfer.ts'
import { type Step, step } from './decision.ts'
import type { ReceiptId } from './ids.ts'
import type { Intent } from './intent.ts'
import { formatAmount } from './money.ts'
import type { Observation, OperatorResolution, ResolutionAction } from './observation.ts'
import type { Heard } from './repeats.ts'
import {
  findCancelObstacle,
  findSubmissionObstacle,
  releaseSubmission,
  settleSubmissionByPerson,
} from './resolve-submission.ts'
import { submissionHolds } from './submission.ts'

export function resolveHold(held: Intent, resolution: OperatorResolution, now: number): Step[] {
  const { hold, ...free } = held
  const dismissed = [...new Set([...(held.dismissed ?? []), ...resolution.dismissed])]
  const ruled = { ...free, dismissed, ruledAt: now } as Intent
  const after = hold ? releaseSubmission(ruled, hold.reason, resolution, now) : ruled
  const released: Step = step<Intent>('released', held, after, now)
  const moved =
    hold && submissionHolds.has(hold.reason) && !isOfMoney(resolution)
      ? settleSubmissionByPerson(released.intent, resolution, now)
      : settle(released.intent, resolution, now)
  return moved ? [released, moved] : [released]
}

/** While it waited for a word about sending, the provider told of the money itself: that is what they take. */
function isOfMoney({ action, theirs }: OperatorResolution): boolean {
  return action === 'take-theirs' && theirs !== undefined && theirs.kind !== 'submission'
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
export function findObstacle(intent: Intent, resolution: OperatorResolution): string | undefined {
  const { action, theirs } = resolution
  if (intent.hold && submissionHolds.has(intent.hold.reason) && !isOfMoney(resolution))
    return findSubmissionObstacle(intent, intent.hold.reason, resolution)
  if (action === 'keep-ours') return undefined
  if (action === 'cancel')
    return intent.kind === 'transfer' ? findCancelObstacle(intent) : `A ${intent.kind} cannot be cancelled.`
  if (!theirs) return 'There is nothing to take.'
  if (theirs.kind === 'submission')
    return 'It answers an order and says nothing of what was paid, so there is nothing to take.'
  const ours = intent.kind === 'coupon' ? currencyOf(intent) : intent.amount.currency
  const amount = 'amount' in theirs ? theirs.amount : undefined
  if (ours !== undefined && amount && ours !== amount.currency)
    return `It is registered in ${ours}, and ${formatAmount(amount)} ${amount.currency} cannot be taken for it.`
  if (intent.kind === 'coupon' && (theirs.kind === 'coupon-grant' || theirs.kind === 'coupon-use'))
    return findCouponObstacle(intent, theirs)
  return undefined
}

/** What the person has seen and ruled on: what opened the case, what they took, and what they gave up for it. */
export function findRuledOn(
  intent: Intent,
  heard: readonly Heard[],
  {
    action,
    opened,
    theirs,
  }: { action: ResolutionAction; opened: ReceiptId | undefined; theirs: Observation | undefined },
): string[] {
  const givenUp = action === 'keep-ours' ? [] : findOurs(intent, theirs)
  const ruledOn = new Set<string | undefined>([opened, theirs?.receiptId, ...givenUp])
  return heard.filter(({ receipt }) => ruledOn.has(receipt)).map(({ fact }) => fact)
}

function findOurs(intent: Intent, theirs: Observation | undefined): (string | undefined)[] {
  if (intent.kind !== 'coupon' || theirs?.kind !== 'coupon-use') return [intent.settledBy]
  const same = intent.uses.filter(({ transaction }) => transaction === theirs.transaction)
  return same.map(({ receipt }) => receipt)
}
