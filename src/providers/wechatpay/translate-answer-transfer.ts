/** One transfer of a batch: asked about singly, or as a page of the batch lists it, which says less. */
import { z } from 'zod'
import type { ObservedStatus, SeenPayee, TransferObservation } from '../../domain/observation.ts'
import type { Asked } from '../../domain/receipt.ts'
import { parseTime } from '../../domain/time.ts'
import { identifier, optionalText, text } from '../fields.ts'
import { notUnderstood, type Translation } from '../provider.ts'
import { describeIssues } from '../read-json.ts'
import type { WechatpayAccount } from './account.ts'
import { describeFailure } from './failure-codes.ts'
import { readFen } from './fields.ts'
import { decryptField } from './sensitive-field.ts'

const statuses = new Map<string, ObservedStatus>([
  ['SUCCESS', 'succeeded'],
  ['FAIL', 'failed'],
  // The bank gave it back after it had been paid.
  ['REFUND', 'returned'],
  ['INIT', 'processing'],
  ['WAIT_PAY', 'processing'],
  ['PROCESSING', 'processing'],
])

/** What `excerpt.ts` cuts from a page, and the answer about one alike. */
const listedSchema = z.object({
  sp_mchid: text,
  out_batch_no: text,
  out_detail_no: text,
  detail_id: identifier,
  detail_status: text,
  update_time: optionalText,
})
type Listed = z.output<typeof listedSchema>

const detailSchema = z.object({
  ...listedSchema.shape,
  transfer_amount: text,
  openid: optionalText,
  /** Encrypted, and longer than other texts. */
  username: z.string().max(2048).nullish(),
  fail_reason: optionalText,
})

/** Of why it failed a page says nothing. */
export function translateListed(account: WechatpayAccount, value: unknown, asked: Asked): Translation {
  const read = listedSchema.safeParse(value)
  if (!read.success) return notUnderstood(`The answer ${describeIssues(read.error)}`)
  const common = readCommon(account, read.data, asked)
  return 'problem' in common ? notUnderstood(common.problem) : { outcome: 'understood', observation: common }
}

export function translateDetail(account: WechatpayAccount, value: unknown, asked: Asked): Translation {
  const read = detailSchema.safeParse(value)
  if (!read.success) return notUnderstood(`The answer ${describeIssues(read.error)}`)
  const { data: detail } = read
  const common = readCommon(account, detail, asked)
  if ('problem' in common) return notUnderstood(common.problem)
  const amount = readFen(detail.transfer_amount, account.currency)
  if (!amount) return notUnderstood('transfer_amount is not a whole number of fen.')
  const payee = readPayee(account, detail)
  return {
    outcome: 'understood',
    observation: {
      ...common,
      amount,
      ...(payee && { payee }),
      ...(common.status === 'failed' && { failure: describeFailure(detail.fail_reason) }),
    },
  }
}

type Common = Omit<TransferObservation<SeenPayee>, 'receiptId' | 'takenBy'>

function readCommon(
  account: WechatpayAccount,
  detail: Listed,
  { reference, batch }: Asked,
): Common | { problem: string } {
  if (detail.sp_mchid !== account.mchid)
    return { problem: 'The batch belongs to another merchant than the account.' }
  if (batch === undefined || detail.out_batch_no !== batch || detail.out_detail_no !== reference)
    return { problem: 'out_batch_no or out_detail_no is not what was asked about.' }
  const status = statuses.get(detail.detail_status)
  if (!status)
    return { problem: `The detail_status ${JSON.stringify(detail.detail_status.slice(0, 32))} is not known.` }
  const occurredAt = detail.update_time ? parseTime(detail.update_time) : undefined
  if (detail.update_time && occurredAt === undefined) return { problem: 'update_time is not a time.' }
  return {
    kind: 'transfer',
    source: 'query',
    account: account.id,
    reference,
    batch,
    status,
    providerReference: detail.detail_id,
    ...(occurredAt !== undefined && { occurredAt }),
  }
}

/** A name that is not for our key, since that was changed, is none; the openid says who was paid. */
function readPayee(
  { credentials }: WechatpayAccount,
  { openid, username }: z.output<typeof detailSchema>,
): SeenPayee | undefined {
  if (!openid) return undefined
  const name = username && credentials ? decryptField(username, credentials.privateKey) : undefined
  return { kind: 'wechatpay', number: openid, ...(name && { name }) }
}
