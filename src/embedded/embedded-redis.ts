/**
 * A private Redis for one machine, one per data directory, append-only with an fsync before every answer. It outlives
 * a parent that is killed, in a process group of its own, and the next start on the same directory adopts it; a start
 * beside a living owner is refused. What it keeps stays between runs.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from '../telemetry/logger.ts'
import { type DirectoryLock, lockDirectory } from './directory-lock.ts'
import { findServer } from './find-server.ts'
import { adoptRedis, launchRedis, type RedisPlace, type RedisProcess } from './redis-process.ts'
import { socketPathFor } from './socket-path.ts'

export interface EmbeddedRedis {
  socketPath: string
  /** Of the process that runs now. */
  readonly pid: number
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
  const place: RedisPlace = { folder, socketPath: socketPathFor(folder) }
  const launch = async () => {
    const server = await findServer({ packageFolder: join(dataDir, 'redis-package'), env, logger })
    return launchRedis(place, server)
  }
  try {
    const left = await adoptRedis(place)
    const redis = left ?? (await launch())
    const adopted = left !== undefined
    logger.info('embedded-redis.started', { pid: redis.pid, adopted, socketPath: place.socketPath })
    const running = keepRunning(redis, launch, lock, logger)
    return Object.assign(running, { adopted, socketPath: place.socketPath })
  } catch (error) {
    lock.release()
    throw error
  }
}

/** One that ends by itself, as when the system runs out of memory, is started again: everything it answered for is on disk. */
function keepRunning(
  first: RedisProcess,
  launch: () => Promise<RedisProcess>,
  lock: DirectoryLock,
  logger: Logger,
): Pick<EmbeddedRedis, 'pid' | 'stop'> {
  let current = first
  let restarting: Promise<void> | undefined
  let stopped: Promise<void> | undefined

  const restart = async () => {
    logger.error('embedded-redis.exited', { pid: current.pid })
    try {
      current = await launch()
      watch()
      logger.info('embedded-redis.restarted', { pid: current.pid })
    } catch (error) {
      logger.error('embedded-redis.not-restarted', { error })
    }
  }
  const watch = () =>
    current.onExit(() => {
      if (!stopped) restarting = restart()
    })
  const stop = async () => {
    await restarting
    await current.stop()
    lock.release()
  }

  watch()
  return {
    get pid() {
      return current.pid
    },
    stop() {
      stopped ??= stop()
      return stopped
    },
  }
}
