/** A Zenospay account that can call, what it is answered by the documents, and a call that answers as it is told. */
import { generateKeyPairSync } from 'node:crypto'
import type { Call, CallRequest, Client, Endpoint, Exchange } from '../../src/providers/client.ts'
import type { ZenospayAccount } from '../../src/providers/zenospay/account.ts'
import { createZenospay } from '../../src/providers/zenospay/index.ts'
import { testAccount } from './zenospay.ts'

const merchant = generateKeyPairSync('rsa', { modulusLength: 2048 })
export const merchantPublicKey = merchant.publicKey

export const credentials = {
  privateKey: merchant.privateKey,
  baseUrl: 'https://zenospay.example',
  getPayload: 'empty',
} as const

export const callingAccount: ZenospayAccount = { ...testAccount, credentials }

/** When everything is asked. */
export const askedAt = Date.parse('2025-01-10T00:54:42+07:00')

export function answered(status: number, body: string | Buffer | object): Exchange {
  const bytes =
    typeof body === 'string' || Buffer.isBuffer(body) ? Buffer.from(body) : Buffer.from(JSON.stringify(body))
  return { outcome: 'answered', status, header: () => undefined, body: bytes }
}

export function createCalling(
  answer: Exchange | ((request: CallRequest) => Exchange),
  account: ZenospayAccount = callingAccount,
) {
  const requests: CallRequest[] = []
  const endpoints: Endpoint[] = []
  const call: Call = async (request) => {
    requests.push(request)
    return typeof answer === 'function' ? answer(request) : answer
  }
  const connectTo = (endpoint: Endpoint) => {
    endpoints.push(endpoint)
    return call
  }
  const provider = createZenospay(account, { connectTo, clock: () => askedAt })
  if (!provider.client) throw new Error('The account cannot call.')
  const client: Client = provider.client
  return { provider, client, requests, endpoints }
}

/** The documents' own examples. */
export const reservation = {
  merchant_transaction_id: 'RP123333333',
  account_number: '0123456789',
  account_name: 'John Doe' as string | null,
  bank_code: '014',
  bank_name: 'PT. BANK CENTRAL ASIA, TBK.',
  amount: 100000,
  fee: 5500,
  inquiry_id: '01jj1g751vqw68ng5546xnda5c',
}

export const payoutStatus = {
  status: 'success',
  created_at: '2025-01-01T00:00:00.000000Z',
  updated_at: '2025-01-01T12:00:00.000000Z',
  merchant_transaction_id: 'INQ12300456',
  amount: '100000.00',
  bank_code: '009',
  account_number: '00000000',
  reason: '' as string | null,
  service_fee_final: '5500.00',
}

export const paymentStatus = {
  status: 'Success',
  transaction_id: '0aa59d5a-2a10-45be-a174-f7b954113d12',
  created_at: '2025-01-01T00:00:00.000000Z',
  updated_at: '2025-01-01T12:00:00.000000Z',
  merchant_transaction_id: 'INQ12300456',
  amount: '100000.00',
  channel: 'QRIS',
  service_fee_rate: '4',
  service_fee_amount: '0',
  service_fee_final: '2000',
  nett_amount: '96000',
  rrn: '987654321',
}

export const reserveOrder = {
  call: 'reserve',
  reference: reservation.merchant_transaction_id,
  amount: { minor: 10_000_000n, currency: 'IDR' },
  beneficiary: { kind: 'bank', bankCode: '014', accountNumber: '0123456789', name: 'John Doe' },
} as const

export const payOrder = {
  call: 'pay',
  reference: reservation.merchant_transaction_id,
  reservation: reservation.inquiry_id,
  force: false,
} as const
