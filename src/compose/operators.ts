/** Those who sign in by name and password. */
import { createLocalOperators } from '../http/ops/operator-sign-in.ts'
import type { RedisClient } from '../redis/client.ts'
import { createPasswords } from '../seal/passwords.ts'
import type { Keys } from '../store/keys.ts'
import { createOperators } from '../store/operators.ts'
import { loadScripts } from '../store/scripts.ts'
import { createSignInFailures } from '../store/sign-in-failures.ts'
import { clock } from './base.ts'

export function createOperatorParts(redis: RedisClient, keys: Keys) {
  loadScripts(redis)
  const operators = createOperators({ redis, keys, clock })
  const failures = createSignInFailures({ redis, keys })
  const passwords = createPasswords()
  return {
    operators,
    failures,
    passwords,
    local: createLocalOperators({ operators, failures, passwords }),
  }
}
