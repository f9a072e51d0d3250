import { AppError } from '../domain/errors.ts'
import { isCluster, type RedisClient } from '../redis/client.ts'
import { within } from '../telemetry/within.ts'
import { type ConnectionTemper, createClient } from './redis-clients.ts'
import { describeTarget, type RedisTarget } from './redis-target.ts'

export type { ConnectionTemper } from './redis-clients.ts'
export { describeTarget, type RedisTarget } from './redis-target.ts'

/** A first connection takes no longer, whatever lies between. */
const firstConnectMsMax = 10_000

export type Connect = (temper: ConnectionTemper, name: string) => RedisClient

/** Clients are made connected-lazily: nothing reaches for Redis before the caller does. */
export function createConnect(target: RedisTarget): Connect {
  return (temper, name) => {
    const client = createClient(target, temper, `tallyhook-${name}`)
    // Without a listener an error event would end the process. The guard reports Redis's state; each command its own error.
    client.on('error', () => {})
    return client
  }
}

/** The first connection decides whether a start goes on at all, so it says what is wrong and where. */
export async function connectOnce(client: RedisClient, target: RedisTarget): Promise<void> {
  try {
    await within(firstConnectMsMax, connectAll(client))
  } catch (cause) {
    throw new AppError('redis-unavailable', {
      detail: `Redis at ${describeTarget(target)} cannot be reached.`,
      cause,
    })
  }
}

async function connectAll(client: RedisClient): Promise<void> {
  await client.connect()
  if (!isCluster(client)) return
  await Promise.all(client.nodes('master').map((node) => node.ping()))
}
