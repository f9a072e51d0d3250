/** One event of every type of the catalogue, made of values: what others parse is the envelope and the resources. */
import { openCase } from '../../src/domain/case.ts'
import type { FactName } from '../../src/domain/decision.ts'
import type { LoggedEvent } from '../../src/domain/event.ts'
import type { ReceiptId, RunId, SubscriptionId } from '../../src/domain/ids.ts'
import type { Intent } from '../../src/domain/intent.ts'
import { type SubscriptionFactName, subscriptionFacts } from '../../src/domain/subscription.ts'
import { type CloudEvent, factsByNoun } from '../../src/events/catalogue.ts'
import { toCloudEvent } from '../../src/events/envelope.ts'
import { batch, collection, coupon, now, transfer } from './intents.ts'

const because = { source: 'callback', receipt: 'rc-1' as ReceiptId } as const

export const aSubscription = {
  id: `su-${'5'.repeat(26)}` as SubscriptionId,
  url: 'https://ledger.example/events',
  description: 'The ledger, Zürich',
  types: ['tallyhook.transfer.*'],
  accounts: ['acme'],
  live: { run: `ru-${'6'.repeat(26)}` as RunId, from: ['0-0', '0-0'] },
  missed: [{ from: ['1-0', '0-0'], until: ['9-0', '0-0'], since: now, till: now + 1 }],
  createdAt: now,
  updatedAt: now,
  createdBy: 'ledger',
  sequence: 3,
}

/** What is sealed of each kind, opened. */
const secrets: Record<Intent['kind'], unknown> = {
  transfer: {
    beneficiary: { kind: 'bank', bankCode: '014', accountNumber: '12345678', name: '张三 “Sāo”' },
  },
  batch: undefined,
  coupon: { openid: 'o-1' },
  collection: { customerName: 'Budi' },
}

/** `sequence` 1 has no event before it; the largest is the largest that CloudEvents may carry. */
export function eventOfEachType(sequences: readonly number[] = [1, 2, 2 ** 31 - 1]): CloudEvent[] {
  return sequences.flatMap((sequence) => [
    ...[transfer(), batch(), coupon(), collection()].flatMap((intent) => {
      const names: readonly FactName[] = factsByNoun[intent.kind]
      return names.map((name) => ofIntent(intent, name, sequence))
    }),
    ...factsByNoun.case.map((name) => ofCase(name, sequence)),
    ...subscriptionFacts.map((name) => ofSubscription(name, sequence)),
  ])
}

function ofIntent(intent: Intent, name: FactName, sequence: number): CloudEvent {
  const to = { state: intent.state, held: false }
  const from = sequence === 1 ? null : { state: 'registered', held: false }
  const event: LoggedEvent = {
    fact: { name, sequence, change: { from, to } },
    intent: { ...intent, sequence },
    because,
    at: now,
  }
  return toCloudEvent(event, 7, secrets[intent.kind])
}

function ofCase(name: 'opened' | 'resolved', sequence: number): CloudEvent {
  const receipt = `rc-${'7'.repeat(26)}` as ReceiptId
  const failure = { account: 'acme', receipt, code: 'callback-not-understood', reason: 'It failed.' } as const
  const opened = openCase(undefined, failure, now)
  if (!opened) throw new Error('No case was opened.')
  return toCloudEvent({ fact: { name, sequence }, case: opened, because, at: now }, 0, undefined)
}

function ofSubscription(name: SubscriptionFactName, sequence: number): CloudEvent {
  const disabled = { because: 'failing' as const, at: now }
  const subscription = name === 'disabled' ? { ...aSubscription, disabled } : aSubscription
  return toCloudEvent({ fact: { name, sequence }, subscription, because, at: now }, 0, undefined)
}
