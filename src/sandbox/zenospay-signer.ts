import type { KeyObject } from 'node:crypto'
import type { ZenospaySettings } from '../config/accounts/zenospay.ts'
import { describeDisbursement, signCallback } from './signed-callback.ts'
import type { CallbackSigner } from './signer.ts'

export function createZenospaySigner(account: ZenospaySettings, privateKey: KeyObject): CallbackSigner {
  return {
    describe: ({ reference, providerReference, amount, accountNumber, status, at }) =>
      describeDisbursement({
        inquiryId: providerReference,
        reference,
        amount,
        bankCode: '002',
        bankName: 'Bank Rakyat Indonesia',
        accountName: 'John Doe',
        accountNumber,
        status,
        createdAt: at,
        updatedAt: at,
      }),
    sign: (body, { path, now, wrongSignature = false }) =>
      signCallback(body, {
        privateKey,
        partnerId: account.partnerId,
        path: account.callbackPath ?? path,
        now,
        wrongSignature,
      }),
  }
}
