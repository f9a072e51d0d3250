import { z } from 'zod'
import { type Coupon, type CouponSecrets, couponStates } from '../domain/coupon.ts'
import { consumedOf } from '../domain/decide-coupon.ts'
import { formatTime } from '../domain/time.ts'
import {
  baseFields,
  erased,
  erasedSchema,
  failureSchema,
  moneySchema,
  presentBase,
  presentMoney,
  presentSending,
  sendingFields,
  timeSchema,
} from './shared-resource.ts'

export const couponSchema = z.object({
  ...baseFields,
  ...sendingFields,
  stockId: z.string(),
  appid: z.string(),
  amount: moneySchema.optional(),
  holder: z.union([
    z.object({ openid: z.string(), name: z.string().optional(), idCard: z.string().optional() }),
    erasedSchema,
  ]),
  state: z.enum(couponStates),
  providerReference: z.string().optional().meta({ description: 'The coupon’s number at the provider.' }),
  failure: failureSchema.optional(),
  consumed: moneySchema.optional().meta({ description: 'All uses together; missing while there are none.' }),
  uses: z.array(
    z.object({ transaction: z.string(), amount: moneySchema, at: timeSchema, receipt: z.string() }),
  ),
})
export type CouponResource = z.infer<typeof couponSchema>

export function presentCoupon(coupon: Coupon, secrets: CouponSecrets | undefined): CouponResource {
  const { amount, uses } = coupon
  const currency = uses[0]?.amount.currency
  return Object.assign(presentBase(coupon), presentSending(coupon), {
    stockId: coupon.stockId,
    appid: coupon.appid,
    amount: amount && presentMoney(amount),
    holder: secrets ?? erased,
    state: coupon.state,
    providerReference: coupon.couponNumber,
    failure: coupon.failure,
    consumed: currency === undefined ? undefined : presentMoney({ minor: consumedOf(coupon), currency }),
    uses: uses.map((use) => ({ ...use, amount: presentMoney(use.amount), at: formatTime(use.at) })),
  })
}
