/**
 * Knows whether Redis can be trusted with a callback right now. Settings and memory are looked at when the process starts,
 * at every reconnect (a failover may have brought another server) and every second. Until a look has found everything
 * right the state is not `ok`, and intake answers 503.
 */
import type { Redis } from 'ioredis'
import type { Logger } from '../telemetry/logger.ts'
import {
  checkedSettings,
  type DurabilityPolicy,
  findWeaknesses,
  isFull,
  type MemoryUse,
  type RedisSettings,
  readMemoryUse,
} from './durability.ts'

export type RedisState =
  | { state: 'ok' }
  | { state: 'away'; reason: string }
  | { state: 'weak'; reason: string }
  | { state: 'full'; reason: string }

export interface RedisGuard {
  state(): RedisState
  /** Looks now. Used at the start, and by tests that changed something. */
  check(): Promise<RedisState>
  stop(): Promise<void>
}

export interface RedisGuardDeps {
  /** A connection of its own, of the fail-fast temper: a hung Redis must show as one. */
  client: Redis
  policy: DurabilityPolicy
  logger: Logger
  intervalMs: number
}

export function createRedisGuard({ client, policy, logger, intervalMs }: RedisGuardDeps): RedisGuard {
  let current: RedisState = { state: 'away', reason: 'Redis has not been checked yet.' }
  let warned = ''

  function become(next: RedisState): RedisState {
    const changed = next.state !== current.state
    current = next
    if (!changed) return next
    if (next.state === 'ok') logger.info('redis.ready')
    else logger.error(`redis.${next.state}`, { reason: next.reason })
    return next
  }

  /** Not let ask is a finding; no answer at all is Redis being away. */
  async function readSettings(): Promise<RedisSettings> {
    try {
      const pairs = (await client.call('CONFIG', 'GET', ...checkedSettings)) as string[]
      const settings: Record<string, string> = {}
      for (let i = 0; i + 1 < pairs.length; i += 2) settings[pairs[i] ?? ''] = pairs[i + 1] ?? ''
      return settings
    } catch (error) {
      if (error instanceof Error && error.name === 'ReplyError') return {}
      throw error
    }
  }

  async function look(): Promise<RedisState> {
    const findings = findWeaknesses(await readSettings(), policy)
    const reason = `Redis would lose data: ${findings.join('; ')}.`
    if (findings.length > 0 && policy.onWeaker === 'refuse') return { state: 'weak', reason }
    if (findings.length > 0 && warned !== reason) {
      warned = reason
      logger.warn('redis.weak-allowed', { reason })
    }
    const memory = readMemoryUse(await client.info('memory'))
    return isFull(memory) ? { state: 'full', reason: describeFull(memory) } : { state: 'ok' }
  }

  async function check(): Promise<RedisState> {
    try {
      return become(await look())
    } catch (error) {
      return become({
        state: 'away',
        reason: error instanceof Error ? error.message : 'Redis does not answer.',
      })
    }
  }

  function onClose() {
    become({ state: 'away', reason: 'The connection to Redis is closed.' })
  }
  const onReady = () => void check()
  client.on('close', onClose)
  client.on('ready', onReady)
  const timer = setInterval(() => {
    if (client.status === 'ready') void check()
  }, intervalMs)

  return {
    state: () => current,
    check,
    async stop() {
      clearInterval(timer)
      client.off('close', onClose)
      client.off('ready', onReady)
      client.disconnect()
    },
  }
}

function describeFull({ usedBytes, maxBytes }: MemoryUse): string {
  return `Redis uses ${usedBytes} of ${maxBytes} bytes; callbacks are taken again when the workers have made room.`
}
