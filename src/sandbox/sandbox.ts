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
  clock: () => number
  random: () => number
  fetch: typeof fetch
  logger: Logger
}

/** Tallyhook's listeners, as origins. */
interface Addresses {
  callbackUrl: string
  apiUrl: string
}

export interface Example {
  /** A signed callback for a transfer that waits for just this one. */
  curl: string
  /** The transfer's reference. */
  reference: string
}

export interface Sandbox {
  /** The merchant begins, now that Tallyhook listens. The providers answer from the first moment on. */
  start(addresses: Addresses): Promise<Example>
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

/** Stands for Tallyhook's own until that is known. Nobody is paid before, so nothing is called back. */
const someOrigin = 'http://tallyhook.invalid'

export function createSandbox(deps: SandboxDeps): Sandbox {
  const { identity, door, logger } = deps
  const { account, wechatAccount } = identity
  let origin = someOrigin
  const stopProviders = startProviders({
    ...deps,
    callbackUrls: {
      zenospay: `${someOrigin}/callbacks/${account}`,
      wechatpay: `${someOrigin}/callbacks/${wechatAccount}`,
    },
    // Another story with each start.
    fates: createFates({ seed: deps.random(), rates }),
    fetch: (url, init) => deps.fetch(String(url).replace(someOrigin, origin), init),
  })
  let stopTrickle = async () => {}

  return {
    async start({ callbackUrl, apiUrl }) {
      origin = callbackUrl
      const trickle = createTrickle({ ...deps, ...identity, apiUrl })
      stopTrickle = trickle.stop
      const reference = makeReference('hello')
      const curl = await prepareExample(
        deps,
        `${callbackUrl}/callbacks/${account}`,
        reference,
        trickle.register,
      )
      trickle.start(payEveryMs)
      logger.info('sandbox.started', { providerUrl: door.url, account, wechatAccount })
      return { curl, reference }
    },
    async stop() {
      await stopTrickle()
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
