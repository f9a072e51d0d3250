/** Signs callbacks as an account's provider would, to try Tallyhook out: each provider has a module with its own. */
import type { KeyObject } from 'node:crypto'
import type { AccountSettings } from '../config/accounts/accounts.ts'
import { createGenericSigner } from './generic-signer.ts'
import type { SignedCallback } from './signed-callback.ts'
import { createZenospaySigner } from './zenospay-signer.ts'

/** What a callback says, in our words. */
export interface Payout {
  reference: string
  providerReference: string
  /** A decimal, as `25000.00`. */
  amount: string
  accountNumber: string
  /** In the provider's own words. */
  status: string
  at: number
}

export interface SignerOptions {
  /** The path that is called; some providers sign it. */
  path: string
  now: number
  /** Signs with a key that nobody knows. */
  wrongSignature?: boolean
}

export interface CallbackSigner {
  describe(payout: Payout): string
  sign(body: string, options: SignerOptions): SignedCallback | Promise<SignedCallback>
}

/** The provider's private key is needed where it signs by one; a shared secret stands in the account itself. */
export function createSigner(account: AccountSettings, privateKey: () => KeyObject): CallbackSigner {
  switch (account.provider) {
    case 'zenospay':
      return createZenospaySigner(account, privateKey())
    case 'generic':
      return createGenericSigner(account, privateKey)
  }
}
