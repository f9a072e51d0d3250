import type { KeyObject } from 'node:crypto'
import type { ZenospaySettings } from '../config/accounts/zenospay.ts'
import { describeDisbursement, describePayment, signCallback } from './signed-callback.ts'
import type { CallbackSigner, Payout } from './signer.ts'

export function createZenospaySigner(account: ZenospaySettings, privateKey: KeyObject): CallbackSigner {
  return {
    events: ['disbursement.completed', 'payment.completed'],
    describe: (payout, event) =>
      event === 'payment.completed' ? describePayIn(account, payout) : describePayout(payout),
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

function describePayout({ reference, providerReference, amount, accountNumber, status, at }: Payout): string {
  return describeDisbursement({
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
  })
}

function describePayIn({ currency }: ZenospaySettings, payout: Payout): string {
  const { providerReference, reference, amount, at } = payout
  return describePayment({
    transactionId: providerReference,
    reference,
    amount,
    currency,
    fee: '0.00',
    net: amount,
    channel: 'BCA',
    rrn: null,
    customerName: 'John Doe',
    createdAt: at,
  })
}
