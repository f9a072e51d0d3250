/**
 * The accounts of sandbox mode: one of each provider, so that each can be tried without a configuration. They are written
 * as a configuration file has them and read by the same code; what is secret about them comes from the data directory.
 */
import { createHmac, createPublicKey } from 'node:crypto'
import { type AccountSettings, accountSchema, resolveAccount } from './accounts/accounts.ts'
import type { SandboxIdentity } from './sandbox-mode.ts'

/** Real accounts allow five minutes. A pasted example should still work after a coffee. */
const toleranceSeconds = 60 * 60

export function createSandboxAccounts(identity: SandboxIdentity): AccountSettings[] {
  const publicKey = createPublicKey(identity.providerPrivateKey)
    .export({ type: 'spki', format: 'pem' })
    .toString()
  const secretFor = (purpose: string, length: number) =>
    createHmac('sha256', Buffer.from(identity.indexKey, 'base64'))
      .update(`sandbox:${purpose}`)
      .digest('base64url')
      .slice(0, length)
  const accounts = [
    {
      id: identity.account,
      provider: 'zenospay',
      partnerId: identity.partnerId,
      providerPublicKeys: [publicKey],
      callbackPath: `/callbacks/${identity.account}`,
      toleranceSeconds,
      currency: identity.currency,
    },
    {
      id: 'wechat-sandbox',
      provider: 'wechatpay',
      mchid: '1900000001',
      apiV3Keys: [secretFor('wechatpay', 32)],
      platformKeys: { PUB_KEY_ID_0000000000000000000000000000: publicKey },
      toleranceSeconds,
      currency: 'CNY',
    },
    {
      id: 'acme-sandbox',
      provider: 'generic',
      verify: {
        scheme: 'hmac-sha256',
        header: 'x-signature',
        prefix: 'sha256=',
        signed: '{timestamp}.{body}',
        timestampHeader: 'x-timestamp',
        toleranceSeconds,
        secrets: [secretFor('generic', 43)],
      },
      translate: {
        reference: '/data/ref',
        providerReference: '/data/id',
        amount: '/data/amount',
        currency: '/data/currency',
        status: '/data/status',
        accountNumber: '/data/account',
        occurredAt: '/data/at',
        statuses: { success: 'succeeded', fail: 'failed', pending: 'processing' },
      },
      currency: 'EUR',
    },
  ]
  return accounts.map((account) =>
    resolveAccount(accountSchema.parse(account), account.id, { folder: '.', env: {} }),
  )
}
