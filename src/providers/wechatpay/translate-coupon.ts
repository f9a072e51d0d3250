/**
 * `COUPON.USE`: one consumption of a multi-use coupon (消费金), which has several. Single-use coupons come under the same
 * event; they have no consumed amount, nobody grants them through us, and what they took off is not guessed.
 */
import { z } from 'zod'
import { parseTime } from '../../domain/time.ts'
import { identifier, optionalText, text } from '../fields.ts'
import { notUnderstood, type Translation } from '../provider.ts'
import { describeIssues } from '../read-json.ts'
import type { WechatpayAccount } from './account.ts'
import { readFen } from './fields.ts'

const couponSchema = z.object({
  stock_creator_mchid: optionalText,
  stock_id: identifier,
  coupon_id: identifier,
  business_type: optionalText,
  consume_information: z.object({
    consume_time: text,
    transaction_id: identifier,
    consume_amount: optionalText,
  }),
})

/** Coupons may be used at other merchants, so `consume_mchid` is not looked at. */
export function translateCouponUse(account: WechatpayAccount, resource: unknown): Translation {
  const read = couponSchema.safeParse(resource)
  if (!read.success) return notUnderstood(`The decrypted resource ${describeIssues(read.error)}`)
  const { consume_information: use, ...coupon } = read.data
  if (coupon.stock_creator_mchid && coupon.stock_creator_mchid !== account.mchid)
    return notUnderstood('The stock of the coupon belongs to another merchant than the account.')
  if (coupon.business_type && coupon.business_type !== 'MULTIUSE')
    return notUnderstood('business_type is not MULTIUSE: only multi-use coupons are handled.')
  if (!use.consume_amount)
    return notUnderstood('consume_information.consume_amount is missing: only multi-use coupons are handled.')
  const amount = readFen(use.consume_amount, account.currency)
  if (!amount || amount.minor === 0n)
    return notUnderstood('consume_information.consume_amount is not a whole number of fen above zero.')
  const occurredAt = parseTime(use.consume_time)
  if (occurredAt === undefined) return notUnderstood('consume_information.consume_time is not a time.')
  return {
    outcome: 'understood',
    observation: {
      kind: 'coupon-use',
      source: 'callback',
      account: account.id,
      couponNumber: coupon.coupon_id,
      stockId: coupon.stock_id,
      transaction: use.transaction_id,
      amount,
      occurredAt,
    },
  }
}
