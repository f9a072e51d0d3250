import { Redis, type RedisOptions } from 'ioredis'
import { AppError } from '../domain/errors.ts'

/** Where Redis is: an address, or the Unix socket of the embedded one. */
export type RedisTarget = { kind: 'url'; url: string } | { kind: 'socket'; path: string }

/**
 * Two tempers of client. What answers a provider or a caller must fail fast, so that they try again; what works in the
 * background waits for Redis to come back.
 */
export type ConnectionTemper = 'fail-fast' | 'wait'

/** Longer than a slow fsync, shorter than a provider's patience: after it the answer is unknown and the client is told so. */
const commandTimeoutMs = 1400

const retryDelayMsMax = 1000

const tempers: Record<ConnectionTemper, RedisOptions> = {
  'fail-fast': { enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: commandTimeoutMs },
  wait: { maxRetriesPerRequest: null },
}

export type Connect = (temper: ConnectionTemper, name: string) => Redis

/** Clients are made connected-lazily: nothing reaches for Redis before the caller does. */
export function createConnect(target: RedisTarget): Connect {
  return (temper, name) => {
    const options: RedisOptions = {
      ...tempers[temper],
      connectionName: `tallyhook-${name}`,
      lazyConnect: true,
      retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 5), retryDelayMsMax),
    }
    const client =
      target.kind === 'url' ? new Redis(target.url, options) : new Redis({ ...options, path: target.path })
    // Without a listener an error event would end the process. The guard reports Redis's state; each command its own error.
    client.on('error', () => {})
    return client
  }
}

/** The first connection decides whether a start goes on at all, so it says what is wrong and where. */
export async function connectOnce(client: Redis, target: RedisTarget): Promise<void> {
  try {
    await client.connect()
  } catch (cause) {
    throw new AppError('redis-unavailable', {
      detail: `Redis at ${describeTarget(target)} cannot be reached.`,
      cause,
    })
  }
}

/** Without the password, which a URL may hold. */
export function describeTarget(target: RedisTarget): string {
  if (target.kind === 'socket') return target.path
  const url = new URL(target.url)
  return `${url.protocol}//${url.host}${url.pathname}`
}
