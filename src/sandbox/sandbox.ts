/** Both make-believe sides together: the providers that are paid through and the merchant's system that pays. */
import type { KeyObject } from 'node:crypto'
import type { Logger } from '../telemetry/logger.ts'
import type { Door } from './door.ts'
import { createFates, type Rates } from './fates.ts'
import { type ProviderKeys, startProviders } from './providers.ts'
import { describeDisbursement, signCallback, toCurl } from './signed-callback.ts'
import { createTrickle, makeReference } from './trickle.ts'

export interface SandboxDeps {
  door: Door
  identity: { account: string; partnerId: string; currency: string; apiToken: string; wechatAccount: string }
  keys: ProviderKeys
  /** Tallyhook's callback listener, an origin. */
  callbackUrl: string
  apiUrl: string
  clock: () => number
  random: () => number
  fetch: typeof fetch
  logger: Logger
}

export interface Sandbox {
  /** A signed callback for a transfer that waits for just this one. */
  curl: string
  /** The transfer's reference. */
  reference: string
  stop(): Promise<void>
}

const payEveryMs = 5_000

/** Enough that something happens while somebody looks, and little enough that the list of cases stays short. */
const rates: Rates = {
  fail: 0.1,
  slow: 0.05,
  'lost-callback': 0.1,
  repeated: 0.1,
  'concurrent-repeats': 0.05,
  reordered: 0.05,
  early: 0.05,
  'wrong-signature': 0.03,
  signtest: 0.03,
  'timeout-after-accepting': 0.02,
  'too-many-requests': 0.03,
  contradicting: 0.005,
}

export async function startSandbox(deps: SandboxDeps): Promise<Sandbox> {
  const { identity, callbackUrl, door, logger } = deps
  const { account, wechatAccount } = identity
  const callbackUrls = {
    zenospay: `${callbackUrl}/callbacks/${account}`,
    wechatpay: `${callbackUrl}/callbacks/${wechatAccount}`,
  }
  // Another story with each start.
  const fates = createFates({ seed: deps.random(), rates })
  const stopProviders = startProviders({ ...deps, callbackUrls, fates })
  const trickle = createTrickle({ ...deps, ...identity })
  const reference = makeReference('hello')
  const curl = await prepareExample(deps, callbackUrls.zenospay, reference, trickle.register)
  trickle.start(payEveryMs)
  logger.info('sandbox.started', { providerUrl: door.url, account, wechatAccount })

  return {
    curl,
    reference,
    async stop() {
      await trickle.stop()
      await stopProviders()
    },
  }
}

async function prepareExample(
  { identity, keys, clock }: SandboxDeps,
  url: string,
  reference: string,
  register: ReturnType<typeof createTrickle>['register'],
): Promise<string> {
  const beneficiary = { bankCode: '002', accountNumber: '0000000000', name: 'John Doe' }
  const amount = { value: '25000.00', currency: identity.currency }
  // It is not sent: the callback to paste is the first that is heard of it.
  await register('/v1/transfers', { account: identity.account, reference, amount, beneficiary })
  const now = clock()
  const body = describeDisbursement({
    inquiryId: makeReference('inquiry'),
    reference,
    amount: amount.value,
    bankCode: beneficiary.bankCode,
    bankName: 'Bank Rakyat Indonesia',
    accountName: beneficiary.name,
    accountNumber: beneficiary.accountNumber,
    status: 'success',
    createdAt: now,
    updatedAt: now,
  })
  const { partnerId } = identity
  const privateKey: KeyObject = keys.zenospay.privateKey
  return toCurl(url, signCallback(body, { privateKey, partnerId, path: new URL(url).pathname, now }))
}
