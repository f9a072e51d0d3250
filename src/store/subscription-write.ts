/** A subscription as it was decided, with its events, as part of a transaction; and the form in which it rests. */
import type { SubscriptionStep } from '../domain/decide-subscription.ts'
import type { Because, SubscriptionEvent } from '../domain/event.ts'
import type { SubscriptionId } from '../domain/ids.ts'
import type { Subscription } from '../domain/subscription.ts'
import { encodeOtherEvent } from './codec/codec.ts'
import type { Keys } from './keys.ts'
import type { Transaction } from './transaction.ts'

export interface SubscriptionWrite {
  /** As it was read; '' where there was none. */
  text: string
  steps: readonly SubscriptionStep[]
  because: Because
  at: number
}

/** Writes what the last step left, if nobody else changed it meanwhile, and publishes each. */
export function writeSubscription(
  transaction: Transaction,
  keys: Keys,
  { text, steps, because, at }: SubscriptionWrite,
): void {
  const last = steps.at(-1)
  if (!last) return
  const { id } = last.after
  const partition = keys.partitionOf(id)
  const key = keys.subscriptions(partition)
  transaction.check('field', key, id, text)
  if (last.fact.name === 'deleted') transaction.do('HDEL', key, id)
  else transaction.do('HSET', key, id, encodeSubscription(last.after))
  // One that was enabled is not to be disabled again by what its endpoint failed of before.
  const isNew = steps.some(({ fact }) => fact.name === 'enabled' || fact.name === 'deleted')
  if (isNew) transaction.do('HDEL', keys.endpoints(partition), id)
  for (const step of steps) {
    const event = encodeOtherEvent(describe(step, because, at))
    transaction.do('XADD', keys.events(partition), '*', 'e', event)
  }
  transaction.publish(keys.wakeChannel, String(partition))
}

/** Without its secrets, sealed as they are. */
function describe({ after, fact }: SubscriptionStep, because: Because, at: number): SubscriptionEvent {
  const { secrets: _, ...subscription } = after
  return { fact, subscription, because, at }
}

export function encodeSubscription(one: Subscription): string {
  return JSON.stringify({ v: 1, ...one })
}

export function decodeSubscription(text: string): Subscription {
  const { v: _, ...one } = JSON.parse(text) as Subscription & { v: 1 }
  return one
}

/** What its signing secrets are sealed for: one that is copied to another subscription does not open there. */
export function secretPlace(id: SubscriptionId): string {
  return `subscription-secret:${id}`
}
