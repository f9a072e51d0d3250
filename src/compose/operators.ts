/** Those who sign in: by name and password, or at a provider of OpenID Connect. */
import type { Config } from '../config/config.ts'
import { createOidcSignIn, type OidcSignIn } from '../http/ops/oidc-sign-in.ts'
import { createLocalOperators } from '../http/ops/operator-sign-in.ts'
import { createOutboundFetch } from '../outbound/fetch.ts'
import type { RedisClient } from '../redis/client.ts'
import { deriveKey } from '../seal/keyring.ts'
import { createPasswords } from '../seal/passwords.ts'
import type { Keys } from '../store/keys.ts'
import { createOperators } from '../store/operators.ts'
import { loadScripts } from '../store/scripts.ts'
import { createSignInFailures } from '../store/sign-in-failures.ts'
import { clock } from './base.ts'
import { findLoopbackOrigin } from './providers.ts'

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

export function createOidc({
  ops,
  outbound,
  seal,
}: Pick<Config, 'ops' | 'outbound' | 'seal'>): OidcSignIn | undefined {
  const { oidc: settings } = ops
  if (!settings) return undefined
  const fetch = createOutboundFetch({ ...outbound, loopbackOrigin: findLoopbackOrigin(settings.issuer) })
  return createOidcSignIn({ settings, fetch, key: deriveKey(seal.indexKey, 'oidc'), clock })
}
