/** A batch as a whole: that it was taken, and what has become of it. */
import { z } from 'zod'
import type { ObservedBatchStatus } from '../../domain/observation.ts'
import type { Asked } from '../../domain/receipt.ts'
import { parseTime } from '../../domain/time.ts'
import { identifier, optionalText, text } from '../fields.ts'
import { notUnderstood, type Translation } from '../provider.ts'
import { describeIssues } from '../read-json.ts'
import type { WechatpayAccount } from './account.ts'
import { batchFields, describeBatch } from './translate-batch.ts'

const acceptedSchema = z.object({ out_batch_no: text, batch_id: identifier, create_time: optionalText })

/** That it was accepted says nothing about the money. */
export function translateAccepted(
  account: WechatpayAccount,
  value: unknown,
  { reference }: Asked,
): Translation {
  const read = acceptedSchema.safeParse(value)
  if (!read.success) return notUnderstood(`The answer ${describeIssues(read.error)}`)
  const { out_batch_no, batch_id, create_time } = read.data
  if (out_batch_no !== reference) return notUnderstood('out_batch_no is not that of the order.')
  const occurredAt = create_time ? parseTime(create_time) : undefined
  return {
    outcome: 'understood',
    observation: {
      kind: 'batch',
      source: 'submission',
      account: account.id,
      reference,
      status: 'accepted',
      providerReference: batch_id,
      ...(occurredAt !== undefined && { occurredAt }),
    },
  }
}

const statuses = new Map<string, ObservedBatchStatus>([
  ['WAIT_PAY', 'accepted'],
  ['ACCEPTED', 'accepted'],
  ['PROCESSING', 'processing'],
  ['FINISHED', 'finished'],
  ['CLOSED', 'closed'],
])

const batchSchema = z.object({ ...batchFields, sp_mchid: text, batch_status: text })

export function translateBatchAnswer(
  account: WechatpayAccount,
  value: unknown,
  { reference }: Asked,
): Translation {
  const read = batchSchema.safeParse(value)
  if (!read.success) return notUnderstood(`The answer ${describeIssues(read.error)}`)
  const { data: batch } = read
  if (batch.sp_mchid !== account.mchid)
    return notUnderstood('The batch belongs to another merchant than the account.')
  if (batch.out_batch_no !== reference) return notUnderstood('out_batch_no is not what was asked about.')
  const status = statuses.get(batch.batch_status)
  if (!status)
    return notUnderstood(`The batch_status ${JSON.stringify(batch.batch_status.slice(0, 32))} is not known.`)
  return describeBatch(account, batch, { source: 'query', status })
}
