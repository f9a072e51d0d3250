/**
 * What a genuine callback says, in our words. The two documentations disagree about the form of amounts, statuses and
 * times, and every form is read; what is not read for certain is not understood, and kept for a person.
 */
import { z } from 'zod'
import { parseProviderAmount } from '../../domain/money.ts'
import type { ObservedStatus } from '../../domain/observation.ts'
import { parseTime } from '../../domain/time.ts'
import type { Translation } from '../provider.ts'
import { describeIssues, readJson } from '../read-json.ts'
import type { ZenospayAccount } from './account.ts'

/** Any case. Pending and processing are not final: the money may still go either way. */
const statuses = new Map<string, ObservedStatus>([
  ['success', 'succeeded'],
  ['fail', 'failed'],
  ['pending', 'processing'],
  ['processing', 'processing'],
])

const text = z.string().min(1).max(256)

const envelopeSchema = z.object({ event: text })
const disbursementSchema = z.object({
  data: z.object({
    id: text,
    merchant_transaction_id: text,
    amount: text,
    account_number: text.nullish(),
    status: text,
    updated_at: text.nullish(),
  }),
})

export function translateCallback(account: ZenospayAccount, body: Buffer): Translation {
  const parsed = readJson(body)
  if ('problem' in parsed) return notUnderstood(`The body ${parsed.problem}`)
  const envelope = envelopeSchema.safeParse(parsed.value)
  if (!envelope.success) return notUnderstood(`The body ${describeIssues(envelope.error)}`)
  if (envelope.data.event.toLowerCase() !== 'disbursement.completed') {
    return notUnderstood(
      `The event ${JSON.stringify(envelope.data.event.slice(0, 64))} is not one that is handled.`,
    )
  }
  const disbursement = disbursementSchema.safeParse(parsed.value)
  if (!disbursement.success) return notUnderstood(`The body ${describeIssues(disbursement.error)}`)
  return translateDisbursement(account, disbursement.data.data)
}

function translateDisbursement(
  account: ZenospayAccount,
  data: z.infer<typeof disbursementSchema>['data'],
): Translation {
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
      ...(data.account_number && { payee: { kind: 'bank', number: data.account_number } }),
      ...(status === 'failed' && { failure: { code: 'declined-by-provider' } }),
      ...(occurredAt !== undefined && { occurredAt }),
    },
  }
}

function notUnderstood(reason: string): Translation {
  return { outcome: 'not-understood', reason }
}
