/**
 * `payment.completed`: a pay-in. The fee and the net amount are taken as they stand and never compared with the amount:
 * the figures of the documentation's own example do not add up.
 */
import { z } from 'zod'
import { type Money, parseProviderAmount } from '../../domain/money.ts'
import { parseTime } from '../../domain/time.ts'
import { identifier, optionalText, text } from '../fields.ts'
import { notUnderstood, type Translation } from '../provider.ts'
import { describeIssues } from '../read-json.ts'
import type { ZenospayAccount } from './account.ts'
import { statuses } from './translate-disbursement.ts'

export const paymentSchema = z.object({
  transaction_id: identifier,
  merchant_transaction_id: text,
  created_at: optionalText,
  amount: text,
  currency: optionalText,
  channel: optionalText,
  service_fee_amount: optionalText,
  nett_amount: optionalText,
  rrn: optionalText,
  customer_info: z.object({ customer_name: optionalText }).nullish(),
  status: optionalText,
})
type Payment = z.output<typeof paymentSchema>

export type PaymentAccount = Pick<ZenospayAccount, 'id' | 'currency'>

export function translatePayment(account: PaymentAccount, content: unknown): Translation {
  const read = paymentSchema.safeParse(content)
  if (!read.success) return notUnderstood(`The payment ${describeIssues(read.error)}`)
  const { status } = read.data
  // None is documented. One that is there has to be a success, or no money came.
  if (status && !isPaid(status)) return notPaid(status)
  return describePayment(account, read.data, 'callback')
}

export function isPaid(status: string): boolean {
  return statuses.get(status.toLowerCase()) === 'succeeded'
}

export function notPaid(status: string): Translation {
  return notUnderstood(`The status ${JSON.stringify(status.slice(0, 32))} is not that of a pay-in.`)
}

export function describePayment(
  account: PaymentAccount,
  data: Payment,
  source: 'callback' | 'query',
): Translation {
  const money = readMoney(data, (data.currency || account.currency).toUpperCase())
  if ('problem' in money) return notUnderstood(money.problem)
  const occurredAt = data.created_at ? parseTime(data.created_at) : undefined
  if (data.created_at && occurredAt === undefined) return notUnderstood('created_at is not a time.')
  const customerName = data.customer_info?.customer_name
  return {
    outcome: 'understood',
    observation: {
      kind: 'collection',
      source,
      account: account.id,
      transaction: data.transaction_id,
      reference: data.merchant_transaction_id,
      ...money,
      ...(data.channel && { channel: data.channel }),
      ...(data.rrn && { rrn: data.rrn }),
      ...(occurredAt !== undefined && { occurredAt }),
      secrets: customerName ? { customerName } : {},
    },
  }
}

type PaymentMoney = { amount: Money; fee?: Money; net?: Money }

/** A fee that cannot be read is no reason to leave it out: a ledger would book the pay-in as free of one. */
function readMoney(data: Payment, currency: string): PaymentMoney | { problem: string } {
  const amount = parseProviderAmount(data.amount, currency)
  if (!amount.ok) return { problem: inexact('amount', amount.problem) }
  const money: PaymentMoney = { amount: amount.money }
  for (const [field, name] of [
    ['service_fee_amount', 'fee'],
    ['nett_amount', 'net'],
  ] as const) {
    const text = data[field]
    if (!text) continue
    const read = parseProviderAmount(text, currency)
    if (!read.ok) return { problem: inexact(field, read.problem) }
    money[name] = read.money
  }
  return money
}

export function inexact(field: string, problem: string): string {
  return `The ${field} cannot be read exactly (${problem}).`
}
