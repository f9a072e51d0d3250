/**
 * What `POST /v1/coupons` takes, within the limits of WeChat Pay's multi-use coupons. Every fault is found at once, also
 * one that shows only beside the account, and nothing is stored while there is one.
 */
import { z } from 'zod'
import type { FieldError } from '../../domain/errors.ts'
import type { Money } from '../../domain/money.ts'
import type { AccountTerms } from './account-terms.ts'
import { takenAs } from './operation.ts'
import { findSendFault, startedElsewhere } from './sending-terms.ts'
import { identifier, line, moneySchema } from './transfer-request.ts'

/** What has to be known of an account. */
export type CouponTerms = Pick<AccountTerms, 'currency' | 'coupons' | 'client'>

/** What fits into one block of RSA-OAEP under a 2048-bit key: the provider takes name and number encrypted so. */
const encryptedBytesMax = 214

const fitsEncryption = (text: string) => Buffer.byteLength(text) <= encryptedBytesMax

/** WeChat Pay's `out_request_no`. */
const referenceSchema = z
  .string()
  .regex(/^[A-Za-z0-9|_*-]{1,128}$/, 'It must be up to 128 letters, digits and | _ * - signs.')

export interface CouponRequest {
  account: string
  reference: string
  stockId: string
  openid: string
  appid: string
  amount?: Money | undefined
  name: string
  idCard: string
  providerReference?: string | undefined
  /** Granted at once; no part of the content. */
  submit?: boolean | undefined
}

/** `content`: the request itself, whose account says what else it may hold. */
export function couponRequestSchema(accounts: ReadonlyMap<string, CouponTerms>, content: unknown) {
  const terms = accounts.get(String(Object(content).account))
  const isToBeSent = Object(content).submit === true
  return z.strictObject({
    account: identifier(64).superRefine((_, context) => {
      const issue = describeAccount(terms)
      if (issue) context.addIssue({ code: 'custom', params: { code: issue.code }, message: issue.message })
    }),
    reference: referenceSchema,
    stockId: identifier(20).meta({ description: 'Of the coupon’s stock at WeChat Pay.' }),
    openid: identifier(128),
    appid: identifier(32),
    amount: moneyIn(terms?.currency).optional(),
    name: line(128).refine(fitsEncryption, `It must be no longer than ${encryptedBytesMax} bytes in UTF-8.`),
    idCard: identifier(32),
    providerReference: identifier(128)
      .superRefine((_, context) => addFaults(context, isToBeSent ? [startedElsewhere] : []))
      .optional(),
    submit: z
      .boolean()
      .superRefine((submit, context) => {
        const fault = submit && terms?.coupons ? findSendFault(terms, 'coupon') : undefined
        addFaults(context, fault ? [fault] : [])
      })
      .optional(),
  })
}

function addFaults(context: z.RefinementCtx, faults: readonly FieldError[]): void {
  for (const { code, message } of faults) context.addIssue({ code: 'custom', params: { code }, message })
}

/** Whether the currency is the account's is looked at also where the value is no amount. */
function moneyIn(currency: string | undefined) {
  const schema = z.looseObject({}).transform((fields, context): Money => {
    const parsed = moneySchema.safeParse(fields)
    for (const issue of parsed.error?.issues ?? []) context.issues.push({ ...issue, input: undefined })
    const { currency: asked } = fields
    if (currency !== undefined && typeof asked === 'string' && asked !== currency) {
      const message = `The account pays in ${currency}.`
      context.addIssue({ code: 'custom', path: ['currency'], params: { code: 'wrong-currency' }, message })
    }
    return parsed.data ?? z.NEVER
  })
  return takenAs(schema, moneySchema)
}

function describeAccount(terms: CouponTerms | undefined): { code: string; message: string } | undefined {
  if (!terms) return { code: 'unknown-account', message: 'There is no such account.' }
  if (terms.coupons) return undefined
  return { code: 'wrong-provider', message: 'The account’s provider grants no coupons; WeChat Pay does.' }
}

/** The same content gives the same text; its digest tells a repeated registration from another one. */
export function canonicalCoupon(request: CouponRequest): string {
  const { account, reference, stockId, openid, appid, amount, name, idCard, providerReference } = request
  return JSON.stringify([
    account,
    reference,
    stockId,
    openid,
    appid,
    amount ? [amount.minor.toString(), amount.currency] : null,
    name,
    idCard,
    providerReference ?? null,
  ])
}
