/** One provider for each configured account. */
import type { AccountSettings } from '../config/accounts/accounts.ts'
import { isLoopbackHost } from '../config/base-url.ts'
import type { Config } from '../config/config.ts'
import { createOutboundFetch } from '../outbound/fetch.ts'
import type { ConnectTo } from '../providers/client.ts'
import { createGeneric } from '../providers/generic/index.ts'
import type { AccountProvider } from '../providers/provider.ts'
import { createWechatpay, type WechatpayDeps } from '../providers/wechatpay/index.ts'
import { createZenospay } from '../providers/zenospay/index.ts'
import type { Lifecycle } from '../telemetry/lifecycle.ts'

/** A callback may wait for keys, within its budget, and so may the start. */
const keysMsMax = 2_500

type ProviderDeps = Omit<WechatpayDeps, 'fetch'> & { connectTo?: ConnectTo }

export function createProviders(
  { accounts, outbound }: Config,
  deps: ProviderDeps,
): ReadonlyMap<string, AccountProvider> {
  for (const account of accounts) {
    if (account.provider === 'generic' && account.verify.scheme === 'none')
      deps.logger.warn('account.unverified', { account: account.id })
  }
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
  const fetchFor = (address: string | undefined) =>
    createOutboundFetch({ ...outbound, loopbackOrigin: findLoopbackOrigin(address), totalMsMax: keysMsMax })
  switch (account.provider) {
    case 'zenospay':
      return createZenospay(account, deps)
    case 'wechatpay':
      return createWechatpay(account, { ...deps, fetch: fetchFor(account.credentials?.baseUrl) })
    case 'generic': {
      const { verify } = account
      return createGeneric(account, {
        fetch: fetchFor(verify.scheme === 'jws' ? verify.jwks?.url : undefined),
      })
    }
  }
}

/** Who writes a loopback address into an account means it. */
function findLoopbackOrigin(address: string | undefined): string | undefined {
  const url = address === undefined ? undefined : new URL(address)
  return url && isLoopbackHost(url.hostname) ? url.origin : undefined
}
