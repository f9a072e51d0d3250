/**
 * Knows whether Redis can be trusted with a callback right now. Settings, memory and replicas are looked at when the process
 * starts, at every reconnect (a failover may have brought another server) and every second; of a cluster, on every
 * master. Until a look has found everything right the state is not `ok`, and intake answers 503.
 */
import type { Redis } from 'ioredis'
import { isCluster, type RedisClient } from '../redis/client.ts'
import type { Logger } from '../telemetry/logger.ts'
import { reportOnCluster } from './cluster-report.ts'
import type { DurabilityPolicy, MemoryUse } from './durability.ts'
import { type NodeReport, type RedisState, reportOn } from './node-report.ts'

export type { RedisState } from './node-report.ts'

export interface RedisGuard {
  state(): RedisState
  /** As the last look found it; of a cluster, that of the fullest master. Undefined while Redis is away. */
  memory(): MemoryUse | undefined
  /** Looks now. Used at the start, and by tests that changed something. */
  check(): Promise<RedisState>
  stop(): Promise<void>
}

export interface RedisGuardDeps {
  /** A connection of its own, of the fail-fast temper: a hung Redis must show as one. */
  client: RedisClient
  policy: DurabilityPolicy
  logger: Logger
  intervalMs: number
}

/** One look, at one server or at every master. */
export function reportOnRedis(client: RedisClient, policy: DurabilityPolicy): Promise<NodeReport> {
  return isCluster(client)
    ? reportOnCluster(client, policy)
    : reportOn(client, policy, { name: masterOf(client), inCluster: false })
}

export function createRedisGuard({ client, policy, logger, intervalMs }: RedisGuardDeps): RedisGuard {
  let current: RedisState = { state: 'away', reason: 'Redis has not been checked yet.' }
  let memory: MemoryUse | undefined
  let warned: string | undefined
  let looks = 0
  let looking = 0

  function become(next: RedisState): RedisState {
    const changed = next.state !== current.state
    current = next
    if (next.state === 'away') memory = undefined
    if (!changed) return next
    if (next.state === 'ok') logger.info('redis.ready')
    else logger.error(`redis.${next.state}`, { reason: next.reason })
    return next
  }

  async function check(): Promise<RedisState> {
    const mine = ++looks
    looking++
    try {
      const { state, allowed, ...found } = await reportOnRedis(client, policy)
      if (allowed !== undefined && allowed !== warned) logger.warn('redis.weak-allowed', { reason: allowed })
      warned = allowed
      // One that was overtaken, by a later look or by the end of its connection, has nothing to say any more.
      if (mine !== looks) return current
      memory = found.memory
      return become(state)
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'Redis does not answer.'
      return mine === looks ? become({ state: 'away', reason }) : current
    } finally {
      looking--
    }
  }

  function onClose() {
    looks++
    become({ state: 'away', reason: 'The connection to Redis is closed.' })
  }
  const lookNow = () => void check()
  client.on('close', onClose)
  client.on('ready', lookNow)
  // A cluster stays connected while one of its nodes goes or comes.
  client.on('-node', lookNow)
  client.on('+node', lookNow)
  const timer = setInterval(() => {
    if (client.status === 'ready' && looking === 0) lookNow()
  }, intervalMs)

  return {
    state: () => current,
    memory: () => memory,
    check,
    async stop() {
      clearInterval(timer)
      client.off('close', onClose)
      client.off('ready', lookNow)
      client.off('-node', lookNow)
      client.off('+node', lookNow)
      client.disconnect()
    },
  }
}

/** Behind Sentinels the server changes, so it is named as it is found. */
function masterOf(client: Redis): string | undefined {
  if (!client.options.sentinels) return undefined
  const stream = client.stream as { remoteAddress?: string; remotePort?: number } | undefined
  return stream?.remoteAddress && `${stream.remoteAddress}:${stream.remotePort}`
}
