/** Is this callback genuine? Each family of schemes has a file of its own; this one chooses, once, at the start. */
import { digestBody } from '../digest.ts'
import type { AccountProvider, Fetch } from '../provider.ts'
import type { GenericAccount } from './account.ts'
import { createCredentialVerify } from './credentials.ts'
import { createJwsVerify, createKeySource } from './jws.ts'
import { createStandardWebhooksVerify } from './standard-webhooks.ts'
import { createTemplatedVerify } from './templated.ts'

export type Verifier = Pick<AccountProvider, 'verify' | 'keyIds'>

export function createVerifier(account: GenericAccount, fetcher: Fetch): Verifier {
  const scheme = account.verify
  switch (scheme.scheme) {
    case 'hmac-sha256':
    case 'hmac-sha512':
    case 'rsa-sha256':
    case 'ed25519':
      return { verify: createTemplatedVerify(account, scheme), keyIds: () => scheme.keys.map(({ id }) => id) }
    case 'standard-webhooks':
      return { verify: createStandardWebhooksVerify(scheme), keyIds: () => scheme.keys.map(({ id }) => id) }
    case 'jws': {
      const source = createKeySource(scheme, fetcher)
      return { verify: createJwsVerify(scheme, source), keyIds: source.ids }
    }
    case 'basic':
    case 'bearer':
      return { verify: createCredentialVerify(scheme), keyIds: () => scheme.keys.map(({ id }) => id) }
    case 'none':
      return { verify: verifyNothing, keyIds: () => ['none'] }
  }
}

const verifyNothing: AccountProvider['verify'] = ({ body }) => {
  const digest = digestBody(body)
  return { outcome: 'authentic', keyId: 'none', digest, headers: {}, unverified: true }
}
