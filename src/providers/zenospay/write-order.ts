/** The bodies of our orders and questions. Amounts are written digit by digit: no float is ever made of one. */
import { formatAmount } from '../../domain/money.ts'
import type { Order } from '../client.ts'
import type { Limits } from '../limits.ts'
import type { ZenospayAccount } from './account.ts'

type Reserve = Extract<Order, { call: 'reserve' }>
type Pay = Extract<Order, { call: 'pay' }>

export type Written = { body: string } | { problems: [string, ...string[]] }

/** One to twelve digits, none of them in vain. */
const rupiahPattern = /^([1-9][0-9]{0,11})(?:\.0+)?$/

/** What could be sent when it was registered may be more than the configuration allows today. */
export function writeReserve(
  order: Reserve,
  { currency }: Pick<ZenospayAccount, 'currency'>,
  limits: Limits,
): Written {
  const { reference, amount, beneficiary } = order
  const problems = limits.checkTransfer(order).map(({ code }) => code)
  const rupiah = amount.currency === currency ? rupiahPattern.exec(formatAmount(amount))?.[1] : undefined
  if (rupiah === undefined) problems.push('amount-refused')
  if (beneficiary.kind !== 'bank') return { problems: ['beneficiary-refused', ...problems] }
  const [first, ...others] = new Set(problems)
  if (first !== undefined || rupiah === undefined) return { problems: [first ?? 'amount-refused', ...others] }
  const fields: [string, string][] = [
    ['merchant_transaction_id', JSON.stringify(reference)],
    ['amount', rupiah],
    ['bank_code', JSON.stringify(beneficiary.bankCode)],
    ['account_number', JSON.stringify(beneficiary.accountNumber)],
    ['customer_name', JSON.stringify(beneficiary.name)],
  ]
  return { body: `{${fields.map(([name, value]) => `"${name}":${value}`).join(',')}}` }
}

export function writePay({ reservation, force }: Pay): Written {
  if (!/^[\x21-\x7e]{1,128}$/.test(reservation)) return { problems: ['reservation-refused'] }
  return { body: JSON.stringify({ inquiry_id: reservation, ...(force && { force }) }) }
}

export function writeQuestion(reference: string): string {
  return JSON.stringify({ merchant_transaction_id: reference })
}
