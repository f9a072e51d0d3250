/** `POST /api/check/inquiry`: how a payout stands. It alone has the reason of a failure and the fee that was taken. */
import { z } from 'zod'
import { parseProviderAmount } from '../../domain/money.ts'
import { parseTime } from '../../domain/time.ts'
import { optionalText, text } from '../fields.ts'
import { notUnderstood, type Translation } from '../provider.ts'
import { describeIssues } from '../read-json.ts'
import type { ZenospayAccount } from './account.ts'
import { describeFailure } from './failure-codes.ts'
import { statuses } from './translate-disbursement.ts'

const statusSchema = z.object({
  status: text,
  updated_at: optionalText,
  merchant_transaction_id: text,
  amount: text,
  account_number: optionalText,
  /** However long it is, or whatever: no success is doubted because of it. */
  reason: z.unknown().optional(),
  service_fee_final: optionalText,
})

export function translateStatus(
  account: Pick<ZenospayAccount, 'id' | 'currency'>,
  content: unknown,
  reference: string,
): Translation {
  const read = statusSchema.safeParse(content)
  if (!read.success) return notUnderstood(`data ${describeIssues(read.error)}`)
  const { data } = read
  if (data.merchant_transaction_id !== reference)
    return notUnderstood('merchant_transaction_id is another than was asked about.')
  const status = statuses.get(data.status.toLowerCase())
  if (!status) return notUnderstood(`The status ${JSON.stringify(data.status.slice(0, 32))} is not known.`)
  const amount = parseProviderAmount(data.amount, account.currency)
  if (!amount.ok) return notUnderstood(`The amount cannot be read exactly (${amount.problem}).`)
  const fee = data.service_fee_final
    ? parseProviderAmount(data.service_fee_final, account.currency)
    : undefined
  if (fee && !fee.ok) return notUnderstood(`The fee cannot be read exactly (${fee.problem}).`)
  const updatedAt = data.updated_at ? parseTime(data.updated_at) : undefined
  if (data.updated_at && updatedAt === undefined) return notUnderstood('updated_at is not a time.')
  const reason = typeof data.reason === 'string' ? data.reason : undefined
  return {
    outcome: 'understood',
    observation: {
      kind: 'transfer',
      source: 'query',
      account: account.id,
      reference,
      status,
      amount: amount.money,
      ...(data.account_number && { payee: { kind: 'bank', number: data.account_number } }),
      ...(fee && { fee: fee.money }),
      ...(status === 'failed' && { failure: describeFailure(reason) }),
      ...(updatedAt !== undefined && { occurredAt: toSecond(updatedAt) }),
    },
  }
}

/** Callbacks have whole seconds. A query's fraction would make the same moment look later than a callback has it. */
function toSecond(ms: number): number {
  return ms - (ms % 1000)
}
