/** A Zenospay account with keys of its own, and callbacks signed by it. */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { fingerprint } from '../../src/config/secrets.ts'
import type { ZenospayAccount } from '../../src/providers/zenospay/account.ts'
import {
  type Disbursement,
  describeDisbursement,
  formatJakartaTime,
  type SignedCallback,
  signCallback,
} from '../../src/sandbox/signed-callback.ts'

const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
export const providerKey = pair.privateKey
export const strangerKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey

export const testAccount: ZenospayAccount = {
  id: 'zeno-test',
  partnerId: 'client-key',
  providerPublicKeys: [{ id: fingerprint(pair.publicKey), key: pair.publicKey }],
  callbackPath: '/callbacks/zeno-test',
  toleranceMs: 300_000,
  currency: 'IDR',
  accountNumberDigitsMax: 12,
  calls: { timeoutMs: 15_000 },
}

export const beneficiary = { bankCode: '002', accountNumber: '0000000000', name: 'John Doe' }

/** The provider documents' own example; about another reference of ours it has another number. */
export function disbursement(fields: Partial<Disbursement> = {}): Disbursement {
  const { reference = 'RLG00000000' } = fields
  return {
    inquiryId: fields.reference === undefined ? '01jmmtbfcthj8y0eg3w1he4q3t' : `inquiry-of-${reference}`,
    reference,
    amount: '25000.00',
    bankCode: '002',
    bankName: 'Bank Rakyat Indonesia',
    accountName: 'John Doe',
    accountNumber: '0000000000',
    status: 'success',
    createdAt: Date.parse('2025-01-10T00:54:42+07:00'),
    updatedAt: Date.parse('2025-01-10T00:54:48+07:00'),
    ...fields,
  }
}

export function signedBody(
  body: string,
  options: Partial<Parameters<typeof signCallback>[1]> = {},
): SignedCallback {
  const path = testAccount.callbackPath ?? ''
  return signCallback(body, {
    privateKey: providerKey,
    partnerId: testAccount.partnerId,
    path,
    now: Date.now(),
    ...options,
  })
}

export function signedDisbursement(fields: Partial<Disbursement> = {}): SignedCallback {
  return signedBody(describeDisbursement(disbursement(fields)))
}

export function newReference(): string {
  return `ref${randomBytes(6).toString('hex')}`
}

export { formatJakartaTime }
