/** What is to become of an order, settled at once when it is taken: by its fate, which follows from the seed. */
import { createHash } from 'node:crypto'
import { type Fate, pick } from '../fates.ts'
import type { Batch, Detail } from './batch.ts'
import type { BatchOrder, OrderedDetail } from './batch-order.ts'
import type { Coupon, CouponUse } from './coupon.ts'
import type { CouponOrder } from './coupon-order.ts'

export type FateOf = (number: string, amount: number) => Fate

/** Those of partner mode. */
export const failReasons = [
  'ACCOUNT_FROZEN',
  'REAL_NAME_CHECK_FAIL',
  'NAME_NOT_CORRECT',
  'OPENID_INVALID',
  'TRANSFER_QUOTA_EXCEED',
  'DAY_RECEIVED_QUOTA_EXCEED',
  'MONTH_RECEIVED_QUOTA_EXCEED',
  'DAY_RECEIVED_COUNT_EXCEED',
  'PRODUCT_AUTH_CHECK_FAIL',
  'ID_CARD_NOT_CORRECT',
  'ACCOUNT_NOT_EXIST',
  'TRANSFER_RISK',
  'OTHER_FAIL_REASON_TYPE',
  'REALNAME_ACCOUNT_RECEIVED_QUOTA_EXCEED',
  'RECEIVE_ACCOUNT_NOT_PERMMIT',
  'PAYEE_ACCOUNT_ABNORMAL',
  'PAYER_ACCOUNT_ABNORMAL',
  'TRANSFER_REMARK_SET_FAIL',
] as const

export const closeReasons = ['OVERDUE_CLOSE', 'MERCHANT_REVOCATION', 'PAYER_ACCOUNT_ABNORMAL'] as const

export function planBatch(order: BatchOrder, now: number, fateOf: FateOf): Batch {
  const fate = fateOf(order.out_batch_no, order.total_amount)
  const processedAt = now + fate.delayMs
  const closeReason = fate.has('batch-closed') ? readCloseReason(fate) : undefined
  const details = order.transfer_detail_list.map((detail) =>
    planDetail(detail, fateOf(detail.out_detail_no, detail.transfer_amount), order, processedAt),
  )
  const settledAt = details.reduce((latest, { settlesAt }) => Math.max(latest, settlesAt), processedAt)
  // What a bank sends back comes after the batch was finished.
  for (const detail of details) if (detail.refundsAt !== undefined) detail.refundsAt += settledAt
  return {
    order,
    batchId: makeNumber('10300', order.out_batch_no),
    acceptedAt: now,
    processedAt,
    endsAt: closeReason ? processedAt : settledAt,
    closeReason,
    details,
  }
}

function readCloseReason(fate: Fate): string {
  return (
    closeReasons.find((reason) => reason === fate.reason) ?? pick(closeReasons, fate.random('close-reason'))
  )
}

function planDetail(order: OrderedDetail, fate: Fate, batch: BatchOrder, processedAt: number): Detail {
  return {
    detailId: makeNumber('10400', `${batch.out_batch_no} ${order.out_detail_no}`),
    order,
    settlesAt: processedAt + fate.delayMs,
    failReason: readFailReason(fate),
    refundsAt: fate.has('refund-after-success') ? fate.delayMs : undefined,
  }
}

function readFailReason(fate: Fate): string | undefined {
  if (fate.outcome === 'fail') return fate.reason ?? pick(failReasons, fate.random('fail-reason'))
  return fate.has('name-differs') ? 'NAME_NOT_CORRECT' : undefined
}

const usesMax = 3
/** Of coupons that nobody uses meanwhile. */
const unusedShare = 0.3

export function planCoupon(order: CouponOrder, now: number, fateOf: FateOf): Coupon {
  const fate = fateOf(order.out_request_no, order.amount)
  return {
    order,
    couponId: makeNumber('98', order.out_request_no).slice(0, 20),
    grantedAt: now,
    uses: planUses(order, now, fate),
  }
}

/** One to three, together never more than it is worth; what asks for a callback's behaviour wants one to see. */
function planUses(order: CouponOrder, now: number, fate: Fate): CouponUse[] {
  const wanted = callbackBehaviours.some((name) => fate.has(name))
  if (!wanted && fate.random('unused') < unusedShare) return []
  const least = fate.has('reordered') ? 2 : 1
  const count = Math.max(least, Math.ceil(fate.random('uses') * usesMax))
  let left = order.amount
  return Array.from({ length: Math.min(count, order.amount) }, (_, index) => {
    const usesUp = index === count - 1 && fate.random('used-up') < 0.5
    const amount = usesUp ? left : Math.max(1, Math.floor((left / 2) * fate.random(`use-${index}`)))
    left -= amount
    return {
      at: fate.has('early') && index === 0 ? now : now + fate.delayMs * (index + 1),
      transactionId: makeNumber('42000', `${order.out_request_no} ${index}`).slice(0, 28),
      amount,
    }
  }).filter(({ amount }) => amount > 0)
}

const callbackBehaviours = [
  'lost-callback',
  'repeated',
  'concurrent-repeats',
  'reordered',
  'contradicting',
  'mutated-amount',
  'early',
  'wrong-signature',
  'signtest',
  'stale',
] as const

/** Forty digits, as theirs are, which follow from what they name. */
function makeNumber(prefix: string, of: string): string {
  const digest = createHash('sha256').update(of).digest('hex')
  return (prefix + BigInt(`0x${digest}`).toString().padStart(78, '0').slice(-40)).slice(0, 40)
}
