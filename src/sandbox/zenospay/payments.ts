/** Pay-ins of the make-believe Zenospay: made to happen by `POST /sandbox/payments`, told of by `payment.completed`. */
import type { Fate } from '../fates.ts'
import { describePayment } from '../signed-callback.ts'
import { formatMicroseconds, makeId, writeAmount } from './payout.ts'

export interface Payment {
  reference: string
  transactionId: string
  rrn: string
  /** Rupiah. */
  amount: bigint
  createdAt: number
  callbacks: number
  fate: Fate
}

const channel = 'BCA'
const feeRate = '0.70'

export function createPayment(reference: string, amount: bigint, fate: Fate, now: number): Payment {
  const id = makeId(fate, 'payment') + makeId(fate, 'payment-rest')
  // The letters of the id stand for hexadecimal digits.
  const hex = id.replace(/[g-v]/g, (letter) => (letter.charCodeAt(0) % 10).toString()).slice(0, 30)
  const transactionId = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(12, 15)}-8${hex.slice(15, 18)}-${hex.slice(18)}`
  const rrn = String(Math.floor(fate.random('rrn') * 1e12)).padStart(12, '0')
  return { reference, transactionId, rrn, amount, createdAt: now, callbacks: 0, fate }
}

/** Seven in a thousand, and whole rupiah. */
function feeOf({ amount }: Payment): bigint {
  return (amount * 7n) / 1000n
}

/** Flat on one page of the documents, within an envelope by another. */
export function describePaymentCallback(payment: Payment, amount: bigint): string {
  const { fate, transactionId, reference, rrn, createdAt } = payment
  const fee = feeOf(payment)
  const flat = describePayment({
    transactionId,
    reference,
    amount: writeAmount(amount, fate),
    currency: 'IDR',
    fee: writeAmount(fee, fate),
    net: writeAmount(amount - fee, fate),
    channel,
    rrn,
    customerName: 'John Doe',
    createdAt,
  })
  return fate.random('envelope') < 0.5 ? flat : `{"event":"payment.completed","data":${flat}}`
}

/** All of it strings, and the fee three times. */
export function describePaymentStatus(payment: Payment): Record<string, string> {
  const { transactionId, reference, rrn, amount, createdAt } = payment
  const at = formatMicroseconds(createdAt)
  const fee = feeOf(payment)
  return {
    status: 'Success',
    transaction_id: transactionId,
    created_at: at,
    updated_at: at,
    merchant_transaction_id: reference,
    amount: `${amount}.00`,
    channel,
    service_fee_rate: feeRate,
    service_fee_amount: `${fee}.00`,
    service_fee_final: `${fee}.00`,
    nett_amount: `${amount - fee}.00`,
    rrn,
  }
}
