/** A callback as the make-believe Zenospay signs and sends it; also on demand, and also wrongly. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { digestBody } from '../providers/digest.ts'
import { headerNames, signParts } from '../providers/zenospay/signature.ts'

export interface Disbursement {
  inquiryId: string
  reference: string
  /** As it stands in the JSON: the documents show a string on one page and a number on another. */
  amount: string | number
  bankCode: string
  bankName: string
  accountName: string
  accountNumber: string
  status: string
  createdAt: number
  updatedAt: number
}

export interface Payment {
  transactionId: string
  reference: string
  amount: string | number
  currency: string
  fee: string | number
  net: string | number
  channel: string
  rrn: string | null
  customerName: string
  createdAt: number
}

export interface SigningOptions {
  privateKey: KeyObject
  partnerId: string
  /** The registered path, which is part of what is signed. */
  path: string
  now: number
  /** Signs with a key that nobody knows. */
  wrongSignature?: boolean
}

export interface SignedCallback {
  headers: Record<string, string>
  body: string
}

export function describeDisbursement(payout: Disbursement): string {
  return JSON.stringify({
    event: 'disbursement.completed',
    data: {
      id: payout.inquiryId,
      merchant_transaction_id: payout.reference,
      amount: payout.amount,
      bank_code: payout.bankCode,
      bank_name: payout.bankName,
      account_name: payout.accountName,
      account_number: payout.accountNumber,
      status: payout.status,
      created_at: formatJakartaTime(payout.createdAt),
      updated_at: formatJakartaTime(payout.updatedAt),
    },
  })
}

/** A pay-in: flat, without an event's name and without a status. */
export function describePayment(payment: Payment): string {
  return JSON.stringify({
    transaction_id: payment.transactionId,
    merchant_transaction_id: payment.reference,
    created_at: formatJakartaTime(payment.createdAt),
    amount: payment.amount,
    currency: payment.currency,
    channel: payment.channel,
    service_fee_rate: '0.00',
    service_fee_amount: payment.fee,
    nett_amount: payment.net,
    rrn: payment.rrn,
    customer_info: { customer_name: payment.customerName, product_name: 'Order' },
  })
}

export function signCallback(body: string, options: SigningOptions): SignedCallback {
  const timestamp = formatJakartaTime(options.now)
  const parts = {
    method: 'POST',
    path: options.path,
    bodyDigest: digestBody(Buffer.from(body)),
    timestamp,
  } as const
  const key = options.wrongSignature ? strangersKey() : options.privateKey
  return {
    headers: {
      'content-type': 'application/json',
      [headerNames.timestamp]: timestamp,
      [headerNames.partner]: options.partnerId,
      [headerNames.signature]: signParts(parts, key),
    },
    body,
  }
}

/** With seconds and +07:00, as the provider's callbacks show it. */
export function formatJakartaTime(ms: number): string {
  return `${new Date(ms + 7 * 3600_000).toISOString().slice(0, 19)}+07:00`
}

export function toCurl(url: string, { headers, body }: SignedCallback): string {
  const flags = Object.entries(headers).map(([name, value]) => `  -H '${name}: ${value}' \\\n`)
  return `curl -i -X POST ${url} \\\n${flags.join('')}  --data-binary '${body.replaceAll("'", "'\\''")}'`
}

function strangersKey(): KeyObject {
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
}
