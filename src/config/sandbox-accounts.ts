/**
 * The accounts of sandbox mode: one of each provider, so that each can be tried without a configuration. They are written
 * as a configuration file has them and read by the same code; what is secret about them comes from the data directory.
 */
import { createHmac, createPublicKey } from 'node:crypto'
import { type AccountSettings, accountSchema, resolveAccount } from './accounts/accounts.ts'
import type { SandboxIdentity } from './sandbox-mode.ts'

/** Real accounts allow five minutes. A pasted example should still work after a coffee. */
const toleranceSeconds = 60 * 60

/** A provider on this machine may be asked as often as one likes, and who tries it out wants to see it happen. */
const watch = { firstAfterSeconds: 5, everySeconds: 5 }

export const wechatSandbox = {
  account: 'wechat-sandbox',
  mchid: '1900000001',
  serialNo: '5157F09EFDC096DE15EBE81A47057A7232F1B8E1',
  publicKeyId: 'PUB_KEY_ID_0000000000000000000000000000',
} as const

/** `providerUrl`: where both make-believe providers are; without them the accounts only listen. */
export function createSandboxAccounts(identity: SandboxIdentity, providerUrl?: string): AccountSettings[] {
  const toPublic = (pem: string) => createPublicKey(pem).export({ type: 'spki', format: 'pem' }).toString()
  const publicKey = toPublic(identity.providerPrivateKey)
  const calling = providerUrl && {
    baseUrl: providerUrl,
    merchantPrivateKey: identity.merchantPrivateKey,
    watch,
  }
  const accounts = [
    {
      id: identity.account,
      provider: 'zenospay',
      partnerId: identity.partnerId,
      providerPublicKeys: [publicKey],
      callbackPath: `/callbacks/${identity.account}`,
      ...calling,
      toleranceSeconds,
      currency: identity.currency,
    },
    {
      id: wechatSandbox.account,
      provider: 'wechatpay',
      mchid: wechatSandbox.mchid,
      apiV3Keys: [secretOf(identity, 'wechatpay', 32)],
      platformKeys: { [wechatSandbox.publicKeyId]: publicKey },
      ...(calling && { ...calling, serialNo: wechatSandbox.serialNo }),
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
        secrets: [secretOf(identity, 'generic', 43)],
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

/** What both sides share, from what the data directory keeps. */
export function secretOf(
  identity: SandboxIdentity,
  purpose: 'wechatpay' | 'generic',
  length: number,
): string {
  return createHmac('sha256', Buffer.from(identity.indexKey, 'base64'))
    .update(`sandbox:${purpose}`)
    .digest('base64url')
    .slice(0, length)
}
