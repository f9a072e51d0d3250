/** Events as a subscriber sees them. */
import type { EventType, TallyhookEvent } from '../../src/client/index.ts'

export function newEvent(
  subject: string,
  sequence: number,
  { type = 'tallyhook.transfer.succeeded.v1', partition = 0 }: { type?: EventType; partition?: number } = {},
): TallyhookEvent {
  const event = {
    specversion: '1.0',
    id: `ev-${subject}-${sequence}`,
    source: '/accounts/acme',
    type,
    subject,
    time: '2026-01-02T00:00:00.000Z',
    datacontenttype: 'application/json',
    sequence,
    ...(sequence > 1 && { previousid: `ev-${subject}-${sequence - 1}` }),
    partition,
    data: { object: { id: subject, account: 'acme' }, because: { source: 'callback' } },
  }
  return event as unknown as TallyhookEvent
}
