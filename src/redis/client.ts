import type { Cluster, Redis } from 'ioredis'

/** One Redis (also the master that a Sentinel names), or a cluster. What takes this works with both: one key, or one slot, a command. */
export type RedisClient = Redis | Cluster

export function isCluster(client: RedisClient): client is Cluster {
  return client.isCluster
}
