/** What replays callbacks, built on the Redis of the configuration, without a service: the service's workers do the steps. */
import { randomBytes } from 'node:crypto'
import { Queue } from 'bullmq'
import { openArchive } from '../compose/archive.ts'
import { createDigests, describeFixed, keyPrefix, queuePrefix } from '../compose/base.ts'
import { createProviders } from '../compose/providers.ts'
import { createReplayParts } from '../compose/replay.ts'
import { createIntentParts } from '../compose/store.ts'
import { commonDefaults } from '../config/accounts/common.ts'
import type { Config } from '../config/config.ts'
import { callbackQueueName } from '../queue/catalogue.ts'
import { createKeyring } from '../seal/keyring.ts'
import { createPersonSealer } from '../seal/person-keys.ts'
import { createKeys } from '../store/keys.ts'
import { refuseDifference } from '../store/meta.ts'
import { silentLogger } from '../telemetry/logger.ts'
import type { CallbackReplays } from '../workers/replay/replays.ts'
import { createOnRecord, type OnRecord } from './audit-parts.ts'
import { connectDirectly } from './direct-redis.ts'

export async function withReplays(
  config: Config,
  use: (replays: CallbackReplays, onRecord: OnRecord) => Promise<number>,
): Promise<number> {
  const redis = await connectDirectly(config)
  const queue = new Queue(callbackQueueName, { connection: redis, prefix: queuePrefix })
  queue.on('error', () => {})
  try {
    const keys = createKeys(keyPrefix, config.partitions)
    await refuseDifference(redis, keys, describeFixed(config))
    const settings = new Map(config.accounts.map((account) => [account.id, account]))
    const base = {
      keys,
      keyring: createKeyring(config.seal.keys),
      archive: openArchive(config.archive),
      providers: createProviders(config, { clock: Date.now, randomBytes, logger: silentLogger }),
      persons: createPersonSealer(),
      settingsOf: (account: string) => settings.get(account) ?? commonDefaults,
      ...createDigests(config),
    }
    const parts = createIntentParts(base, redis)
    const { callbackReplays } = createReplayParts(base, { redis, queue, parts, logger: silentLogger })
    return await use(callbackReplays, createOnRecord(redis, keys, config))
  } finally {
    await queue.close()
    redis.disconnect()
  }
}
