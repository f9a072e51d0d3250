/** A granted multi-use coupon, and what is taken off it by and by: planned when it is granted, read off by the time. */
import { formatShanghaiTime } from '../wechatpay-events.ts'
import type { CouponOrder } from './coupon-order.ts'

export interface CouponUse {
  at: number
  transactionId: string
  amount: number
}

export interface Coupon {
  order: CouponOrder
  couponId: string
  grantedAt: number
  uses: CouponUse[]
}

const validMs = 90 * 24 * 3600_000

export function balanceOf({ order, uses }: Coupon, now: number): number {
  const used = uses.filter(({ at }) => at <= now).reduce((total, { amount }) => total + amount, 0)
  return Math.max(0, order.amount - used)
}

export function couponStatus(coupon: Coupon, now: number): 'SENDED' | 'USED' {
  return balanceOf(coupon, now) === 0 ? 'USED' : 'SENDED'
}

export function describeCoupon(coupon: Coupon, mchid: string, now: number): Record<string, unknown> {
  const { order, couponId, grantedAt } = coupon
  return {
    stock_creator_mchid: mchid,
    stock_id: order.stock_id,
    coupon_id: couponId,
    coupon_name: '消费金',
    status: couponStatus(coupon, now),
    description: '',
    create_time: formatShanghaiTime(grantedAt),
    coupon_type: 'NORMAL',
    no_cash: false,
    available_begin_time: formatShanghaiTime(grantedAt),
    available_end_time: formatShanghaiTime(grantedAt + validMs),
    singleitem: false,
    normal_coupon_information: { coupon_amount: order.amount, transaction_minimum: 0 },
    business_type: 'MULTIUSE',
  }
}

/** As the query has it. */
export function describeQueriedCoupon(coupon: Coupon, mchid: string, now: number): Record<string, unknown> {
  return { ...describeCoupon(coupon, mchid, now), available_balance: balanceOf(coupon, now) }
}

/** As `COUPON.USE` has it. */
export function describeUse(coupon: Coupon, use: CouponUse, mchid: string): Record<string, unknown> {
  return {
    ...describeCoupon(coupon, mchid, use.at),
    consume_information: {
      consume_time: formatShanghaiTime(use.at),
      consume_mchid: mchid,
      transaction_id: use.transactionId,
      consume_amount: use.amount,
    },
  }
}
