/** A client of each kind and temper, without anybody who listens to it yet. */
import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis'
import type { RedisClient } from '../redis/client.ts'
import type { Credentials, RedisTarget } from './redis-target.ts'

/**
 * Two tempers of client. What answers a provider or a caller must fail fast, so that they try again; what works in the
 * background waits for Redis to come back.
 */
export type ConnectionTemper = 'fail-fast' | 'wait'

/** Longer than a slow fsync, shorter than a provider's patience: after it the answer is unknown and the client is told so. */
const commandTimeoutMs = 1400

const retryDelayMsMax = 1000
const retryStrategy = (times: number) => Math.min(50 * 2 ** Math.min(times, 5), retryDelayMsMax)

/** Of several servers one may be a machine that is gone and refuses nobody: the next is tried soon. */
const connectTimeoutMs = 3_000

/** After a failover the cluster says who serves which slot; a node that hangs says nothing, so it is asked this often. */
const slotsRefreshMs = 1_000

const tempers: Record<ConnectionTemper, RedisOptions> = {
  'fail-fast': { enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: commandTimeoutMs },
  wait: { maxRetriesPerRequest: null },
}

/** In a cluster the client itself tries a command again, on another node; what must fail fast does without. */
const clusterTempers: Record<ConnectionTemper, ClusterOptions> = {
  'fail-fast': {
    enableOfflineQueue: false,
    maxRedirections: 4,
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
  },
  wait: {},
}

export function createClient(
  target: RedisTarget,
  temper: ConnectionTemper,
  connectionName: string,
): RedisClient {
  const shared: RedisOptions = { ...tempers[temper], connectionName }
  const single: RedisOptions = {
    ...shared,
    lazyConnect: true,
    retryStrategy,
    // A master that became a replica under us: look for the master again. What works in the background sends it again.
    reconnectOnError: (error) => error.message.startsWith('READONLY') && (temper === 'wait' ? 2 : 1),
  }
  switch (target.kind) {
    case 'url':
      return new Redis(target.url, single)
    case 'socket':
      return new Redis({ ...single, path: target.path })
    case 'sentinel':
      return new Redis({ ...single, ...sentinelOptions(target) })
    case 'cluster':
      return createCluster(target, temper, shared)
  }
}

function sentinelOptions(target: Extract<RedisTarget, { kind: 'sentinel' }>): RedisOptions {
  const { nodes, master, db, tls, sentinelUsername, sentinelPassword } = target
  return {
    sentinels: [...nodes],
    name: master,
    role: 'master',
    db,
    ...credentialsOf(target),
    ...(sentinelUsername && { sentinelUsername }),
    ...(sentinelPassword && { sentinelPassword }),
    ...(tls && { tls: {}, sentinelTLS: {}, enableTLSForSentinelMode: true }),
    connectTimeout: connectTimeoutMs,
    sentinelCommandTimeout: connectTimeoutMs,
    // A master that hangs closes no connection; the Sentinels say when another took its place.
    failoverDetector: true,
    sentinelReconnectStrategy: retryStrategy,
  }
}

function createCluster(
  target: Extract<RedisTarget, { kind: 'cluster' }>,
  temper: ConnectionTemper,
  shared: RedisOptions,
): Cluster {
  const { enableOfflineQueue: _, ...redisOptions } = shared
  const client = new Cluster([...target.nodes], {
    ...clusterTempers[temper],
    lazyConnect: true,
    clusterRetryStrategy: retryStrategy,
    // The guard asks each node how the cluster is. The client's own check, where it fails once, leaves whoever waits for
    // the connection waiting for ever, though the next attempt succeeds (ioredis 6.0.0, Cluster#connect).
    enableReadyCheck: false,
    slotsRefreshInterval: slotsRefreshMs,
    redisOptions: {
      ...redisOptions,
      ...credentialsOf(target),
      ...(target.tls && { tls: {} }),
      connectTimeout: connectTimeoutMs,
    },
    // A certificate is for a name; looking it up first would leave an address to compare it with.
    ...(target.tls && { dnsLookup: (name, done) => done(null, name) }),
  })
  // A node is connected when it is known, and not by its first command: those behind that one would be refused.
  const greet = (node: Redis) => {
    if (client.status === 'ready' && !node.options.readOnly && node.status === 'wait')
      node.connect().catch(() => {})
  }
  client.on('+node', greet)
  client.on('ready', () => {
    for (const node of client.nodes('master')) greet(node)
  })
  return client
}

function credentialsOf({ username, password }: Credentials): Credentials {
  return { ...(username && { username }), ...(password && { password }) }
}
