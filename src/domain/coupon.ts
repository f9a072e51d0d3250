import type { Failure } from './failure.ts'
import type { CouponId } from './ids.ts'
import type { IntentBase } from './intent.ts'
import type { Money } from './money.ts'

export const couponStates = ['registered', 'submitted', 'granted', 'failed'] as const
export type CouponState = (typeof couponStates)[number]

/** What is sealed of a coupon. */
export interface CouponSecrets {
  openid: string
  name?: string
  idCard?: string
}

/** A multi-use coupon that we grant to somebody. */
export interface Coupon extends IntentBase {
  kind: 'coupon'
  id: CouponId
  stockId: string
  appid: string
  /** Missing where the stock has a fixed value, which we may not know. */
  amount?: Money
  state: CouponState
  /** Its number at the provider, by which consumption is reported. */
  couponNumber?: string
  failure?: Failure
  uses: CouponUse[]
}

/** One consumption; the provider's number of the purchase tells it from others. */
export interface CouponUse {
  transaction: string
  amount: Money
  at: number
  receipt: string
}
