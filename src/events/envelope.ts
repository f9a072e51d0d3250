import type { IntentEvent, LoggedEvent } from '../domain/event.ts'
import { type CaseId, eventIdOf, type IntentId, type SubscriptionId } from '../domain/ids.ts'
import { formatTime } from '../domain/time.ts'
import { presentCase } from './case-resource.ts'
import { type CloudEvent, type EventType, eventTypeOf, type Noun } from './catalogue.ts'
import { presentIntent } from './resource.ts'
import { presentSubscription } from './subscription-resource.ts'

export function typeOf(event: LoggedEvent): EventType {
  return eventTypeOf(nounOf(event), event.fact.name)
}

function nounOf(event: LoggedEvent): Noun {
  if ('case' in event) return 'case'
  return 'subscription' in event ? 'subscription' : event.intent.kind
}

/** A subscription's own events are of no account. */
export function accountOf(event: LoggedEvent): string | undefined {
  if ('case' in event) return event.case.account
  return 'subscription' in event ? undefined : event.intent.account
}

export function subjectOf(event: LoggedEvent): IntentId | CaseId | SubscriptionId {
  if ('case' in event) return event.case.id
  return 'subscription' in event ? event.subscription.id : event.intent.id
}

/** `secrets`: what is sealed of the intent, opened; undefined where it was erased. */
export function toCloudEvent(event: LoggedEvent, partition: number, secrets: unknown): CloudEvent {
  const subject = subjectOf(event)
  const account = accountOf(event)
  const { sequence } = event.fact
  return {
    specversion: '1.0',
    id: eventIdOf(subject, sequence),
    source: account === undefined ? '/subscriptions' : `/accounts/${account}`,
    type: typeOf(event),
    subject,
    time: formatTime(event.at),
    datacontenttype: 'application/json',
    sequence,
    previousid: sequence > 1 ? eventIdOf(subject, sequence - 1) : undefined,
    partition,
    data: describe(event, secrets),
  }
}

function describe(event: LoggedEvent, secrets: unknown): CloudEvent['data'] {
  const { because } = event
  if ('case' in event) return { object: presentCase(event.case), because }
  if ('subscription' in event) return { object: presentSubscription(event.subscription), because }
  return describeIntent(event, secrets)
}

function describeIntent(
  { intent, totals, fact, because }: IntentEvent,
  secrets: unknown,
): CloudEvent['data'] {
  return { object: presentIntent(intent, secrets, totals), change: fact.change, because }
}
