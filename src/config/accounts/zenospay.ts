import { z } from 'zod'
import { type NamedKey, readRsaPublicKey, readSecret, type SecretSources } from '../secrets.ts'
import {
  type CommonSettings,
  checkCurrency,
  commonFields,
  resolveCommon,
  secret,
  text,
  toleranceSeconds,
} from './common.ts'

export const zenospaySchema = z.strictObject({
  ...commonFields,
  provider: z.literal('zenospay'),
  partnerId: text.min(1, 'It must not be empty.'),
  providerPublicKeys: z
    .array(secret, { error: 'It is required: a list of public keys.' })
    .min(1, 'It needs at least one key.'),
  callbackPath: text.regex(/^\/[^?#\s]*$/, 'It is the path alone, as /callbacks/zeno-main.').optional(),
  toleranceSeconds,
  /** The provider's documents say 12; many real accounts have more. */
  accountNumberDigitsMax: z.int().min(1).max(34).default(12),
})

export interface ZenospaySettings extends CommonSettings {
  id: string
  provider: 'zenospay'
  partnerId: string
  providerPublicKeys: NamedKey[]
  callbackPath?: string | undefined
  toleranceMs: number
  currency: string
  accountNumberDigitsMax: number
}

export function resolveZenospay(
  account: z.output<typeof zenospaySchema>,
  path: string,
  sources: SecretSources,
): ZenospaySettings {
  const { id, provider, partnerId, callbackPath, providerPublicKeys, toleranceSeconds, currency } = account
  checkCurrency(currency, path)
  return {
    ...resolveCommon(account, path),
    id,
    provider,
    partnerId,
    callbackPath,
    currency,
    accountNumberDigitsMax: account.accountNumberDigitsMax,
    toleranceMs: toleranceSeconds * 1000,
    providerPublicKeys: providerPublicKeys.map((key, index) => {
      const keyPath = `${path}.providerPublicKeys[${index}]`
      return readRsaPublicKey(readSecret(key, keyPath, sources), keyPath)
    }),
  }
}
