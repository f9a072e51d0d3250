/** The whole configuration: read once at the start, frozen, and handed on as plain values by compose.ts. */
import { join, resolve } from 'node:path'
import { keyIdsOf } from './accounts/accounts.ts'
import { type Environment, readEnvironment } from './environment.ts'
import { readConfigFile } from './read-file.ts'
import type { RedisAddress } from './redis-url.ts'
import { createSandboxSettings, readSandboxIdentity, type SandboxIdentity } from './sandbox-mode.ts'
import type { Settings } from './settings.ts'

export interface Config extends Settings {
  host: string
  callbackPort: number
  apiPort: number
  /** Unset: none but the API's. */
  metricsPort: number | undefined
  dataDir: string
  archive: { dir: string }
  /** Unset: the embedded one. */
  redis: RedisAddress | undefined
  log: { level: Environment['LOG_LEVEL']; format: 'json' | 'pretty' }
  /** Set in sandbox mode alone: the keys of both sides, since both sides are ours. */
  sandbox: SandboxIdentity | undefined
}

/** `providerUrl`: of sandbox mode, where the make-believe providers listen. */
export function loadConfig(env: NodeJS.ProcessEnv, isTerminal: boolean, providerUrl?: string): Config {
  const environment = readEnvironment(env)
  const dataDir = resolve(environment.TALLYHOOK_DATA_DIR)
  const sandbox = environment.TALLYHOOK_CONFIG ? undefined : readSandboxIdentity(dataDir)
  const settings = sandbox
    ? createSandboxSettings(sandbox, providerUrl)
    : readConfigFile(environment.TALLYHOOK_CONFIG ?? '', env)
  return deepFreeze({
    ...settings,
    host: environment.HOST,
    callbackPort: environment.CALLBACK_PORT,
    apiPort: environment.API_PORT,
    metricsPort: environment.METRICS_PORT,
    dataDir,
    archive: { dir: settings.archive.dir ?? join(dataDir, 'archive') },
    redis: environment.REDIS_URL,
    log: { level: environment.LOG_LEVEL, format: environment.LOG_FORMAT ?? (isTerminal ? 'pretty' : 'json') },
    sandbox,
  })
}

/** For the log at the start: what is in force, and no secret. */
export function summarise(config: Config): Record<string, unknown> {
  return {
    mode: config.sandbox ? 'sandbox' : 'configured',
    accounts: config.accounts.map((account) => ({
      id: account.id,
      provider: account.provider,
      currency: account.currency,
      keys: keyIdsOf(account),
    })),
    tokens: config.tokens.map(({ id, scopes }) => ({ id, scopes })),
    sealKeys: config.seal.keys.map(({ id }) => id),
    durability: config.durability,
    partitions: config.partitions,
    outbound: config.outbound,
    deliveries: config.deliveries,
    redis: config.redis?.kind ?? 'embedded',
    dataDir: config.dataDir,
    archive: config.archive.dir,
  }
}

function deepFreeze<T>(value: T): T {
  // Bytes and keys cannot be frozen; nobody has a reason to write into them.
  if (typeof value !== 'object' || value === null || Object.isFrozen(value) || ArrayBuffer.isView(value))
    return value
  if (Object.getPrototypeOf(value) !== Object.prototype && !Array.isArray(value)) return value
  for (const part of Object.values(value)) deepFreeze(part)
  return Object.freeze(value)
}
