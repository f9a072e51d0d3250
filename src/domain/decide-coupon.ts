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
  intent: Omit<Coupon, 'kind' | 'state' | 'uses' | 'couponNumber' | 'sequence' | 'createdAt' | 'updatedAt'>,
  now: number,
): Step<Coupon> {
  return step<Coupon>(
    'registered',
    null,
    { ...intent, kind: 'coupon', state: 'registered', uses: [], createdAt: now },
    now,
  )
}

/** As whoever registers it says. That it was granted is a fact of its own, which readers wait for. */
export function grantElsewhere(registered: Coupon, couponNumber: string, now: number): Step<Coupon> {
  return step<Coupon>('granted', registered, { ...registered, state: 'granted', couponNumber }, now)
}

export function decideCoupon(coupon: Coupon, seen: Seen, now: number): Decision<Coupon> {
  if (coupon.hold) return { verdict: 'awaits-person' }
  const difference = findDifference(coupon, seen)
  if (difference) return hold(coupon, seen, difference, now)
  return seen.kind === 'coupon-use' ? decideUse(coupon, seen, now) : decideGrant(coupon, seen, now)
}

/** Its number leads to another coupon of ours: one of the two is wrong. Undefined where a person has it already. */
export function contestCoupon(
  coupon: Coupon,
  now: number,
): Extract<Decision, { verdict: 'held' }> | undefined {
  if (coupon.hold) return undefined
  const decision = hold<Coupon>(coupon, {}, 'provider-reference-taken', now)
  return decision.verdict === 'held' ? decision : undefined
}

export function consumedOf({ uses }: Pick<Coupon, 'uses'>): bigint {
  return uses.reduce((sum, { amount }) => sum + amount.minor, 0n)
}

/** What a person takes is true from then on, whatever was known; anything else leaves the coupon as it is. */
export function settleCouponByPerson(
  before: Coupon,
  { action, theirs }: OperatorResolution,
  now: number,
): Step<Coupon> | undefined {
  if (action !== 'take-theirs' || !theirs) return undefined
  if (theirs.kind === 'coupon-grant') return step('corrected', before, answered(before, theirs), now)
  if (theirs.kind !== 'coupon-use') return undefined
  const { failure: _, ...rest } = before
  const { couponNumber, stockId, receiptId } = theirs
  const after = { ...rest, couponNumber, stockId, state: 'granted' as const, settledBy: receiptId }
  return step('corrected', before, { ...after, uses: replaceUse(before.uses, describeUse(theirs)) }, now)
}

/** Why what was observed cannot be taken for this coupon; a sentence for whoever asked. */
export function findCouponObstacle(coupon: Coupon, theirs: Seen): string | undefined {
  if (theirs.kind === 'coupon-use') return undefined
  if (theirs.status === 'failed' && coupon.uses.length > 0)
    return 'It has been used, so its grant cannot have failed.'
  if (coupon.hold?.reason === 'provider-reference-taken')
    return 'Its number leads to another coupon, and a number leads to one.'
  return undefined
}

function decideGrant(coupon: Coupon, seen: CouponGrantObservation, now: number): Decision<Coupon> {
  switch (couponMoves[coupon.state][seen.status]) {
    case 'repeat': {
      const isKnown = seen.couponNumber === undefined || coupon.couponNumber !== undefined
      if (isKnown || seen.status === 'failed') return { verdict: 'repeat' }
      return { verdict: 'applied', steps: [step<Coupon>('reported', coupon, answered(coupon, seen), now)] }
    }
    case 'contradiction':
      return hold(coupon, seen, 'final-state-contradicted', now)
    case 'move':
      return { verdict: 'applied', steps: [step<Coupon>(seen.status, coupon, answered(coupon, seen), now)] }
  }
}

function decideUse(coupon: Coupon, seen: CouponUseObservation, now: number): Decision<Coupon> {
  // Nothing differs, so it is the same use.
  if (findUse(coupon, seen)) return { verdict: 'repeat' }
  if (couponMoves[coupon.state].used === 'contradiction')
    return hold(coupon, seen, 'final-state-contradicted', now)
  if (isTooMuch(coupon, seen)) return hold(coupon, seen, 'consumed-too-much', now)
  return { verdict: 'applied', steps: use(coupon, seen, now) }
}

function findUse({ uses }: Coupon, { transaction }: CouponUseObservation): CouponUse | undefined {
  return uses.find((one) => one.transaction === transaction)
}

/** What is observed must be about the very coupon that is known, whatever state it is in. */
function findDifference(coupon: Coupon, seen: Seen): HoldReason | undefined {
  const { couponNumber } = coupon
  if (seen.kind === 'coupon-grant' && seen.takenBy !== undefined) return 'provider-reference-taken'
  if (couponNumber !== undefined && seen.couponNumber !== undefined && couponNumber !== seen.couponNumber)
    return 'provider-reference-differs'
  if (seen.kind !== 'coupon-use') return undefined
  // A coupon belongs to its stock: under another one it is another coupon.
  if (seen.stockId !== coupon.stockId) return 'provider-reference-differs'
  const known = currencyOf(coupon)
  if (known !== undefined && known !== seen.amount.currency) return 'currency-differs'
  const used = findUse(coupon, seen)
  return used && !sameMoney(used.amount, seen.amount) ? 'amount-differs' : undefined
}

/** Where its stock has a fixed value, the first use tells. */
export function currencyOf({ amount, uses }: Pick<Coupon, 'amount' | 'uses'>): string | undefined {
  return (amount ?? uses[0]?.amount)?.currency
}

function isTooMuch(coupon: Coupon, seen: CouponUseObservation): boolean {
  return coupon.amount !== undefined && consumedOf(coupon) + seen.amount.minor > coupon.amount.minor
}

/** Consumption proves the grant, if nothing else has. */
function use(coupon: Coupon, seen: CouponUseObservation, now: number): Step<Coupon>[] {
  const { couponNumber, receiptId: settledBy } = seen
  const proved =
    coupon.state === 'granted'
      ? undefined
      : step<Coupon>('granted', coupon, { ...coupon, state: 'granted', couponNumber, settledBy }, now)
  const before = proved?.intent ?? coupon
  const uses = [...before.uses, describeUse(seen)]
  const used = step<Coupon>('used', before, { ...before, uses, settledBy }, now)
  return proved ? [proved, used] : [used]
}

function describeUse({ transaction, amount, occurredAt, receiptId }: CouponUseObservation): CouponUse {
  return { transaction, amount, at: occurredAt, receipt: receiptId }
}

/** In the place of the one that it corrects, or behind the others. */
function replaceUse(uses: readonly CouponUse[], one: CouponUse): CouponUse[] {
  const isKnown = uses.some(({ transaction }) => transaction === one.transaction)
  if (!isKnown) return [...uses, one]
  return uses.map((known) => (known.transaction === one.transaction ? one : known))
}

function answered(before: Coupon, seen: CouponGrantObservation): Coupon {
  const { failure: _, ...rest } = before
  return {
    ...rest,
    state: seen.status,
    settledBy: seen.receiptId,
    ...(seen.couponNumber !== undefined && { couponNumber: seen.couponNumber }),
    ...(seen.status === 'failed' && { failure: seen.failure ?? { code: 'unknown' } }),
  }
}
