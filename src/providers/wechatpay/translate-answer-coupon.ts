/** A coupon: that it was granted. What is left of it and whether it was used is told by `COUPON.USE` alone. */
import { z } from 'zod'
import type { CouponGrantObservation } from '../../domain/observation.ts'
import type { Asked } from '../../domain/receipt.ts'
import { identifier, optionalText } from '../fields.ts'
import { notUnderstood, type Translation } from '../provider.ts'
import { describeIssues } from '../read-json.ts'
import type { WechatpayAccount } from './account.ts'

const grantedSchema = z.object({ coupon_id: identifier })

export function translateGranted(account: WechatpayAccount, value: unknown, asked: Asked): Translation {
  const read = grantedSchema.safeParse(value)
  if (!read.success) return notUnderstood(`The answer ${describeIssues(read.error)}`)
  return granted('submission', account, asked, read.data.coupon_id)
}

const couponSchema = z.object({
  coupon_id: identifier,
  stock_creator_mchid: optionalText,
  business_type: optionalText,
})

/** In any state, be it used up or expired, it was granted. */
export function translateCouponAnswer(account: WechatpayAccount, value: unknown, asked: Asked): Translation {
  const read = couponSchema.safeParse(value)
  if (!read.success) return notUnderstood(`The answer ${describeIssues(read.error)}`)
  const { coupon_id, stock_creator_mchid, business_type } = read.data
  if (stock_creator_mchid && stock_creator_mchid !== account.mchid)
    return notUnderstood('The stock of the coupon belongs to another merchant than the account.')
  if (business_type && business_type !== 'MULTIUSE')
    return notUnderstood('business_type is not MULTIUSE: only multi-use coupons are handled.')
  return granted('query', account, asked, coupon_id)
}

function granted(
  source: CouponGrantObservation['source'],
  account: WechatpayAccount,
  { reference }: Asked,
  couponNumber: string,
): Translation {
  const observation = {
    kind: 'coupon-grant' as const,
    source,
    account: account.id,
    reference,
    status: 'granted' as const,
    couponNumber,
  }
  return { outcome: 'understood', observation }
}
