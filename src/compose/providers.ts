/** One provider for each configured account. */
import type { AccountSettings } from '../config/accounts/accounts.ts'
import { isLoopbackHost } from '../config/base-url.ts'
import type { Config } from '../config/config.ts'
import { createOutboundFetch } from '../outbound/fetch.ts'
import type { AccountProvider } from '../providers/provider.ts'
import { createWechatpay, type WechatpayDeps } from '../providers/wechatpay/index.ts'
import { createZenospay } from '../providers/zenospay/index.ts'
import type { Lifecycle } from '../telemetry/lifecycle.ts'

/** A callback may wait for keys, within its budget, and so may the start. */
const keysMsMax = 2_500

type ProviderDeps = Omit<WechatpayDeps, 'fetch'>

export function createProviders(
  { accounts, outbound }: Config,
  deps: ProviderDeps,
): ReadonlyMap<string, AccountProvider> {
  return new Map(accounts.map((account) => [account.id, createProvider(account, outbound, deps)]))
}

/** Only a role that verifies callbacks needs keys to be fetched. */
export async function startProviders(
  providers: ReadonlyMap<string, AccountProvider>,
  lifecycle: Lifecycle,
): Promise<void> {
  const all = [...providers.values()]
  lifecycle.add({
    name: 'providers',
    stop: async () => void (await Promise.all(all.map((provider) => provider.stop?.()))),
  })
  await Promise.all(all.map((provider) => provider.start?.()))
}

function createProvider(
  account: AccountSettings,
  outbound: Config['outbound'],
  deps: ProviderDeps,
): AccountProvider {
  switch (account.provider) {
    case 'zenospay':
      return createZenospay(account)
    case 'wechatpay': {
      const loopbackOrigin = findLoopbackOrigin(account.credentials?.baseUrl)
      const fetch = createOutboundFetch({ ...outbound, loopbackOrigin, totalMsMax: keysMsMax })
      return createWechatpay(account, { ...deps, fetch })
    }
  }
}

/** Who writes a loopback address as an account's base URL means it. */
function findLoopbackOrigin(baseUrl: string | undefined): string | undefined {
  return baseUrl !== undefined && isLoopbackHost(new URL(baseUrl).hostname) ? baseUrl : undefined
}
