import { z } from 'zod'
import { type Transfer, type TransferSecrets, transferStates } from '../domain/transfer.ts'
import {
  baseFields,
  erased,
  erasedSchema,
  failureSchema,
  moneySchema,
  presentBase,
  presentMoney,
  presentSending,
  presentTime,
  sendingFields,
  timeSchema,
} from './shared-resource.ts'

export const beneficiarySchema = z.union([
  z.object({ bankCode: z.string(), accountNumber: z.string(), name: z.string() }),
  z.object({ openid: z.string(), name: z.string().optional(), idCard: z.string().optional() }),
  erasedSchema,
])

export const transferSchema = z.object({
  ...baseFields,
  ...sendingFields,
  amount: moneySchema,
  beneficiary: beneficiarySchema,
  state: z.enum(transferStates),
  batch: z.string().optional().meta({ description: 'The id of the batch that it is in.' }),
  remark: z.string().optional(),
  providerReference: z.string().optional().meta({ description: 'The provider’s own number.' }),
  fee: moneySchema.optional(),
  failure: failureSchema.optional(),
  settledAt: timeSchema.optional(),
  settledAmount: moneySchema.optional().meta({
    description: 'What moved in truth, where a person decided that it was another amount than registered.',
  }),
  metadata: z.record(z.string(), z.string()).optional(),
})
export type TransferResource = z.infer<typeof transferSchema>

export function presentTransfer(transfer: Transfer, secrets: TransferSecrets | undefined): TransferResource {
  const { fee, settledAmount } = transfer
  return Object.assign(presentBase(transfer), presentSending(transfer), {
    amount: presentMoney(transfer.amount),
    beneficiary: secrets ? presentBeneficiary(secrets) : erased,
    state: transfer.state,
    batch: transfer.batch,
    remark: secrets?.remark,
    providerReference: transfer.providerReference,
    fee: fee && presentMoney(fee),
    failure: transfer.failure,
    settledAt: presentTime(transfer.settledAt),
    settledAmount: settledAmount && presentMoney(settledAmount),
    metadata: secrets?.metadata,
  })
}

function presentBeneficiary({ beneficiary: { kind: _, ...fields } }: TransferSecrets) {
  return fields
}
