/**
 * One request: when there is a slot for it, if the breaker lets it, and if who asks may still send. What comes of it is
 * noted of the endpoint.
 */
import type { Subject } from '../../domain/line.ts'
import type { PublishedEvent } from '../../events/published.ts'
import type { DeliverDeps, Leave, Target } from './deps.ts'
import type { Sent } from './send.ts'

/** held: nothing was sent. `goneUrl`: where 410 was answered. */
export type Offered = (Sent & { goneUrl?: string }) | { outcome: 'held' }

export type Offer = (
  target: Target,
  event: Pick<PublishedEvent, 'id' | 'json' | 'subject'>,
  leave: Leave & { onSent?: () => void },
) => Promise<Offered>

const held: Offered = { outcome: 'held' }

export function createOffer(deps: Pick<DeliverDeps, 'desk' | 'slotsOf' | 'send' | 'clock'>): Offer {
  const { desk, slotsOf, send, clock } = deps

  function note(id: Target['subscription'], subject: Subject, sent: Sent): void {
    if (sent.outcome === 'given-up') return
    const at = clock()
    if (sent.outcome === 'taken') desk.note(id, { news: 'taken', at })
    else {
      const { attempt, retryAfterMs } = sent
      desk.note(id, { news: 'failed', at, subject, attempt, retryAfterMs })
    }
  }

  return async ({ subscription, endpoint }, event, { maySend, signal, onSent }) => {
    const slots = slotsOf(subscription)
    const slot = slots.take()
    if (slot !== undefined) await slot
    try {
      // Where it cannot be read what holds by now, nothing is sent.
      const to = await endpoint().catch(() => undefined)
      if (!to) return held
      const permitted = desk.permit(subscription)
      if (!(typeof permitted === 'boolean' ? permitted : await permitted)) return held
      if (!maySend()) return held
      onSent?.()
      const sent = await send(to, event, signal)
      note(subscription, event.subject, sent)
      if (sent.outcome === 'taken') slots.noteTook(sent.attempt.tookMs)
      return sent.outcome === 'failed' && sent.gone ? { ...sent, goneUrl: to.url } : sent
    } finally {
      slots.release()
    }
  }
}
