/** Both sides of a case, as `GET /v1/cases/{id}` shows them: what we know, and what each receipt said. */
import { z } from 'zod'
import { failureCodes } from '../../domain/failure.ts'
import { batchSchema, figuresSchema } from '../../events/batch-resource.ts'
import { erasedSchema, moneySchema } from '../../events/shared-resource.ts'

/** Of a number the last four letters at most; a name only for who may read transfers. */
export const maskedPayeeSchema = z.object({
  accountNumber: z.string().optional(),
  openid: z.string().optional(),
  name: z.string().optional(),
})

export const oursSchema = z.object({
  intent: z.string(),
  reference: z.string(),
  state: z.string(),
  held: z.boolean(),
  sequence: z.number().int(),
  amount: moneySchema.optional(),
  settledAmount: moneySchema.optional(),
  providerReference: z.string().optional(),
  /** Of a transfer. */
  beneficiary: z.union([erasedSchema, maskedPayeeSchema]).optional(),
  /** Of a batch. */
  count: z.number().int().optional(),
  totals: batchSchema.shape.totals.optional(),
  figures: figuresSchema.optional(),
  /** Of a coupon. */
  consumed: moneySchema.optional(),
  stockId: z.string().optional(),
  /** Of a pay-in. */
  fee: moneySchema.optional(),
  net: moneySchema.optional(),
  /** As of when, and by whose word, it is what it is. */
  asOf: z.string().optional(),
  receipt: z.string().optional(),
})

/** What one receipt said; `gone`, `erased` or `notReadable` where that cannot be told any more. */
export const sideSchema = z.object({
  receipt: z.string(),
  gone: z.literal(true).optional(),
  receivedAt: z.string().optional(),
  outcome: z.string().optional(),
  erased: z.literal(true).optional(),
  notReadable: z.string().optional(),
  source: z.string().optional(),
  occurredAt: z.string().optional(),
  reference: z.string().optional(),
  status: z.string().optional(),
  amount: moneySchema.optional(),
  fee: moneySchema.optional(),
  net: moneySchema.optional(),
  providerReference: z.string().optional(),
  beneficiary: maskedPayeeSchema.optional(),
  failure: z.object({ code: z.enum(failureCodes), reason: z.string().optional() }).optional(),
  closeReason: z.string().optional(),
  figures: figuresSchema.optional(),
  stockId: z.string().optional(),
  transaction: z.string().optional(),
  /** The fields in which it is not what we know. */
  differs: z.array(z.string()).optional(),
})

export const sidesSchema = z.object({
  ours: oursSchema.nullable(),
  /** The receipt that made it what it is. */
  known: sideSchema.optional(),
  theirs: z.array(sideSchema),
})
export type SidesResource = z.infer<typeof sidesSchema>
export type SideResource = z.infer<typeof sideSchema>
