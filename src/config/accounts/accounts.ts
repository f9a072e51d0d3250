/** The accounts of the configuration file, one module a provider. */
import { z } from 'zod'
import type { SecretSources } from '../secrets.ts'
import { type GenericSettings, genericSchema, keyIdsOfGeneric, resolveGeneric } from './generic.ts'
import { resolveWechatpay, type WechatpaySettings, wechatpaySchema } from './wechatpay.ts'
import { resolveZenospay, type ZenospaySettings, zenospaySchema } from './zenospay.ts'

export const accountSchema = z.discriminatedUnion(
  'provider',
  [zenospaySchema, wechatpaySchema, genericSchema],
  {
    error: 'It must be one of: zenospay, wechatpay, generic.',
  },
)
export type AccountFile = z.output<typeof accountSchema>

export type AccountSettings = ZenospaySettings | WechatpaySettings | GenericSettings

export function resolveAccount(account: AccountFile, path: string, sources: SecretSources): AccountSettings {
  switch (account.provider) {
    case 'zenospay':
      return resolveZenospay(account, path, sources)
    case 'wechatpay':
      return resolveWechatpay(account, path, sources)
    case 'generic':
      return resolveGeneric(account, path, sources)
  }
}

/** For the log at the start: which keys an account is verified with, by id. */
export function keyIdsOf(account: AccountSettings): string[] {
  switch (account.provider) {
    case 'zenospay':
      return account.providerPublicKeys.map(({ id }) => id)
    case 'wechatpay':
      return account.platformKeys.map(({ serial }) => serial)
    case 'generic':
      return keyIdsOfGeneric(account)
  }
}
