/** What every resource has in common. */
import { z } from 'zod'
import { failureCodes } from '../domain/failure.ts'
import { holdReasons, type Intent } from '../domain/intent.ts'
import { formatAmount, type Money } from '../domain/money.ts'
import { type Submission, submissionSteps } from '../domain/submission.ts'
import { formatTime } from '../domain/time.ts'

export const moneySchema = z.object({ value: z.string(), currency: z.string() })
export type MoneyResource = z.infer<typeof moneySchema>

export const failureSchema = z.object({ code: z.enum(failureCodes), reason: z.string().optional() })

/** What was personal, after its key was thrown away. */
export const erasedSchema = z.object({ erased: z.literal(true) })
export const erased = { erased: true } as const

export const baseFields = {
  id: z.string(),
  account: z.string(),
  reference: z.string(),
  held: z.boolean(),
  hold: z.object({ reason: z.enum(holdReasons), at: z.string(), case: z.string() }).optional(),
  sequence: z.number().int(),
  createdAt: z.string(),
  updatedAt: z.string(),
}

export function presentBase({ id, account, reference, hold, sequence, createdAt, updatedAt }: Intent) {
  return {
    id,
    account,
    reference,
    held: hold !== undefined,
    hold: hold && { reason: hold.reason, at: formatTime(hold.at), case: hold.case },
    sequence,
    createdAt: formatTime(createdAt),
    updatedAt: formatTime(updatedAt),
  }
}

/** Of what we can send ourselves. */
export const sendingFields = {
  /** How far it has come on its way to the provider; missing where we do not send it. */
  submission: z
    .object({
      step: z.enum(submissionSteps),
      since: z.string(),
      force: z.literal(true).optional(),
      /** How long what was set aside stays so. */
      validUntil: z.string().optional(),
      /** Why a batch was refused. */
      failure: failureSchema.optional(),
    })
    .optional(),
  /** It takes longer than its account allows. */
  overdue: z.literal(true).optional(),
}

export function presentSending({ submission, overdue }: Pick<Intent, 'submission' | 'overdue'>) {
  return { submission: submission && presentSubmission(submission), overdue }
}

function presentSubmission({ step, at, force, validUntil, failure }: Submission) {
  return { step, since: formatTime(at), force, validUntil: presentTime(validUntil), failure }
}

export function presentMoney(money: Money): MoneyResource {
  return { value: formatAmount(money), currency: money.currency }
}

export function presentTime(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : formatTime(ms)
}
