/** What the make-believe WeChat Pay believes, for those who compare: after a test both sides must tell the same story. */
import { type Batch, batchStatus, detailStatus, failReason } from './batch.ts'
import { balanceOf, type Coupon, couponStatus } from './coupon.ts'

export interface WechatpayState {
  batches: {
    number: string
    id: string
    status: string
    closeReason?: string | undefined
    transfers: {
      number: string
      id: string
      amount: number
      status: string
      failReason?: string | undefined
    }[]
  }[]
  coupons: {
    number: string
    id: string
    openid: string
    stock: string
    amount: number
    balance: number
    status: string
    /** Those that have been made by now. */
    uses: { transactionId: string; amount: number }[]
  }[]
}

export function describeState(
  batches: Iterable<Batch>,
  coupons: Iterable<Coupon>,
  now: number,
): WechatpayState {
  return {
    batches: Array.from(batches, (batch) => describeBatchState(batch, now)),
    coupons: Array.from(coupons, (coupon) => describeCouponState(coupon, now)),
  }
}

function describeBatchState(batch: Batch, now: number): WechatpayState['batches'][number] {
  const status = batchStatus(batch, now)
  return {
    number: batch.order.out_batch_no,
    id: batch.batchId,
    status,
    ...(status === 'CLOSED' && { closeReason: batch.closeReason }),
    transfers: batch.details.map((detail) => {
      const state = detailStatus(batch, detail, now)
      return {
        number: detail.order.out_detail_no,
        id: detail.detailId,
        amount: detail.order.transfer_amount,
        status: state,
        ...(state === 'FAIL' && { failReason: failReason(batch, detail) }),
      }
    }),
  }
}

function describeCouponState(coupon: Coupon, now: number): WechatpayState['coupons'][number] {
  const { order, uses } = coupon
  return {
    number: order.out_request_no,
    id: coupon.couponId,
    openid: order.openid,
    stock: order.stock_id,
    amount: order.amount,
    balance: balanceOf(coupon, now),
    status: couponStatus(coupon, now),
    uses: uses.filter(({ at }) => at <= now).map(({ transactionId, amount }) => ({ transactionId, amount })),
  }
}
