/** Every key of the configuration, by id or fingerprint alone, and how much each is used where Redis can be reached. */

import { keyPrefix } from '../../compose/base.ts'
import { keyIdsOf } from '../../config/accounts/accounts.ts'
import { type Config, loadConfig } from '../../config/config.ts'
import { AppError } from '../../domain/errors.ts'
import { type PresentedKey, presentKeys } from '../../http/api/accounts.ts'
import { describeEnd, presentTokens, type TokenResource } from '../../http/api/tokens.ts'
import type { RedisClient } from '../../redis/client.ts'
import { checkValue } from '../../seal/keyring.ts'
import { createKeyUsage } from '../../store/key-usage.ts'
import { createKeys } from '../../store/keys.ts'
import { loadScripts } from '../../store/scripts.ts'
import { createTokenUse } from '../../store/token-use.ts'
import { connectDirectly } from '../direct-redis.ts'
import type { Output } from '../output.ts'

interface ShownKeys {
  accounts: { account: string; provider: string; keys: PresentedKey[] }[]
  /** In the order of the configuration: the first seals. */
  sealKeys: { id: string; fingerprint: string; seals: boolean }[]
  indexKey: { fingerprint: string }
  tokens: TokenResource[]
  /** False: Redis was not reached, and the counts are not known. */
  counted: boolean
}

export async function showKeys(
  flags: { json: boolean },
  env: NodeJS.ProcessEnv,
  output: Output,
): Promise<number> {
  const config = loadConfig(env, false)
  const redis = await connectDirectly(config).catch((error: unknown) => {
    output.err(
      `tallyhook: ${error instanceof AppError ? error.detail : String(error)} Counts are not shown.\n`,
    )
    return undefined
  })
  try {
    const shown = await gather(config, redis)
    output.out(flags.json ? `${JSON.stringify(shown)}\n` : format(shown))
    return 0
  } finally {
    redis?.disconnect()
  }
}

async function gather(config: Config, redis: RedisClient | undefined): Promise<ShownKeys> {
  const keys = createKeys(keyPrefix, config.partitions)
  const usage = redis && createKeyUsage({ redis, scripts: loadScripts(redis), keys })
  const use = redis && createTokenUse({ redis, keys, clock: Date.now })
  const lastUsed = (await use?.lastUsed()) ?? new Map<string, number>()
  const accounts = await Promise.all(
    config.accounts.map(async (account) => ({
      account: account.id,
      provider: account.provider,
      keys: presentKeys(keyIdsOf(account), (await usage?.keysOf(account.id)) ?? []),
    })),
  )
  return {
    accounts,
    sealKeys: config.seal.keys.map(({ id, key }, i) => ({ id, fingerprint: short(key), seals: i === 0 })),
    indexKey: { fingerprint: short(config.seal.indexKey) },
    tokens: presentTokens(config.tokens, lastUsed, Date.now()),
    counted: redis !== undefined,
  }
}

/** It tells keys apart and says nothing of them. */
function short(key: Uint8Array): string {
  return checkValue(key).slice(0, 16)
}

function format({ accounts, sealKeys, indexKey, tokens, counted }: ShownKeys): string {
  const lines = accounts.flatMap(({ account, provider, keys }) => [
    `${account} (${provider})`,
    ...keys.map(({ keyId, configured, count, lastUsedAt }) => {
      const use = counted ? `  ${count} callbacks, last ${lastUsedAt ?? 'never'}` : ''
      return `  ${keyId}${use}${configured ? '' : '  not in the configuration: fetched, or replaced since'}`
    }),
  ])
  const seals = sealKeys.map((key) => `  ${key.id}  ${key.fingerprint}${key.seals ? '  seals' : '  opens'}`)
  const shownTokens = tokens.map(({ id, scopes, expiresAt, lastUsedAt }) => {
    const end = { expiresAt: expiresAt === undefined ? undefined : Date.parse(expiresAt) }
    const ends = expiresAt === undefined ? '' : `  ${describeEnd(end, Date.now()) ?? `until ${expiresAt}`}`
    const use = counted ? `  last ${lastUsedAt ?? 'never'}` : ''
    return `  ${id}  ${scopes.join(', ')}${use}${ends}`
  })
  return `${[...lines, 'seal.keys', ...seals, 'seal.indexKey', `  ${indexKey.fingerprint}`, 'api.tokens', ...shownTokens].join('\n')}\n`
}
