/** For commands that work on the store itself: the Redis that REDIS_URL names, or the embedded one if it runs. */
import type { Config } from '../config/config.ts'
import { AppError } from '../domain/errors.ts'
import { findRunningRedis } from '../embedded/running-redis.ts'
import { connectOnce, createConnect, type RedisTarget } from '../queue/connections.ts'
import type { RedisClient } from '../redis/client.ts'

export async function connectDirectly(config: Config): Promise<RedisClient> {
  const target = await findTarget(config)
  const client = createConnect(target)('wait', 'cli')
  try {
    await connectOnce(client, target)
    return client
  } catch (error) {
    client.disconnect()
    throw error
  }
}

async function findTarget({ redis, dataDir }: Config): Promise<RedisTarget> {
  if (redis) return redis
  const path = await findRunningRedis(dataDir)
  if (path) return { kind: 'socket', path }
  throw new AppError('redis-unavailable', {
    detail: `No Redis runs on ${dataDir}; start Tallyhook on it, or set REDIS_URL or TALLYHOOK_DATA_DIR.`,
  })
}
