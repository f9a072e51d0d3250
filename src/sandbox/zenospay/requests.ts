/** What Zenospay takes, as its documents say it, and no more than that. */
import { z } from 'zod'

export interface InquiryRules {
  /** The documents say 12. */
  accountNumberDigitsMax: number
}

const amountMax = 999_999_999_999
const bankCode = /^(?:[0-9]{3}|ovo|dana|gopay|shopeepay|linkaja)$/

export function createInquirySchema({ accountNumberDigitsMax: digits }: InquiryRules) {
  return z.object({
    merchant_transaction_id: z.string().min(1).max(255),
    bank_code: z.string().regex(bankCode),
    /** Whole rupiah of 1 to 12 digits, and a number. */
    amount: z.int().min(1).max(amountMax),
    account_number: z
      .string()
      .regex(/^[0-9]+$/)
      .max(digits),
    customer_name: z.string().regex(/^[a-zA-Z0-9 -]{5,25}$/),
  })
}
export type Inquiry = z.output<ReturnType<typeof createInquirySchema>>

export const transferSchema = z.object({ inquiry_id: z.string().min(1), force: z.boolean().default(false) })
export const checkPayoutSchema = z.object({ merchant_transaction_id: z.string().min(1) })
export const checkPaymentSchema = z
  .object({ merchant_transaction_id: z.string().min(1), rrn: z.string().min(1) })
  .partial()
  .refine(({ merchant_transaction_id: reference, rrn }) => reference !== undefined || rrn !== undefined)

/** Not of Zenospay: how a pay-in is made to happen here. */
export const paymentSchema = z.strictObject({
  reference: z.string().min(1).max(255),
  amount: z.string().regex(/^[1-9][0-9]{0,11}(?:\.00)?$/),
})

/** As the framework behind it words them: the first field that is wrong. */
export function describeProblem({ issues }: z.ZodError): string {
  const field = issues[0]?.path.join('.').replaceAll('_', ' ')
  return field ? `The ${field} field is invalid.` : 'The given data was invalid.'
}
