/** The parts of the store that work on intents, on one connection. */

import type { RedisClient } from '../redis/client.ts'
import { createCases } from '../store/cases.ts'
import { createIntentStore } from '../store/intents.ts'
import { createRegister } from '../store/register.ts'
import { loadScripts } from '../store/scripts.ts'
import { createVault } from '../store/vault.ts'
import { type Base, clock } from './base.ts'

export type IntentParts = ReturnType<typeof createIntentParts>

export function createIntentParts(
  { keys, keyring, persons, settingsOf }: Pick<Base, 'keys' | 'keyring' | 'persons' | 'settingsOf'>,
  redis: RedisClient,
) {
  const scripts = loadScripts(redis)
  const vault = createVault({ redis, keys, sealer: keyring, persons })
  const parkedMax = (account: string) => settingsOf(account).parkedMax
  const intents = createIntentStore({ redis, keys, sealer: keyring, vault, parkedMax })
  return {
    scripts,
    vault,
    intents,
    register: createRegister({ redis, keys, intents }),
    cases: createCases({ redis, keys, clock }),
  }
}
