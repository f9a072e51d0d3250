import type { Coupon, CouponState, CouponUse } from './coupon.ts'
import { type Decision, hold, type Step, step } from './decision.ts'
import type { HoldReason } from './intent.ts'
import { sameMoney } from './money.ts'
import type { CouponGrantObservation, CouponUseObservation, OperatorResolution } from './observation.ts'

type Seen = CouponGrantObservation | CouponUseObservation
export type CouponMove = 'move' | 'repeat' | 'contradiction'

/** Rows: the state a coupon is in. Columns: what is observed; of what was granted anything can be used. */
export const couponMoves: Record<CouponState, Record<'granted' | 'failed' | 'used', CouponMove>> = {
  registered: { granted: 'move', failed: 'move', used: 'move' },
  submitted: { granted: 'move', failed: 'move', used: 'move' },
  granted: { granted: 'repeat', failed: 'contradiction', used: 'move' },
  failed: { granted: 'contradiction', failed: 'repeat', used: 'contradiction' },
}

export function registerCoupon(
  intent: Omit<Coupon, 'kind' | 'state' | 'uses' | 'sequence' | 'createdAt' | 'updatedAt'>,
  now: number,
): Step<Coupon> {
  return step<Coupon>(
    'registered',
    null,
    { ...intent, kind: 'coupon', state: 'registered', uses: [], createdAt: now },
    now,
  )
}

export function decideCoupon(coupon: Coupon, seen: Seen, now: number): Decision<Coupon> {
  if (coupon.hold) return { verdict: 'awaits-person' }
  const used = seen.kind === 'coupon-use' ? findUse(coupon, seen) : undefined
  if (used && seen.kind === 'coupon-use' && sameMoney(used.amount, seen.amount)) return { verdict: 'repeat' }
  const difference = findDifference(coupon, seen, used)
  if (difference) return hold(coupon, seen, difference, now)
  switch (couponMoves[coupon.state][seen.kind === 'coupon-use' ? 'used' : seen.status]) {
    case 'repeat':
      return { verdict: 'repeat' }
    case 'contradiction':
      return hold(coupon, seen, 'final-state-contradicted', now)
    case 'move':
      return {
        verdict: 'applied',
        steps: seen.kind === 'coupon-use' ? use(coupon, seen, now) : [grant(coupon, seen, now)],
      }
  }
}

export function consumedOf({ uses }: Pick<Coupon, 'uses'>): bigint {
  return uses.reduce((sum, { amount }) => sum + amount.minor, 0n)
}

/** A use that was taken after all; anything else leaves the coupon as it is. */
export function settleCouponByPerson(
  before: Coupon,
  { action, theirs }: OperatorResolution,
  now: number,
): Step<Coupon> | undefined {
  if (action !== 'take-theirs' || !theirs) return undefined
  if (theirs.kind === 'coupon-grant') return step('corrected', before, granted(before, theirs), now)
  if (theirs.kind !== 'coupon-use') return undefined
  const { failure: _, ...rest } = before
  const { couponNumber, receiptId } = theirs
  const uses = [
    ...before.uses.filter(({ transaction }) => transaction !== theirs.transaction),
    describeUse(theirs),
  ]
  const after: Coupon = { ...rest, couponNumber, state: 'granted', uses, settledBy: receiptId }
  return step('corrected', before, after, now)
}

function findUse({ uses }: Coupon, { transaction }: CouponUseObservation): CouponUse | undefined {
  return uses.find((one) => one.transaction === transaction)
}

function findDifference(coupon: Coupon, seen: Seen, used: CouponUse | undefined): HoldReason | undefined {
  const { couponNumber, amount } = coupon
  if (couponNumber !== undefined && seen.couponNumber !== undefined && couponNumber !== seen.couponNumber)
    return 'provider-reference-differs'
  if (seen.kind !== 'coupon-use') return undefined
  if (coupon.stockId !== seen.stockId) return 'provider-reference-differs'
  const known = currencyOf(coupon)
  if (known !== undefined && known !== seen.amount.currency) return 'currency-differs'
  if (used) return 'amount-differs'
  if (amount && consumedOf(coupon) + seen.amount.minor > amount.minor) return 'consumed-too-much'
  return undefined
}

/** Where its stock has a fixed value, the first use tells. */
export function currencyOf({ amount, uses }: Pick<Coupon, 'amount' | 'uses'>): string | undefined {
  return (amount ?? uses[0]?.amount)?.currency
}

/** Consumption proves the grant, if nothing else has. */
function use(coupon: Coupon, seen: CouponUseObservation, now: number): Step<Coupon>[] {
  const steps: Step<Coupon>[] = []
  let before = coupon
  if (coupon.state !== 'granted') {
    const first = step<Coupon>(
      'granted',
      coupon,
      { ...coupon, state: 'granted', couponNumber: seen.couponNumber, settledBy: seen.receiptId },
      now,
    )
    steps.push(first)
    before = first.intent
  }
  const uses = [...before.uses, describeUse(seen)]
  steps.push(step<Coupon>('used', before, { ...before, uses, settledBy: seen.receiptId }, now))
  return steps
}

function describeUse({ transaction, amount, occurredAt, receiptId }: CouponUseObservation): CouponUse {
  return { transaction, amount, at: occurredAt, receipt: receiptId }
}

function grant(before: Coupon, seen: CouponGrantObservation, now: number): Step<Coupon> {
  return step<Coupon>(seen.status, before, granted(before, seen), now)
}

function granted(before: Coupon, seen: CouponGrantObservation): Coupon {
  const { failure: _, ...rest } = before
  return {
    ...rest,
    state: seen.status,
    settledBy: seen.receiptId,
    ...(seen.couponNumber !== undefined && { couponNumber: seen.couponNumber }),
    ...(seen.status === 'failed' && { failure: seen.failure ?? { code: 'unknown' } }),
  }
}
