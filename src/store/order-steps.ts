/**
 * The step before an order, written so that a failover does not lose it: with the step its memory would go that the order
 * may have been given, and it would be given once more. `durability.replicas` says how many have to have it; docs/redis.md
 * says what that leaves open.
 */
import type { Intent } from '../domain/intent.ts'
import type { RedisClient } from '../redis/client.ts'
import type { IntentStore } from './intents.ts'
import type { Keys } from './keys.ts'

export interface OrderSteps {
  intents: Pick<IntentStore, 'commit'>
  /** Whether as many replicas as are asked for have the intent as it stands. */
  areKept(intent: Pick<Intent, 'id' | 'sequence'>): Promise<boolean>
}

export interface OrderStepsDeps {
  /** The connection that `intents` writes on: of another one Redis would count replicas for writes that it has not seen. */
  redis: RedisClient
  intents: Pick<IntentStore, 'commit'>
  keys: Pick<Keys, 'intent'>
  replicas: number
  waitMs: number
}

export function createOrderSteps({ redis, intents, keys, replicas, waitMs }: OrderStepsDeps): OrderSteps {
  return {
    intents,
    async areKept({ id, sequence }) {
      // The record goes first: it leads to its node in a cluster, and is not there where another master has taken over.
      const batch = redis.pipeline([['get', keys.intent(id)]])
      batch.call('WAIT', replicas, waitMs)
      const [record, count] = (await batch.exec()) ?? []
      const [failed, text] = record ?? []
      const [late, kept] = count ?? []
      if (failed || late) return false
      return String(text).startsWith(`${sequence} {`) && Number(kept) >= replicas
    },
  }
}
