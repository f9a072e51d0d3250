/** Signs callbacks as an account's provider would, to try Tallyhook out: each provider has a module with its own. */
import type { KeyObject } from 'node:crypto'
import type { AccountSettings } from '../config/accounts/accounts.ts'
import { AppError } from '../domain/errors.ts'
import { createGenericSigner } from './generic-signer.ts'
import type { SignedCallback } from './signed-callback.ts'
import { createWechatpaySigner } from './wechatpay-signer.ts'
import { createZenospaySigner } from './zenospay-signer.ts'

/** What a callback says, in our words. Of a pay-in, a batch or a coupon it is what is like it. */
export interface Payout {
  reference: string
  providerReference: string
  /** A decimal, as `25000.00`. */
  amount: string
  /** Of a beneficiary at a bank. */
  accountNumber: string
  /** Of a beneficiary at WeChat Pay. */
  openid: string
  /** In the provider's own words. */
  status: string
  at: number
  /** Of a batch: how many transfers. */
  count?: number
  /** Of a coupon. */
  stockId?: string
  couponNumber?: string
}

export interface SignerOptions {
  /** The path that is called; some providers sign it. */
  path: string
  now: number
  /** Signs with a key that nobody knows. */
  wrongSignature?: boolean
  /** `now` lies in the past on purpose. */
  stale?: boolean
}

export interface CallbackSigner {
  /** As the provider names them; the first is a transfer's, and is meant where none is named. Empty: it names none. */
  events: readonly string[]
  describe(payout: Payout, event?: string): string
  sign(body: string, options: SignerOptions): SignedCallback | Promise<SignedCallback>
}

export interface SigningKeys {
  /** The provider's, needed where it signs by one; a shared secret stands in the account itself. */
  privateKey(): KeyObject
  /** How the key is named to the receiver, for a provider that names its keys. */
  serial?: string | undefined
}

export function createSigner(account: AccountSettings, { privateKey, serial }: SigningKeys): CallbackSigner {
  switch (account.provider) {
    case 'zenospay':
      return createZenospaySigner(account, rsaOnly(privateKey()))
    case 'wechatpay':
      return createWechatpaySigner(account, { privateKey: rsaOnly(privateKey()), serial })
    case 'generic':
      return createGenericSigner(account, privateKey)
  }
}

function rsaOnly(key: KeyObject): KeyObject {
  if (key.asymmetricKeyType === 'rsa') return key
  throw new AppError('invalid-request', { detail: '--private-key: It is not an RSA key.' })
}
