import type { KeyObject } from 'node:crypto'
import { z } from 'zod'
import { readBaseUrl } from '../base-url.ts'
import { invalidConfiguration } from '../invalid.ts'
import {
  type NamedKey,
  readRsaPrivateKey,
  readRsaPublicKey,
  readSecret,
  type SecretSources,
} from '../secrets.ts'
import {
  type CommonSettings,
  checkCurrency,
  commonFields,
  resolveCommon,
  secret,
  text,
  toleranceSeconds,
} from './common.ts'
import { usualWatch, type WatchSettings } from './sending.ts'

const getPayloads = ['empty', 'braces', 'brackets', 'none'] as const

export const zenospaySchema = z.strictObject({
  ...commonFields,
  provider: z.literal('zenospay'),
  /** A header of ours bears it, as one of the callbacks does. */
  partnerId: text
    .min(1, 'It must not be empty.')
    .regex(/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/, 'It must be one line of printable ASCII.'),
  providerPublicKeys: z
    .array(secret, { error: 'It is required: a list of public keys.' })
    .min(1, 'It needs at least one key.'),
  callbackPath: text.regex(/^\/[^?#\s]*$/, 'It is the path alone, as /callbacks/zeno-main.').optional(),
  toleranceSeconds,
  /** The provider's documents say 12; many real accounts have more. */
  accountNumberDigitsMax: z.int().min(1).max(34).default(12),
  merchantPrivateKey: secret.optional(),
  baseUrl: text.optional(),
  /** Of what a GET is signed over; the documents say only that nothing is sent. */
  getPayload: z.enum(getPayloads, { error: `It must be one of: ${getPayloads.join(', ')}.` }).optional(),
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
  /** Without them the account only listens. */
  credentials?: ZenospayCredentials | undefined
}

interface ZenospayCredentials {
  privateKey: KeyObject
  baseUrl: string
  getPayload: (typeof getPayloads)[number]
}

/** Most payouts are there within seconds, so the first question comes sooner than elsewhere. */
const watch: WatchSettings = { ...usualWatch, firstMs: 20_000 }

export function resolveZenospay(
  account: z.output<typeof zenospaySchema>,
  path: string,
  sources: SecretSources,
): ZenospaySettings {
  const { id, provider, partnerId, callbackPath, providerPublicKeys, toleranceSeconds, currency } = account
  checkCurrency(currency, path)
  return {
    ...resolveCommon(account, path, watch),
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
    credentials: readCredentials(account, path, sources),
  }
}

function readCredentials(
  { merchantPrivateKey, baseUrl, getPayload }: z.output<typeof zenospaySchema>,
  path: string,
  sources: SecretSources,
): ZenospayCredentials | undefined {
  if (merchantPrivateKey === undefined && baseUrl === undefined && getPayload === undefined) return undefined
  const required = (name: string) =>
    invalidConfiguration(`${path}.${name}`, 'It is required: merchantPrivateKey and baseUrl go together.')
  if (merchantPrivateKey === undefined) throw required('merchantPrivateKey')
  if (baseUrl === undefined) throw required('baseUrl')
  const keyPath = `${path}.merchantPrivateKey`
  return {
    privateKey: readRsaPrivateKey(readSecret(merchantPrivateKey, keyPath, sources), keyPath),
    baseUrl: readBaseUrl(baseUrl, `${path}.baseUrl`),
    getPayload: getPayload ?? 'empty',
  }
}
