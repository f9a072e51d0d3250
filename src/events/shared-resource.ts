/** What every resource has in common. */
import { z } from 'zod'
import { failureCodes } from '../domain/failure.ts'
import { holdReasons, type Intent } from '../domain/intent.ts'
import { formatAmount, type Money } from '../domain/money.ts'
import { type Submission, submissionSteps } from '../domain/submission.ts'
import { formatTime } from '../domain/time.ts'

/** A moment. */
export const timeSchema = z.string().meta({ format: 'date-time' })

export const moneySchema = z.object({
  value: z
    .string()
    .meta({ description: 'A plain decimal with the decimals of its currency.', examples: ['25000.00'] }),
  currency: z.string().meta({ description: 'ISO 4217.', examples: ['IDR'] }),
})
export type MoneyResource = z.infer<typeof moneySchema>

export const failureSchema = z.object({ code: z.enum(failureCodes), reason: z.string().optional() })

/** What was personal, after its key was thrown away. */
export const erasedSchema = z.object({ erased: z.literal(true) })
export const erased = { erased: true } as const

export const baseFields = {
  id: z.string(),
  account: z.string(),
  reference: z.string().meta({ description: 'Yours: unique in the account.' }),
  held: z.boolean().meta({ description: 'A person has to decide before it goes on.' }),
  hold: z
    .object({ reason: z.enum(holdReasons), at: timeSchema, case: z.string() })
    .optional()
    .meta({ description: 'Why, since when, and the case that decides.' }),
  sequence: z.number().int().meta({ description: 'How many events it has had: that of the last one.' }),
  createdAt: timeSchema,
  updatedAt: timeSchema,
}

/**
 * What stands in front of the rest of a resource. Taken over by `Object.assign`: where a literal of so many fields begins with
 * a spread, V8 makes a dictionary of it, at twenty times the cost of all else that there is to do for an event.
 */
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
  submission: z
    .object({
      step: z.enum(submissionSteps),
      since: timeSchema,
      force: z.literal(true).optional().meta({ description: 'Sent though nobody confirms the name.' }),
      validUntil: timeSchema.optional().meta({ description: 'How long what was set aside stays so.' }),
      failure: failureSchema.optional().meta({ description: 'Why a batch was refused.' }),
    })
    .optional()
    .meta({
      description: 'How far it has come on its way to the provider; missing where we do not send it.',
    }),
  overdue: z.literal(true).optional().meta({ description: 'It takes longer than its account allows.' }),
}

export function presentSending({
  state,
  submission,
  overdue,
}: Pick<Intent, 'state' | 'submission' | 'overdue'>) {
  // What was called off while it waited is never sent.
  const isOff = state === 'cancelled' && submission?.step === 'waiting'
  return { submission: submission && !isOff ? presentSubmission(submission) : undefined, overdue }
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
