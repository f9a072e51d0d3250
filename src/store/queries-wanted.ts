/**
 * Transfers about which the provider should be asked, because something was heard that proves nothing by itself: an
 * unverified callback, or one rightly signed but too late. One sorted set a partition, oldest first: the score is when
 * it was first asked for, so asking again changes nothing and loses no place. It is a hint and never a promise: a full
 * set takes no more (what is pending is asked about on a schedule anyway), and its bound is kept to within the writers
 * that come at the same moment.
 *
 * Nobody takes from it yet: that is the watch worker's part, which is still to come.
 */

import type { TransferId } from '../domain/ids.ts'
import type { RedisClient } from '../redis/client.ts'
import type { Keys } from './keys.ts'

export type QueryReason = 'unverified' | 'outside-window'

export type QueryWanted = 'wanted' | 'wanted-before' | 'full'

export interface QueriesWanted {
  want(id: TransferId, reason: QueryReason, at: number): Promise<QueryWanted>
}

/** About a hundred bytes each. */
const perPartitionMax = 10_000

export function createQueriesWanted({
  redis,
  keys,
  max = perPartitionMax,
}: {
  redis: RedisClient
  keys: Keys
  max?: number
}): QueriesWanted {
  return {
    async want(id, reason, at) {
      const key = keys.queriesWanted(keys.partitionOf(id))
      if ((await redis.zcard(key)) >= max) return 'full'
      return (await redis.zadd(key, 'NX', at, `${id} ${reason}`)) === 1 ? 'wanted' : 'wanted-before'
    },
  }
}
