/** The audit log: what people did. */
import type { Config } from '../config/config.ts'
import { createDescribeCall } from '../http/api/audited-calls.ts'
import { operations } from '../http/api/operations.ts'
import { createAudited } from '../http/audited.ts'
import type { RedisClient } from '../redis/client.ts'
import { deriveKey } from '../seal/keyring.ts'
import { createChain } from '../store/audit-chain.ts'
import { type AuditLog, createAuditLog } from '../store/audit-log.ts'
import { type AuditReading, createAuditReading } from '../store/audit-reading.ts'
import type { Keys } from '../store/keys.ts'
import { loadScripts } from '../store/scripts.ts'
import type { Logger } from '../telemetry/logger.ts'
import { startRounds } from '../workers/rounds.ts'
import { type Base, type ComposeDeps, clock } from './base.ts'

export interface AuditParts {
  log: AuditLog
  reading: AuditReading
}

export function createAuditParts(redis: RedisClient, keys: Keys, { seal }: Pick<Config, 'seal'>): AuditParts {
  loadScripts(redis)
  const deps = { redis, keys, chain: createChain(deriveKey(seal.indexKey, 'audit')) }
  return { log: createAuditLog({ ...deps, clock }), reading: createAuditReading(deps) }
}

/** Stands before the API's routes. */
export function createAuditedApi({ log: audit }: AuditParts, logger: Logger) {
  return createAudited({ audit, describe: createDescribeCall(operations), logger })
}

const trimIntervalMs = 3_600_000

export function startAuditTrim(
  { config, lifecycle, logger }: Pick<ComposeDeps, 'config' | 'lifecycle' | 'logger'>,
  { keys, guard }: Pick<Base, 'keys' | 'guard'>,
  redis: RedisClient,
): void {
  const { reading } = createAuditParts(redis, keys, config)
  const trimming = startRounds({
    round: async () => {
      const count = await reading.trim(clock() - config.retention.auditMs)
      if (count > 0) logger.info('audit.trimmed', { count })
    },
    intervalMs: trimIntervalMs,
    failed: 'audit.not-trimmed',
    logger,
  })
  const isAway = () => guard.state().state === 'away'
  lifecycle.add({ name: 'audit-trim', stop: () => trimming.stop({ force: isAway() }) })
}
