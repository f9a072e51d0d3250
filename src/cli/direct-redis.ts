/** For commands that work on the store itself: the Redis that REDIS_URL names, or the embedded one if it runs. */
import type { Redis } from 'ioredis'
import type { Config } from '../config/config.ts'
import { AppError } from '../domain/errors.ts'
import { findRunningRedis } from '../embedded/running-redis.ts'
import { connectOnce, createConnect, type RedisTarget } from '../queue/connections.ts'

export async function connectDirectly(config: Config): Promise<Redis> {
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

async function findTarget({ redisUrl, dataDir }: Config): Promise<RedisTarget> {
  if (redisUrl) return { kind: 'url', url: redisUrl }
  const path = await findRunningRedis(dataDir)
  if (path) return { kind: 'socket', path }
  throw new AppError('redis-unavailable', {
    detail: `No Redis runs on ${dataDir}; start Tallyhook on it, or set REDIS_URL or TALLYHOOK_DATA_DIR.`,
  })
}
