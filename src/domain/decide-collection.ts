import type { Collection } from './collection.ts'
import { type Decision, hold, type Step, step } from './decision.ts'
import type { CollectionId } from './ids.ts'
import type { HoldReason, Personal } from './intent.ts'
import { type Money, sameMoney } from './money.ts'
import type { CollectionObservation, OperatorResolution } from './observation.ts'

/** Nobody registers a pay-in: its first observation makes it, and is the first fact about it. */
export function completeCollection(
  { id, personal, contentDigest }: { id: CollectionId; personal: Personal; contentDigest: string },
  seen: CollectionObservation,
  now: number,
): Step<Collection> {
  const { account, reference, transaction, amount, fee, net, channel, rrn, occurredAt, receiptId } = seen
  return step<Collection>(
    'completed',
    null,
    {
      kind: 'collection',
      id,
      account,
      reference,
      transaction,
      amount,
      ...(fee && { fee }),
      ...(net && { net }),
      ...(channel !== undefined && { channel }),
      ...(rrn !== undefined && { rrn }),
      state: 'completed',
      completedAt: occurredAt ?? now,
      settledBy: receiptId,
      personal,
      contentDigest,
      createdAt: now,
    },
    now,
  )
}

/** Of one that is known: either it says the same, or a person has to look. */
export function decideCollection(
  collection: Collection,
  seen: CollectionObservation,
  now: number,
): Decision<Collection> {
  if (collection.hold) return { verdict: 'awaits-person' }
  const difference = findDifference(collection, seen)
  return difference ? hold(collection, seen, difference, now) : report(collection, seen, now)
}

/** A fee that one source leaves out another may tell; what is known stays. */
function report(before: Collection, seen: CollectionObservation, now: number): Decision<Collection> {
  const { fee = seen.fee, net = seen.net } = before
  if (fee === before.fee && net === before.net) return { verdict: 'repeat' }
  const after = { ...before, ...(fee && { fee }), ...(net && { net }) }
  return { verdict: 'applied', steps: [step<Collection>('reported', before, after, now)] }
}

export function settleCollectionByPerson(
  before: Collection,
  { action, theirs }: OperatorResolution,
  now: number,
): Step<Collection> | undefined {
  if (action !== 'take-theirs' || theirs?.kind !== 'collection') return undefined
  const { amount, fee, net, reference, receiptId } = theirs
  const after = {
    ...before,
    amount,
    ...(fee && { fee }),
    ...(net && { net }),
    reference,
    settledBy: receiptId,
  }
  return step<Collection>('corrected', before, after, now)
}

function findDifference(known: Collection, seen: CollectionObservation): HoldReason | undefined {
  if (known.amount.currency !== seen.amount.currency) return 'currency-differs'
  if (differ(known.amount, seen.amount) || differ(known.fee, seen.fee) || differ(known.net, seen.net))
    return 'amount-differs'
  return known.reference === seen.reference ? undefined : 'reference-differs'
}

function differ(known: Money | undefined, seen: Money | undefined): boolean {
  return known !== undefined && seen !== undefined && !sameMoney(known, seen)
}
