/** The parts of the store that work on intents, on one connection. */

import { randomUUID } from 'node:crypto'
import type { RedisClient } from '../redis/client.ts'
import type { Archive } from '../store/archive.ts'
import { createBatches } from '../store/batches.ts'
import { createCases } from '../store/cases.ts'
import { createDueBatches } from '../store/due-batches.ts'
import { createIntentStore } from '../store/intents.ts'
import { createMembers } from '../store/members.ts'
import { createRegister } from '../store/register.ts'
import { loadScripts } from '../store/scripts.ts'
import { createReadTrail } from '../store/trail.ts'
import { createVault } from '../store/vault.ts'
import { type Base, clock } from './base.ts'

export type IntentParts = ReturnType<typeof createIntentParts>

export interface IntentPartsDeps extends Pick<Base, 'keys' | 'keyring' | 'persons' | 'settingsOf'> {
  archive: Pick<Archive, 'read' | 'find'>
}

export function createIntentParts(
  { keys, keyring, persons, archive, settingsOf }: IntentPartsDeps,
  redis: RedisClient,
) {
  const scripts = loadScripts(redis)
  const vault = createVault({ redis, keys, sealer: keyring, persons })
  const parkedMax = (account: string) => settingsOf(account).parkedMax
  const intents = createIntentStore({ redis, keys, sealer: keyring, vault, archive, parkedMax })
  return {
    scripts,
    vault,
    intents,
    register: createRegister({ redis, keys, intents }),
    batches: createBatches({ redis, keys, intents, clock, nameAttempt: randomUUID }),
    members: createMembers({ redis, keys, intents }),
    due: createDueBatches({ redis, keys, intents }),
    cases: createCases({ redis, keys, clock }),
    readTrail: createReadTrail({ redis, keys, archive }),
  }
}
