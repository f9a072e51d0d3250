/** `disbursement.completed`: a payout. It has neither a fee nor a reason; only a status query has those. */
import { z } from 'zod'
import { parseProviderAmount } from '../../domain/money.ts'
import type { ObservedStatus } from '../../domain/observation.ts'
import { parseTime } from '../../domain/time.ts'
import { optionalText, text } from '../fields.ts'
import { notUnderstood, type Translation } from '../provider.ts'
import { describeIssues } from '../read-json.ts'
import type { ZenospayAccount } from './account.ts'

/** In lower case; they come in any. Pending and processing are not final: the money may still go either way. */
export const statuses: ReadonlyMap<string, ObservedStatus> = new Map<string, ObservedStatus>([
  ['success', 'succeeded'],
  ['fail', 'failed'],
  ['pending', 'processing'],
  ['processing', 'processing'],
])

const disbursementSchema = z.object({
  data: z.object({
    id: text,
    merchant_transaction_id: text,
    amount: text,
    account_number: text.nullish(),
    account_name: optionalText,
    status: text,
    updated_at: text.nullish(),
  }),
})
type Disbursement = z.output<typeof disbursementSchema>['data']

export function translateDisbursement(account: ZenospayAccount, body: unknown): Translation {
  const read = disbursementSchema.safeParse(body)
  if (!read.success) return notUnderstood(`The body ${describeIssues(read.error)}`)
  const { data } = read.data
  const status = statuses.get(data.status.toLowerCase())
  if (!status) return notUnderstood(`The status ${JSON.stringify(data.status.slice(0, 32))} is not known.`)
  const amount = parseProviderAmount(data.amount, account.currency)
  if (!amount.ok) return notUnderstood(`The amount cannot be read exactly (${amount.problem}).`)
  const occurredAt = data.updated_at ? parseTime(data.updated_at) : undefined
  if (data.updated_at && occurredAt === undefined) return notUnderstood('updated_at is not a time.')
  return {
    outcome: 'understood',
    observation: {
      kind: 'transfer',
      source: 'callback',
      account: account.id,
      reference: data.merchant_transaction_id,
      status,
      providerReference: data.id,
      amount: amount.money,
      ...describePayee(data),
      ...(status === 'failed' && { failure: { code: 'declined-by-provider' } }),
      ...(occurredAt !== undefined && { occurredAt }),
    },
  }
}

function describePayee({ account_number: number, account_name: name }: Disbursement) {
  if (!number && !name) return {}
  return { payee: { kind: 'bank' as const, ...(number && { number }), ...(name && { name }) } }
}
