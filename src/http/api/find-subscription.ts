import { readSubscriptionId } from '../../domain/ids.ts'
import type { Subscription } from '../../domain/subscription.ts'
import type { Subscriptions } from '../../store/subscriptions.ts'
import { noSuchSubscription } from './subscriptions.ts'

export async function findSubscription(
  subscriptions: Pick<Subscriptions, 'find'>,
  text: unknown,
): Promise<Subscription> {
  const id = readSubscriptionId(String(text))
  const found = id && (await subscriptions.find(id))
  if (!found) throw noSuchSubscription()
  return found
}
