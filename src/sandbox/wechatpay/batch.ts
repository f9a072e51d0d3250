/**
 * The life of a batch and of its transfers. All of it is settled when the batch is taken, and what stands at a given time is
 * read off: no timer moves anything, so that the same seed tells the same story however often it is asked.
 */

import { formatShanghaiTime } from '../wechatpay-events.ts'
import type { BatchOrder, OrderedDetail } from './batch-order.ts'
import { appidOf } from './batch-order.ts'

export interface Detail {
  detailId: string
  order: OrderedDetail
  settlesAt: number
  failReason?: string | undefined
  /** The bank sends it back, after it had succeeded. */
  refundsAt?: number | undefined
}

export interface Batch {
  order: BatchOrder
  batchId: string
  acceptedAt: number
  processedAt: number
  /** Finished, or closed where there is a reason. */
  endsAt: number
  closeReason?: string | undefined
  details: Detail[]
}

export type BatchStatus = 'ACCEPTED' | 'PROCESSING' | 'FINISHED' | 'CLOSED'
export type DetailStatus = 'PROCESSING' | 'SUCCESS' | 'FAIL' | 'REFUND'

export function batchStatus(batch: Batch, now: number): BatchStatus {
  if (now >= batch.endsAt) return batch.closeReason ? 'CLOSED' : 'FINISHED'
  return now >= batch.processedAt && !batch.closeReason ? 'PROCESSING' : 'ACCEPTED'
}

export function detailStatus(batch: Batch, detail: Detail, now: number): DetailStatus {
  if (batch.closeReason) return now >= batch.endsAt ? 'FAIL' : 'PROCESSING'
  if (now < detail.settlesAt) return 'PROCESSING'
  if (detail.failReason) return 'FAIL'
  return detail.refundsAt !== undefined && now >= detail.refundsAt ? 'REFUND' : 'SUCCESS'
}

export function failReason(batch: Batch, detail: Detail): string | undefined {
  return batch.closeReason ? 'OVERDUE_CLOSE' : detail.failReason
}

/** As its final state was reached: what a bank sends back later changes a transfer and not these. */
export function batchFigures(batch: Batch): {
  success_amount: number
  success_num: number
  fail_amount: number
  fail_num: number
} {
  const failed = batch.details.filter((detail) => failReason(batch, detail) !== undefined)
  const failedAmount = failed.reduce((total, { order }) => total + order.transfer_amount, 0)
  return {
    success_amount: batch.order.total_amount - failedAmount,
    success_num: batch.details.length - failed.length,
    fail_amount: failedAmount,
    fail_num: failed.length,
  }
}

export interface DetailQuery {
  offset: number
  limit: number
  status: string
}

export function describeBatch(
  batch: Batch,
  { mchid, now, details }: { mchid: string; now: number; details?: DetailQuery | undefined },
): Record<string, unknown> {
  const { order } = batch
  const status = batchStatus(batch, now)
  return {
    sp_mchid: mchid,
    sub_mchid: order.sub_mchid,
    out_batch_no: order.out_batch_no,
    batch_id: batch.batchId,
    sub_appid: order.sub_appid,
    batch_status: status,
    batch_type: 'API',
    authorization_type: order.authorization_type,
    batch_name: order.batch_name,
    batch_remark: order.batch_remark,
    ...(status === 'CLOSED' && { close_reason: batch.closeReason }),
    total_amount: order.total_amount,
    total_num: order.total_num,
    create_time: formatShanghaiTime(batch.acceptedAt),
    update_time: formatShanghaiTime(Math.max(batch.acceptedAt, lastChange(batch, now))),
    ...(status === 'FINISHED' && batchFigures(batch)),
    ...(status === 'FINISHED' && details && { transfer_detail_list: listDetails(batch, now, details) }),
    sp_appid: order.sp_appid,
    transfer_purpose: order.transfer_purpose,
    transfer_scene: order.transfer_scene ?? 'ORDINARY_TRANSFER',
  }
}

function lastChange({ processedAt, endsAt }: Batch, now: number): number {
  return [endsAt, processedAt].find((at) => at <= now) ?? 0
}

/** In the order of the request, so that pages fit together. */
function listDetails(batch: Batch, now: number, { offset, limit, status }: DetailQuery): unknown[] {
  const all = batch.details.map((detail) => ({
    detail_id: detail.detailId,
    out_detail_no: detail.order.out_detail_no,
    detail_status: detailStatus(batch, detail, now),
  }))
  const asked = all.filter(({ detail_status }) => status === 'ALL' || detail_status === status)
  return asked.slice(offset, offset + limit)
}

export function describeDetail(
  batch: Batch,
  detail: Detail,
  { mchid, now, encrypt }: { mchid: string; now: number; encrypt: (text: string) => string },
): Record<string, unknown> {
  const { order } = detail
  const status = detailStatus(batch, detail, now)
  return {
    sp_mchid: mchid,
    out_batch_no: batch.order.out_batch_no,
    batch_id: batch.batchId,
    appid: appidOf(batch.order).appid,
    out_detail_no: order.out_detail_no,
    detail_id: detail.detailId,
    detail_status: status,
    transfer_amount: order.transfer_amount,
    transfer_remark: order.transfer_remark,
    ...(status === 'FAIL' && { fail_reason: failReason(batch, detail) }),
    openid: order.openid,
    ...(order.user_name !== undefined && { username: encrypt(order.user_name) }),
    initiate_time: formatShanghaiTime(batch.acceptedAt),
    update_time: formatShanghaiTime(detailChange(batch, detail, status)),
    ...((status === 'SUCCESS' || status === 'REFUND') && { account_type: 'WECHATPAY_ACCOUNT' }),
  }
}

function detailChange(batch: Batch, detail: Detail, status: DetailStatus): number {
  if (status === 'PROCESSING') return batch.acceptedAt
  if (status === 'REFUND') return detail.refundsAt ?? detail.settlesAt
  return batch.closeReason ? batch.endsAt : detail.settlesAt
}
