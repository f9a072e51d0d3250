/**
 * A page of a batch, cut into what it says of each transfer: its own fields, with what it takes of the batch to read them
 * alone. The signature is over the page, so an excerpt cannot be proved again.
 */
import { z } from 'zod'
import { optionalText, text } from '../fields.ts'
import { describeIssues, readJson } from '../read-json.ts'
import type { WechatpayAccount } from './account.ts'
import { readCount } from './fields.ts'
import { pageSize } from './paths.ts'

const pageSchema = z.object({
  sp_mchid: text,
  out_batch_no: text,
  batch_id: text,
  /** Of a batch alone; a transfer has other words. */
  batch_status: text,
  total_num: optionalText,
  update_time: optionalText,
  transfer_detail_list: z
    .array(z.looseObject({ out_detail_no: text }))
    .max(10_000)
    .nullish(),
})

export interface Page {
  excerpts: { reference: string; body: Buffer }[]
  /** Where it goes on. */
  next?: number
}

/** Before a batch is finished it lists nothing. */
export function readPage(
  account: WechatpayAccount,
  body: Buffer,
  { reference, from }: { reference: string; from: number },
): Page | { problem: string } {
  const parsed = readJson(body)
  if ('problem' in parsed) return { problem: `The answer ${parsed.problem}` }
  const read = pageSchema.safeParse(parsed.value)
  if (!read.success) return { problem: `The answer ${describeIssues(read.error)}` }
  const { transfer_detail_list: details, total_num, update_time, batch_status: _, ...batch } = read.data
  if (batch.sp_mchid !== account.mchid)
    return { problem: 'The batch belongs to another merchant than the account.' }
  if (batch.out_batch_no !== reference) return { problem: 'out_batch_no is not what was asked about.' }
  const excerpts = (details ?? []).map((detail) => ({
    reference: detail.out_detail_no,
    body: Buffer.from(JSON.stringify({ update_time, ...detail, ...batch })),
  }))
  const next = from + excerpts.length
  const isLast =
    excerpts.length < pageSize || next >= (readCount(total_num ?? '') ?? Number.POSITIVE_INFINITY)
  return { excerpts, ...(!isLast && { next }) }
}
