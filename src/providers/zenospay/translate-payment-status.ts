/** `POST /api/check/transaction`: how a pay-in stands. */
import type { z } from 'zod'
import { parseProviderAmount } from '../../domain/money.ts'
import { optionalText, text } from '../fields.ts'
import { notUnderstood, type Translation } from '../provider.ts'
import { describeIssues } from '../read-json.ts'
import { statuses } from './translate-disbursement.ts'
import {
  describePayment,
  inexact,
  isPaid,
  notPaid,
  type PaymentAccount,
  paymentSchema,
} from './translate-payment.ts'

const paymentStatusSchema = paymentSchema.extend({ status: text, service_fee_final: optionalText })
type PaymentStatus = z.output<typeof paymentStatusSchema>

/** Only a success is an observation: that nothing came yet says nothing of a pay-in. */
export function translatePaymentStatus(
  account: PaymentAccount,
  content: unknown,
  reference: string,
): Translation {
  const read = paymentStatusSchema.safeParse(content)
  if (!read.success) return notUnderstood(`data ${describeIssues(read.error)}`)
  const { data } = read
  if (data.merchant_transaction_id !== reference)
    return notUnderstood('merchant_transaction_id is another than was asked about.')
  if (!isPaid(data.status)) return notPaid(data.status)
  const fee = readAppliedFee(data, account.currency)
  if (typeof fee === 'object') return notUnderstood(fee.problem)
  return describePayment(account, { ...data, service_fee_amount: fee }, 'query')
}

/**
 * Of one that is pending or has failed, and of the reference that was asked about: a sound answer, of which nothing follows.
 */
export function isUnpaid(content: unknown, reference: string): boolean {
  const { success, data } = paymentStatusSchema.safeParse(content)
  if (!success || data.merchant_transaction_id !== reference) return false
  const status = statuses.get(data.status.toLowerCase())
  return status !== undefined && status !== 'succeeded'
}

/**
 * A query has two fees: the fixed one, and the one that was applied. Which of them a callback has is not documented, so
 * where they differ none is taken: compared with the wrong one, every such pay-in would contradict its callback.
 */
function readAppliedFee(
  { service_fee_amount: fixed, service_fee_final: applied }: PaymentStatus,
  currency: string,
): string | undefined | { problem: string } {
  if (!applied || !fixed) return applied || fixed || undefined
  const [a, b] = [parseProviderAmount(applied, currency), parseProviderAmount(fixed, currency)]
  if (!a.ok) return { problem: inexact('service_fee_final', a.problem) }
  if (!b.ok) return { problem: inexact('service_fee_amount', b.problem) }
  return a.money.minor === b.money.minor ? applied : undefined
}
