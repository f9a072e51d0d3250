/** The transfer as the API and the events show it. The schema is what documents and clients are made from. */
import { z } from 'zod'
import { formatAmount, type Money } from '../domain/money.ts'
import { formatTime } from '../domain/time.ts'
import { type Beneficiary, holdReasons, type Transfer, transferStates } from '../domain/transfer.ts'

export const moneySchema = z.object({ value: z.string(), currency: z.string() })
export type MoneyResource = z.infer<typeof moneySchema>

export const beneficiarySchema = z.union([
  z.object({ bankCode: z.string(), accountNumber: z.string(), name: z.string() }),
  z.object({ openid: z.string(), name: z.string().optional(), idCard: z.string().optional() }),
])

export const transferSchema = z.object({
  id: z.string(),
  account: z.string(),
  reference: z.string(),
  amount: moneySchema,
  beneficiary: beneficiarySchema,
  state: z.enum(transferStates),
  held: z.boolean(),
  hold: z.object({ reason: z.enum(holdReasons), at: z.string() }).optional(),
  sequence: z.number().int(),
  providerReference: z.string().optional(),
  fee: moneySchema.optional(),
  failure: z.object({ code: z.string(), reason: z.string().optional() }).optional(),
  settledAt: z.string().optional(),
  metadata: z.record(z.string(), z.string()).optional(),
  createdAt: z.string(),
  updatedAt: z.string(),
})
export type TransferResource = z.infer<typeof transferSchema>

export function presentTransfer(transfer: Transfer): TransferResource {
  const { hold, fee, settledAt } = transfer
  return {
    id: transfer.id,
    account: transfer.account,
    reference: transfer.reference,
    amount: presentMoney(transfer.amount),
    beneficiary: presentBeneficiary(transfer.beneficiary),
    state: transfer.state,
    held: hold !== undefined,
    hold: hold && { reason: hold.reason, at: formatTime(hold.at) },
    sequence: transfer.sequence,
    providerReference: transfer.providerReference,
    fee: fee && presentMoney(fee),
    failure: transfer.failure,
    settledAt: settledAt === undefined ? undefined : formatTime(settledAt),
    metadata: transfer.metadata,
    createdAt: formatTime(transfer.createdAt),
    updatedAt: formatTime(transfer.updatedAt),
  }
}

function presentMoney(money: Money): MoneyResource {
  return { value: formatAmount(money), currency: money.currency }
}

function presentBeneficiary({ kind: _, ...fields }: Beneficiary): TransferResource['beneficiary'] {
  return fields
}
