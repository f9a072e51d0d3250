/** Subscriptions on a test's own store. */
import { createSubscription, type NewSubscription } from '../../src/domain/decide-subscription.ts'
import type { Subscription } from '../../src/domain/subscription.ts'
import type { RedisClient } from '../../src/redis/client.ts'
import { createSubscriptions, type Subscriptions } from '../../src/store/subscriptions.ts'
import { ids, keyring, type TestStore } from './store.ts'

export function createTestSubscriptions(
  { redis, keys }: { redis: RedisClient; keys: TestStore['keys'] },
  { clock = Date.now, max }: { clock?: () => number; max?: number } = {},
): Subscriptions {
  return createSubscriptions({ redis, keys, sealer: keyring, clock, ...(max !== undefined && { max }) })
}

export const testSecret = `whsec_${Buffer.from('a secret of twenty-four.').toString('base64')}`

/** From the log's end on, everything, unless said otherwise. */
export async function subscribe(
  { redis, keys, log }: Pick<TestStore, 'redis' | 'keys' | 'log'>,
  { secret = testSecret, ...fields }: Partial<NewSubscription> = {},
  clock = Date.now,
): Promise<Subscription> {
  const subscriptions = createTestSubscriptions({ redis, keys }, { clock })
  const id = fields.id ?? ids.subscriptionId()
  const step = createSubscription(
    {
      id,
      url: 'https://hooks.example/',
      types: [],
      accounts: [],
      live: { run: ids.runId(), from: await log.newest() },
      createdBy: 'ledger',
      ...fields,
      secret: subscriptions.sealSecret(id, secret),
    },
    clock(),
  )
  return subscriptions.create(step, { source: 'operator', by: 'ledger' })
}
