/** What `POST /v1/transfers` takes. Every fault is found at once, and nothing is stored while there is one. */
import { z } from 'zod'
import type { FieldError } from '../../domain/errors.ts'
import { type AmountProblem, type Money, parseAmount } from '../../domain/money.ts'
import type { Beneficiary } from '../../domain/transfer.ts'
import { type AccountTerms, checkTransfer, invalidRequest, unknownAccount } from './account-terms.ts'
import { takenAs } from './operation.ts'
import { checkSubmitFields, findSendFault } from './sending-terms.ts'
import { explain, readFields, toFieldErrors } from './validate.ts'

/** One line of printable text: what stands in a log line or a console must not be able to break it. */
export const line = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[^\p{Cc}\p{Cs}\u2028\u2029]+$/u, 'It must be one line of printable text.')

export const identifier = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[\x21-\x7e]+$/, 'It must be printable ASCII without spaces.')

const amountMessages: Record<AmountProblem, string> = {
  'unknown-currency': 'The currency is not an ISO 4217 code that is known.',
  'not-a-decimal': 'It must be a plain decimal, as "25000.00": no sign, no exponent, no leading zeros.',
  'too-many-decimals': 'It has more decimals than the currency.',
  'too-large': 'It has more digits than any real amount.',
}

export const moneySchema = z
  .strictObject({ value: z.string(), currency: z.string() })
  .transform(({ value, currency }, context): Money => {
    const parsed = parseAmount(value, currency)
    if (!parsed.ok) {
      const path = parsed.problem === 'unknown-currency' ? 'currency' : 'value'
      context.addIssue({
        code: 'custom',
        path: [path],
        params: { code: parsed.problem },
        message: amountMessages[parsed.problem],
      })
      return z.NEVER
    }
    if (parsed.money.minor === 0n) {
      context.addIssue({
        code: 'custom',
        path: ['value'],
        params: { code: 'not-positive' },
        message: 'It must be more than zero.',
      })
      return z.NEVER
    }
    return parsed.money
  })

export const bankSchema = z
  .strictObject({ bankCode: identifier(32), accountNumber: identifier(64), name: line(128) })
  .transform((fields): Beneficiary => ({ kind: 'bank', ...fields }))

export const wechatpaySchema = z
  .strictObject({
    openid: identifier(128),
    name: line(128).optional(),
    idCard: identifier(32).optional(),
  })
  .transform(({ openid, name, idCard }): Beneficiary => {
    return { kind: 'wechatpay', openid, ...(name && { name }), ...(idCard && { idCard }) }
  })

/** A union would only say that neither form fits; which one is meant shows in `openid`, and its own faults are told. */
export const beneficiarySchema = takenAs(
  z.looseObject({}).transform((fields, context): Beneficiary => {
    const parsed = ('openid' in fields ? wechatpaySchema : bankSchema).safeParse(fields)
    if (parsed.success) return parsed.data
    for (const issue of parsed.error.issues) context.issues.push({ ...issue, input: undefined })
    return z.NEVER
  }),
  z.union([bankSchema, wechatpaySchema]),
)

const metadataSchema = z
  .record(z.string().min(1).max(64), z.string().max(512))
  .refine((value) => Object.keys(value).length <= 32, {
    message: 'It holds at most 32 entries.',
  })

export const transferRequestSchema = z.strictObject({
  account: identifier(64),
  reference: identifier(128).meta({ description: 'Yours: registered once in the account.' }),
  amount: moneySchema,
  beneficiary: beneficiarySchema,
  providerReference: identifier(128).optional().meta({ description: 'Of one that was started elsewhere.' }),
  batch: identifier(64).optional().meta({ description: 'The id of a batch that takes more.' }),
  metadata: metadataSchema.optional().meta({ description: 'Yours; at most 32 entries.' }),
  remark: line(128).optional().meta({ description: 'What the beneficiary is told beside the money.' }),
  submit: z.boolean().optional().meta({ description: 'Sent at once; no part of the content.' }),
  force: z.boolean().optional().meta({
    description: 'Sent though nobody confirms the beneficiary’s name; no part of the content.',
  }),
})
export type TransferRequest = z.output<typeof transferRequestSchema>

/** With every fault at once, also those that show only beside the account. */
export function readTransferRequest(
  input: unknown,
  accounts: ReadonlyMap<string, AccountTerms>,
): TransferRequest {
  const parsed = transferRequestSchema.safeParse(input, { error: explain })
  const fields = readFields(transferRequestSchema.shape, input)
  const terms = fields.account === undefined ? undefined : accounts.get(fields.account)
  const faults = [
    ...(parsed.error?.issues.flatMap(toFieldErrors) ?? []),
    ...(fields.account !== undefined && !terms ? [unknownAccount] : []),
    ...(terms ? checkBeside(terms, fields) : []),
    ...checkSubmitFields(fields),
  ]
  if (faults.length > 0 || !parsed.success) throw invalidRequest(faults)
  return parsed.data
}

function checkBeside(terms: AccountTerms, fields: Partial<TransferRequest>): FieldError[] {
  const { reference, amount, beneficiary, remark, submit } = fields
  const sending = submit ? findSendFault(terms, 'transfer') : undefined
  const isWhole = reference !== undefined && amount && beneficiary
  return [
    ...(isWhole ? checkTransfer(terms, { reference, amount, beneficiary, remark }) : []),
    ...(sending ? [sending] : []),
  ]
}

/**
 * The same content gives the same text, whatever the order of its fields; its digest tells a repeated registration from
 * another one under the same reference.
 */
export function canonicalContent(request: TransferRequest): string {
  const { account, reference, amount, beneficiary, providerReference, batch, metadata, remark } = request
  return JSON.stringify([
    account,
    reference,
    amount.minor.toString(),
    amount.currency,
    Object.entries(beneficiary).sort(byKey),
    providerReference ?? null,
    Object.entries(metadata ?? {}).sort(byKey),
    ...(batch === undefined ? [] : [batch]),
    // Not as bare text, which could be a batch.
    ...(remark === undefined ? [] : [{ remark }]),
  ])
}

export function byKey([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1
}
