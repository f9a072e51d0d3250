/**
 * `MCHTRANSFER.BATCH.FINISHED` and `.CLOSED`: what WeChat Pay says of a batch as a whole. Finished means that every
 * transfer of it is final, not that every one was paid; which ones were, only a query tells.
 */
import { z } from 'zod'
import type { BatchFigures } from '../../domain/batch.ts'
import type { ObservedBatchStatus } from '../../domain/observation.ts'
import { parseTime } from '../../domain/time.ts'
import { identifier, optionalText, text } from '../fields.ts'
import { notUnderstood, type Translation } from '../provider.ts'
import { describeIssues } from '../read-json.ts'
import type { WechatpayAccount } from './account.ts'
import { isOfAnother, merchantFields, readCount, readFen, readWord } from './fields.ts'

const observed = { FINISHED: 'finished', CLOSED: 'closed' } as const
type BatchStatus = keyof typeof observed

const figureFields = {
  total_num: optionalText,
  total_amount: optionalText,
  success_num: optionalText,
  success_amount: optionalText,
  fail_num: optionalText,
  fail_amount: optionalText,
}
type FigureFields = z.output<z.ZodObject<typeof figureFields>>

/** What callbacks and answers say of a batch in the same words. */
export const batchFields = {
  ...figureFields,
  out_batch_no: text,
  batch_id: identifier,
  close_reason: optionalText,
  update_time: optionalText,
}

const batchSchema = z.object({ ...merchantFields, ...batchFields, batch_status: optionalText })

/** `status` is the event's; the batch must not say another. */
export function translateBatch(
  account: WechatpayAccount,
  resource: unknown,
  status: BatchStatus,
): Translation {
  const read = batchSchema.safeParse(resource)
  if (!read.success) return notUnderstood(`The decrypted resource ${describeIssues(read.error)}`)
  const { data: batch } = read
  if (isOfAnother(account, batch))
    return notUnderstood('The batch belongs to another merchant than the account.')
  if (batch.batch_status && batch.batch_status !== status)
    return notUnderstood(
      `batch_status ${JSON.stringify(batch.batch_status.slice(0, 32))} is not the event’s.`,
    )
  return describeBatch(account, batch, { source: 'callback', status: observed[status] })
}

export function describeBatch(
  account: WechatpayAccount,
  batch: z.output<z.ZodObject<typeof batchFields>>,
  { source, status }: { source: 'callback' | 'query'; status: ObservedBatchStatus },
): Translation {
  const figures = readFigures(batch, account.currency)
  if ('problem' in figures) return notUnderstood(figures.problem)
  const occurredAt = batch.update_time ? parseTime(batch.update_time) : undefined
  if (batch.update_time && occurredAt === undefined) return notUnderstood('update_time is not a time.')
  const closeReason = status === 'closed' ? readWord(batch.close_reason) : undefined
  return {
    outcome: 'understood',
    observation: {
      kind: 'batch',
      source,
      account: account.id,
      reference: batch.out_batch_no,
      status,
      providerReference: batch.batch_id,
      ...(Object.keys(figures).length > 0 && { figures }),
      ...(closeReason !== undefined && { closeReason }),
      ...(occurredAt !== undefined && { occurredAt }),
    },
  }
}

const counts = [
  ['total_num', 'count'],
  ['success_num', 'succeededCount'],
  ['fail_num', 'failedCount'],
] as const
const amounts = [
  ['total_amount', 'amount'],
  ['success_amount', 'succeededAmount'],
  ['fail_amount', 'failedAmount'],
] as const

/** Whether they add up is not asked here: our own transfers are what they are compared with. */
function readFigures(batch: FigureFields, currency: string): BatchFigures | { problem: string } {
  const figures: BatchFigures = {}
  for (const [field, name] of counts) {
    const text = batch[field]
    const count = text ? readCount(text) : undefined
    if (text && count === undefined) return { problem: `${field} is not a whole number.` }
    if (count !== undefined) figures[name] = count
  }
  for (const [field, name] of amounts) {
    const text = batch[field]
    const amount = text ? readFen(text, currency) : undefined
    if (text && !amount) return { problem: `${field} is not a whole number of fen.` }
    if (amount) figures[name] = amount
  }
  return figures
}
