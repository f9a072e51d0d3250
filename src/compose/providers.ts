/** One provider for each configured account. */
import type { AccountSettings } from '../config/accounts/accounts.ts'
import type { Config } from '../config/config.ts'
import { createGeneric } from '../providers/generic/index.ts'
import type { AccountProvider } from '../providers/provider.ts'
import { createZenospay } from '../providers/zenospay/index.ts'

export function createProviders({ accounts }: Config): ReadonlyMap<string, AccountProvider> {
  return new Map(accounts.map((account) => [account.id, createProvider(account)]))
}

function createProvider(account: AccountSettings): AccountProvider {
  switch (account.provider) {
    case 'zenospay':
      return createZenospay(account)
    case 'generic':
      return createGeneric(account, { fetch })
  }
}
