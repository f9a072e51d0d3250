/**
 * How each endpoint fares, beside its subscription. It is written when it changes, so a healthy endpoint costs next to
 * nothing. Whoever changes it compares it with what was read, so that of several who see a breaker's time run out one tries.
 */
import type { EndpointHealth } from '../domain/endpoint-health.ts'
import type { SubscriptionId } from '../domain/ids.ts'
import type { RedisClient } from '../redis/client.ts'
import type { Keys } from './keys.ts'
import { commitCommand } from './scripts.ts'
import { readTogether } from './together.ts'
import { createTransaction, readTransaction } from './transaction.ts'

export interface Endpoints {
  /** Missing: nothing is known of it yet. */
  find(id: SubscriptionId): Promise<EndpointHealth | undefined>
  readAll(): Promise<Map<SubscriptionId, EndpointHealth>>
  /** `decide` is asked again after a lost race; undefined: nothing is written. */
  change(
    id: SubscriptionId,
    decide: (before: EndpointHealth | undefined) => EndpointHealth | undefined,
  ): Promise<'written' | 'unchanged' | 'contended'>
  /** As of a subscription that was enabled, or was given another URL: it begins anew. */
  forget(id: SubscriptionId): Promise<void>
}

/** It is no more than a hint; who has lost this often leaves it as it is. */
const attemptsMax = 8

export function createEndpoints({ redis, keys }: { redis: RedisClient; keys: Keys }): Endpoints {
  const placeOf = (id: SubscriptionId) => keys.endpoints(keys.partitionOf(id))

  async function put(id: SubscriptionId, before: string, after: EndpointHealth): Promise<boolean> {
    const call = createTransaction()
      .check('field', placeOf(id), id, before)
      .do('HSET', placeOf(id), id, encode(after))
      .toCall()
    const [answer] = await readTogether(redis, [
      [commitCommand, call.keys.length, ...call.keys, ...call.args],
    ])
    return readTransaction(answer).outcome === 'written'
  }

  return {
    async find(id) {
      const text = await redis.hget(placeOf(id), id)
      return text === null ? undefined : decode(text)
    },

    async readAll() {
      const all = await readTogether(
        redis,
        Array.from({ length: keys.partitions }, (_, partition) => ['hgetall', keys.endpoints(partition)]),
      )
      const entries = all.flatMap((fields) => Object.entries(fields as Record<string, string>))
      return new Map(entries.map(([id, text]) => [id as SubscriptionId, decode(text)]))
    },

    async change(id, decide) {
      for (let attempt = 1; attempt <= attemptsMax; attempt++) {
        const text = (await redis.hget(placeOf(id), id)) ?? ''
        const after = decide(text === '' ? undefined : decode(text))
        if (!after) return 'unchanged'
        if (await put(id, text, after)) return 'written'
      }
      return 'contended'
    },

    async forget(id) {
      await redis.hdel(placeOf(id), id)
    },
  }
}

function encode(health: EndpointHealth): string {
  return JSON.stringify({ v: 1, ...health })
}

function decode(text: string): EndpointHealth {
  const { v: _, ...health } = JSON.parse(text) as EndpointHealth & { v: 1 }
  return health
}
