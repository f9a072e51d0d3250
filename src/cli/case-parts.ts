/** What the commands work with that look into intents and cases: built on the Redis of the configuration, without a service. */
import { randomBytes } from 'node:crypto'
import { openArchive } from '../compose/archive.ts'
import { createDigests, describeFixed, keyPrefix } from '../compose/base.ts'
import { type CaseParts, createCaseParts } from '../compose/cases.ts'
import { openDeliveriesOf } from '../compose/deliveries.ts'
import { createProviders } from '../compose/providers.ts'
import { createIntentParts } from '../compose/store.ts'
import { commonDefaults } from '../config/accounts/common.ts'
import type { Config } from '../config/config.ts'
import { createKeyring } from '../seal/keyring.ts'
import { createPersonSealer } from '../seal/person-keys.ts'
import { createCollections } from '../store/collections.ts'
import { createFindNamed, type FindNamed } from '../store/find-named.ts'
import { createKeys } from '../store/keys.ts'
import { refuseDifference } from '../store/meta.ts'
import { silentLogger } from '../telemetry/logger.ts'
import { createOnRecord, type OnRecord } from './audit-parts.ts'
import { connectDirectly } from './direct-redis.ts'

export interface DirectParts extends CaseParts {
  findNamed: FindNamed
  onRecord: OnRecord
}

export async function withCaseParts(
  config: Config,
  use: (parts: DirectParts) => Promise<number>,
): Promise<number> {
  const redis = await connectDirectly(config)
  try {
    const keys = createKeys(keyPrefix, config.partitions)
    // What is opened and sealed here has to be readable for the service.
    await refuseDifference(redis, keys, describeFixed(config))
    const base = {
      keys,
      keyring: createKeyring(config.seal.keys),
      archive: openArchive(config.archive),
      providers: createProviders(config, { clock: Date.now, randomBytes, logger: silentLogger }),
      persons: createPersonSealer(),
      ...createDigests(config),
    }
    const parts = createIntentParts({ ...base, settingsOf: () => commonDefaults }, redis)
    // What is to be decided anew is found by the workers.
    const cases = createCaseParts(base, parts, {
      pumpReady: async () => {},
      deliveriesOf: openDeliveriesOf(config, { redis, keys, sealer: base.keyring }),
      logger: silentLogger,
    })
    const { intents } = parts
    const collections = createCollections({ redis, keys, intents })
    return await use({
      ...cases,
      findNamed: createFindNamed({ intents, collections }),
      onRecord: createOnRecord(redis, keys, config),
    })
  } finally {
    redis.disconnect()
  }
}
