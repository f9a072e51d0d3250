import type { TransferEvent } from '../domain/event.ts'
import { eventIdOf } from '../domain/ids.ts'
import { formatTime } from '../domain/time.ts'
import { type CloudEvent, eventTypes } from './catalogue.ts'
import { presentTransfer } from './resource.ts'

export function toCloudEvent({ fact, transfer, because, at }: TransferEvent): CloudEvent {
  return {
    specversion: '1.0',
    id: eventIdOf(transfer.id, fact.sequence),
    source: `/accounts/${transfer.account}`,
    type: eventTypes[fact.name],
    subject: transfer.id,
    time: formatTime(at),
    datacontenttype: 'application/json',
    sequence: fact.sequence,
    previousid: fact.sequence > 1 ? eventIdOf(transfer.id, fact.sequence - 1) : undefined,
    data: { object: presentTransfer(transfer), change: fact.change, because },
  }
}
