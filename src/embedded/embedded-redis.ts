/**
 * A private Redis for one machine, one per data directory, append-only with an fsync before every answer. It outlives
 * a parent that is killed, in a process group of its own, and the next start on the same directory adopts it; a start
 * beside a living owner is refused. What it keeps stays between runs.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from '../telemetry/logger.ts'
import { lockDirectory } from './directory-lock.ts'
import { findServer, type RedisServer } from './find-server.ts'
import { adoptRedis, launchRedis, type RedisProcess } from './redis-process.ts'
import { socketPathFor } from './socket-path.ts'

export interface EmbeddedRedis {
  socketPath: string
  pid: number
  /** It was left behind by an earlier start, and taken over. */
  adopted: boolean
  /** Ends it, after the drain. A second call does nothing. */
  stop(): Promise<void>
}

export interface EmbeddedRedisOptions {
  dataDir: string
  logger: Logger
  /** Where PATH is read. */
  env: NodeJS.ProcessEnv
}

export async function startEmbeddedRedis({
  dataDir,
  logger,
  env,
}: EmbeddedRedisOptions): Promise<EmbeddedRedis> {
  const folder = join(dataDir, 'redis')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const lock = lockDirectory(folder)
  try {
    const place = { folder, socketPath: socketPathFor(folder) }
    const adopted = await adoptRedis(place)
    const redis = adopted ?? (await launchRedis(place, await find(dataDir, env, logger)))
    logger.info('embedded-redis.started', {
      pid: redis.pid,
      adopted: adopted !== undefined,
      socketPath: place.socketPath,
    })
    return describe(redis, adopted !== undefined, lock.release, logger)
  } catch (error) {
    lock.release()
    throw error
  }
}

async function find(dataDir: string, env: NodeJS.ProcessEnv, logger: Logger): Promise<RedisServer> {
  return findServer({ packageFolder: join(dataDir, 'redis-package'), env, logger })
}

function describe(redis: RedisProcess, adopted: boolean, release: () => void, logger: Logger): EmbeddedRedis {
  let stopped: Promise<void> | undefined
  redis.onExit(() => {
    if (!stopped) logger.error('embedded-redis.exited', { pid: redis.pid })
  })
  return {
    socketPath: redis.socketPath,
    pid: redis.pid,
    adopted,
    stop() {
      stopped ??= redis.stop().finally(release)
      return stopped
    },
  }
}
