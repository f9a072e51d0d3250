/** A payout at the make-believe Zenospay, from its inquiry on, and how the documents spell it. */

import type { Fate } from '../fates.ts'
import { pick } from '../fates.ts'
import type { Disbursement } from '../signed-callback.ts'
import type { Inquiry } from './requests.ts'

export type PayoutStatus = 'reserved' | 'processing' | 'success' | 'fail' | 'expired'

export interface Payout {
  reference: string
  inquiryId: string
  /** Rupiah. */
  amount: bigint
  fee: bigint
  bankCode: string
  accountNumber: string
  /** Null where the bank knows of no such account. */
  accountName: string | null
  status: PayoutStatus
  reason?: string
  createdAt: number
  updatedAt: number
  validUntil: number
  /** How often it was ordered to be paid, and how often that was accepted. */
  payCalls: number
  paidOrders: number
  callbacks: number
  fate: Fate
}

const fee = 5_500n

const bankNames: Record<string, string> = {
  '002': 'Bank Rakyat Indonesia',
  '008': 'Bank Mandiri',
  '009': 'Bank Negara Indonesia',
  '014': 'Bank Central Asia',
  '022': 'CIMB Niaga',
  '451': 'Bank Syariah Indonesia',
}

/** The documents have no list of reasons. */
const reasons: [string, ...string[]] = [
  'Invalid account number',
  'Account closed',
  'Account frozen',
  'Beneficiary bank is offline',
  'Transfer limit exceeded',
  'Rejected by the bank',
]

export function createPayout(
  asked: Inquiry,
  { fate, now, reservationMs }: { fate: Fate; now: number; reservationMs: number },
): Payout {
  return {
    reference: asked.merchant_transaction_id,
    inquiryId: `01${makeId(fate, 'inquiry').slice(0, 24)}`,
    amount: BigInt(asked.amount),
    fee,
    bankCode: asked.bank_code,
    accountNumber: asked.account_number,
    accountName: nameOf(asked.customer_name, fate),
    status: 'reserved',
    createdAt: now,
    updatedAt: now,
    validUntil: now + reservationMs,
    payCalls: 0,
    paidOrders: 0,
    callbacks: 0,
    fate,
  }
}

function nameOf(customerName: string, fate: Fate): string | null {
  if (fate.has('name-missing')) return null
  return fate.has('name-differs') ? 'Bambang Nugroho' : customerName
}

/** 27 letters and digits that follow from the fate. */
export function makeId(fate: Fate, purpose: string): string {
  const part = (n: number) =>
    Math.floor(fate.random(`${purpose}:${n}`) * 32 ** 9)
      .toString(32)
      .padStart(9, '0')
  return `${part(0)}${part(1)}${part(2)}`
}

/** Of a reference as `ACCOUNT_FROZEN`, of a rule as it stands there. */
export function chooseReason({ reason, random }: Fate): string {
  if (reason === undefined) return pick(reasons, random('reason'))
  if (!/^[A-Z0-9_]+$/.test(reason)) return reason
  const words = reason.toLowerCase().replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

export function describeInquiry(payout: Payout): Record<string, unknown> {
  return {
    merchant_transaction_id: payout.reference,
    account_number: payout.accountNumber,
    account_name: payout.accountName,
    bank_code: payout.bankCode,
    bank_name: bankNames[payout.bankCode] ?? 'Bank',
    amount: Number(payout.amount),
    fee: Number(payout.fee),
    inquiry_id: payout.inquiryId,
  }
}

const checkedAs: Record<PayoutStatus, string> = {
  reserved: 'Pending',
  processing: 'Processing',
  success: 'Success',
  fail: 'Fail',
  expired: 'Fail',
}

/** Times with microseconds and Z, unlike a callback's; a status in whatever case. */
export function describeStatus(payout: Payout): Record<string, unknown> {
  const word = checkedAs[payout.status]
  return {
    status: pick([word, word, word.toLowerCase(), word.toUpperCase()], payout.fate.random('case')),
    created_at: formatMicroseconds(payout.createdAt),
    updated_at: formatMicroseconds(payout.updatedAt),
    merchant_transaction_id: payout.reference,
    amount: `${payout.amount}.00`,
    bank_code: payout.bankCode,
    account_number: payout.accountNumber,
    reason: payout.reason ?? null,
    service_fee_final: `${payout.fee}.00`,
  }
}

export function formatMicroseconds(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z')
}

/** A number on one page of the documents and a string on the other; of one payout always the same. */
export function writeAmount(amount: bigint, fate: Fate): string | number {
  return fate.random('amount-form') < 0.5 ? `${amount}.00` : Number(amount)
}

export function describeCallback(
  payout: Payout,
  { status, amount, updatedAt }: { status: string; amount: bigint; updatedAt: number },
): Disbursement {
  return {
    inquiryId: payout.inquiryId,
    reference: payout.reference,
    amount: writeAmount(amount, payout.fate),
    bankCode: payout.bankCode,
    bankName: bankNames[payout.bankCode] ?? 'Bank',
    accountName: payout.accountName ?? '',
    accountNumber: payout.accountNumber,
    status,
    createdAt: payout.createdAt,
    updatedAt,
  }
}

/** What `GET /sandbox/state` says of it. */
export function describeBelief(payout: Payout): Record<string, unknown> {
  const { reference, inquiryId, status, reason, payCalls, paidOrders, callbacks } = payout
  const amount = `${payout.amount}.00`
  return {
    reference,
    inquiryId,
    status,
    reason,
    amount,
    fee: `${payout.fee}.00`,
    payCalls,
    paidOrders,
    callbacks,
  }
}
