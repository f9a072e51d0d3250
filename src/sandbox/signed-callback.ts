/**
 * A callback as the make-believe Zenospay signs and sends it; also on demand, and also wrongly. The signature is made here
 * and not by what verifies it, so that a mistake of one of the two shows.
 */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

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
  const bodyHash = createHash('sha256').update(body).digest('hex')
  const key = options.wrongSignature ? strangersKey() : options.privateKey
  const text = Buffer.from(`POST:${options.path}:${bodyHash}:${timestamp}`)
  return {
    headers: {
      'content-type': 'application/json',
      'x-timestamp': timestamp,
      'x-partner-id': options.partnerId,
      'x-signature': sign('sha256', text, key).toString('base64'),
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
