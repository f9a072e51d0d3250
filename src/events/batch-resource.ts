import { z } from 'zod'
import { type Batch, type BatchFigures, type BatchTotals, batchStates, emptyTotals } from '../domain/batch.ts'
import { transferStates } from '../domain/transfer.ts'
import {
  baseFields,
  moneySchema,
  presentBase,
  presentMoney,
  presentSending,
  sendingFields,
} from './shared-resource.ts'

const totalSchema = z.object({ count: z.number().int(), amount: moneySchema })

export const figuresSchema = z.object({
  count: z.number().int().optional(),
  amount: moneySchema.optional(),
  succeededCount: z.number().int().optional(),
  succeededAmount: moneySchema.optional(),
  failedCount: z.number().int().optional(),
  failedAmount: moneySchema.optional(),
})

const wechatpaySchema = z.object({
  authorizationType: z.string(),
  subMchid: z.string(),
  subAppid: z.string().optional(),
  spAppid: z.string().optional(),
  purpose: z.string().optional(),
  scene: z.string().optional(),
})

export const batchSchema = z.object({
  ...baseFields,
  ...sendingFields,
  name: z.string(),
  remark: z.string(),
  state: z.enum(batchStates),
  count: z.number().int(),
  amount: moneySchema,
  totals: z.partialRecord(z.enum(transferStates), totalSchema).meta({
    description: 'By state of the transfers; a state that none is in is left out.',
  }),
  figures: figuresSchema.optional().meta({ description: 'The provider’s own figures, beside ours.' }),
  drifted: z.boolean().meta({
    description:
      'The provider’s figures and ours cannot both be right, or ours are not what the transfers come to.',
  }),
  providerReference: z.string().optional(),
  closeReason: z.string().optional(),
  wechatpay: wechatpaySchema.optional(),
})
export type BatchResource = z.infer<typeof batchSchema>

export function presentBatch(batch: Batch, totals: BatchTotals = emptyTotals()): BatchResource {
  return Object.assign(presentBase(batch), presentSending(batch), {
    name: batch.name,
    remark: batch.remark,
    state: batch.state,
    count: batch.count,
    amount: presentMoney(batch.amount),
    totals: presentTotals(totals, batch.amount.currency),
    figures: batch.figures && presentFigures(batch.figures),
    drifted: batch.drifted !== undefined || batch.miscounted !== undefined,
    providerReference: batch.providerReference,
    closeReason: batch.closeReason,
    wechatpay: batch.wechatpay,
  })
}

function presentTotals(totals: BatchTotals, currency: string): BatchResource['totals'] {
  const present = transferStates.filter((state) => totals[state].count > 0)
  return Object.fromEntries(
    present.map((state) => {
      const { count, minor } = totals[state]
      return [state, { count, amount: presentMoney({ minor, currency }) }]
    }),
  )
}

function presentFigures({ amount, succeededAmount, failedAmount, ...counts }: BatchFigures) {
  return {
    ...counts,
    amount: amount && presentMoney(amount),
    succeededAmount: succeededAmount && presentMoney(succeededAmount),
    failedAmount: failedAmount && presentMoney(failedAmount),
  }
}
