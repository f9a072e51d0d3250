import type { CaseEvent, IntentEvent, LoggedEvent } from '../domain/event.ts'
import { eventIdOf } from '../domain/ids.ts'
import { formatTime } from '../domain/time.ts'
import { presentCase } from './case-resource.ts'
import { type CloudEvent, type EventType, eventTypeOf } from './catalogue.ts'
import { presentIntent } from './resource.ts'

export function typeOf(event: LoggedEvent): EventType {
  return eventTypeOf('case' in event ? 'case' : event.intent.kind, event.fact.name)
}

export function accountOf(event: LoggedEvent): string {
  return 'case' in event ? event.case.account : event.intent.account
}

/** `secrets`: what is sealed of the intent, opened; undefined where it was erased. */
export function toCloudEvent(event: LoggedEvent, secrets: unknown): CloudEvent {
  const subject = 'case' in event ? event.case.id : event.intent.id
  const { sequence } = event.fact
  return {
    specversion: '1.0',
    id: eventIdOf(subject, sequence),
    source: `/accounts/${accountOf(event)}`,
    type: typeOf(event),
    subject,
    time: formatTime(event.at),
    datacontenttype: 'application/json',
    sequence,
    previousid: sequence > 1 ? eventIdOf(subject, sequence - 1) : undefined,
    data: 'case' in event ? describeCase(event) : describeIntent(event, secrets),
  }
}

function describeCase(event: CaseEvent): CloudEvent['data'] {
  return { object: presentCase(event.case), because: event.because }
}

function describeIntent(
  { intent, totals, fact, because }: IntentEvent,
  secrets: unknown,
): CloudEvent['data'] {
  return { object: presentIntent(intent, secrets, totals), change: fact.change, because }
}
