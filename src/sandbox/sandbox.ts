/** Both make-believe sides together: the provider that is paid through and the merchant's system that pays. */
import type { KeyObject } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Logger } from '../telemetry/logger.ts'
import { describeDisbursement, signCallback, toCurl } from './signed-callback.ts'
import { createTrickle, makeReference } from './trickle.ts'
import { createZenospaySandbox } from './zenospay-server.ts'

export interface SandboxDeps {
  identity: { account: string; partnerId: string; currency: string; apiToken: string }
  providerPrivateKey: KeyObject
  merchantPrivateKey: KeyObject
  merchantPublicKey: KeyObject
  callbackUrl: string
  apiUrl: string
  clock: () => number
  random: () => number
  fetch: typeof fetch
  logger: Logger
}

export interface Sandbox {
  providerUrl: string
  /** A signed callback for a transfer that waits for just this one. */
  curl: string
  /** The transfer's reference. */
  reference: string
  stop(): Promise<void>
}

const payEveryMs = 5_000

export async function startSandbox(deps: SandboxDeps): Promise<Sandbox> {
  const { identity, logger } = deps
  const provider = createZenospaySandbox({ ...deps, partnerId: identity.partnerId })
  const server = createServer(provider.app)
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const providerUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const trickle = createTrickle({ ...deps, ...identity, providerUrl })
  const reference = makeReference('hello')
  const curl = await prepareExample(deps, reference, trickle.register)
  trickle.start(payEveryMs)
  logger.info('sandbox.started', { providerUrl, account: identity.account })

  return {
    providerUrl,
    curl,
    reference,
    async stop() {
      await trickle.stop()
      provider.stop()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function prepareExample(
  deps: SandboxDeps,
  reference: string,
  register: ReturnType<typeof createTrickle>['register'],
): Promise<string> {
  const beneficiary = { bankCode: '002', accountNumber: '0000000000', name: 'John Doe' }
  await register({ reference, amount: 25_000, beneficiary })
  const now = deps.clock()
  const body = describeDisbursement({
    inquiryId: makeReference('inquiry'),
    reference,
    amount: '25000.00',
    bankCode: beneficiary.bankCode,
    bankName: 'Bank Rakyat Indonesia',
    accountName: beneficiary.name,
    accountNumber: beneficiary.accountNumber,
    status: 'success',
    createdAt: now,
    updatedAt: now,
  })
  const path = new URL(deps.callbackUrl).pathname
  const { partnerId } = deps.identity
  return toCurl(
    deps.callbackUrl,
    signCallback(body, { privateKey: deps.providerPrivateKey, partnerId, path, now }),
  )
}
