/**
 * A server to run: one on PATH, or the distribution's package, unpacked into the data directory without root. Whoever
 * has neither is told the ways to get one.
 */
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { AppError } from '../domain/errors.ts'
import type { Logger } from '../telemetry/logger.ts'
import { fetchDebianRedis, findUnpacked } from './debian-package.ts'

export interface RedisServer {
  path: string
  /** What it needs of the environment to find its libraries. */
  env: Record<string, string>
}

export interface FindOptions {
  packageFolder: string
  env: NodeJS.ProcessEnv
  logger: Logger
}

const names = ['redis-server', 'valkey-server']

export async function findServer({ packageFolder, env, logger }: FindOptions): Promise<RedisServer> {
  for (const name of names) {
    const path = findOnPath(name, env)
    if (path) return { path, env: {} }
  }
  const unpacked = findUnpacked(packageFolder)
  if (unpacked) return unpacked
  if (!findOnPath('apt-get', env) || !findOnPath('dpkg', env)) throw noServer('there is none on PATH')
  logger.info('embedded-redis.fetching', { into: packageFolder })
  try {
    return await fetchDebianRedis(packageFolder, env)
  } catch (cause) {
    logger.warn('embedded-redis.not-fetched', { error: cause })
    throw noServer('there is none on PATH, and the distribution’s package could not be fetched', cause)
  }
}

export function findOnPath(name: string, env: NodeJS.ProcessEnv): string | undefined {
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

function noServer(why: string, cause?: unknown): AppError {
  return new AppError('redis-unavailable', {
    detail: `A Redis server is needed and ${why}: install one (apt-get install redis-server, brew install redis), or run \`docker compose up redis\` and set REDIS_URL, or set REDIS_URL to one that you have.`,
    cause,
  })
}
