/** What was sent of one intent or case, over all subscriptions: as far back as the history of each reaches. */
import type { SubjectId, SubscriptionId } from '../domain/ids.ts'
import type { NotedDelivery } from './codec/deliveries.ts'
import type { DeliveryHistory } from './delivery-history.ts'
import type { Subscriptions } from './subscriptions.ts'

export interface DeliveriesOf {
  subscription: SubscriptionId
  /** Newest first. */
  notes: NotedDelivery[]
}

export interface DeliveriesOfDeps {
  subscriptions: Pick<Subscriptions, 'list'>
  history: Pick<DeliveryHistory, 'list'>
}

/** One subscription after the other: each may have to be looked through. Those that have nothing of it are left out. */
export function createDeliveriesOf({ subscriptions, history }: DeliveriesOfDeps) {
  return async (subject: SubjectId, limit: number): Promise<DeliveriesOf[]> => {
    const found: DeliveriesOf[] = []
    for (const { id: subscription } of await subscriptions.list()) {
      const { notes } = await history.list({ subscription, of: 'deliveries', subject, limit })
      if (notes.length > 0) found.push({ subscription, notes })
    }
    return found
  }
}
