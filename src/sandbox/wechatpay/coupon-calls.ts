/** Multi-use coupons: granting, asking about one, and telling of what was taken off it. */

import type { Fate } from '../fates.ts'
import { asAnswer } from './answer.ts'
import type { Encrypting } from './batch-order.ts'
import type { Callbacks, Notice } from './callbacks.ts'
import { type Coupon, type CouponUse, describeQueriedCoupon, describeUse } from './coupon.ts'
import { type CouponOrder, type FixedStocks, readCouponOrder } from './coupon-order.ts'
import { readBody } from './fields.ts'
import { type Handler, isTurnedAway, type Outcome } from './handle.ts'
import { type FateOf, planCoupon } from './plan.ts'
import { paramError, problems } from './problem.ts'
import type { Turns } from './turn.ts'

export interface CouponCallsDeps {
  mchid: string
  find: Encrypting['find']
  fixedStocks: FixedStocks
  fateOf: FateOf
  turns: Turns
  clock: () => number
  /** Ends when what comes before the answer has been sent. */
  granted: (coupon: Coupon) => Promise<void>
}

export interface CouponCalls {
  order: Handler
  coupon: Handler
  all(): Iterable<Coupon>
}

export function createCouponCalls(deps: CouponCallsDeps): CouponCalls {
  const { clock, fateOf, turns } = deps
  const byNumber = new Map<string, { coupon: Coupon; same: string }>()
  const byId = new Map<string, Coupon>()

  async function grant(order: CouponOrder): Promise<Outcome> {
    const number = order.out_request_no
    const same = JSON.stringify(order)
    const held = byNumber.get(number)
    if (held && held.same !== same) return asAnswer(problems.otherParameters('/out_request_no'))
    const turn = turns.ofOrder(number, fateOf(number, order.amount))
    if (held) return { status: 200, body: { coupon_id: held.coupon.couponId }, turn }
    if (isTurnedAway(turn)) return { status: 500, body: {}, turn }
    const coupon = planCoupon(order, clock(), fateOf)
    byNumber.set(number, { coupon, same })
    byId.set(coupon.couponId, coupon)
    await deps.granted(coupon)
    return { status: 200, body: { coupon_id: coupon.couponId }, turn }
  }

  return {
    async order({ req, body, serial }) {
      const json = readBody(body)
      if (json.outcome === 'refused') return asAnswer(json.problem)
      const encrypting = { serial, find: deps.find }
      const order = readCouponOrder(String(req.params.openid), json.value, encrypting, deps.fixedStocks)
      return order.outcome === 'refused' ? asAnswer(order.problem) : grant(order.value)
    },
    coupon({ req }) {
      const { appid } = req.query
      if (typeof appid !== 'string' || appid === '')
        return asAnswer(paramError('query', 'appid', 'It is missing.'))
      const coupon = byId.get(String(req.params.coupon_id))
      const asked = coupon?.order.openid === req.params.openid && coupon?.order.appid === appid
      if (!coupon || !asked) return asAnswer(problems.noResource)
      const number = coupon.order.out_request_no
      const body = describeQueriedCoupon(coupon, deps.mchid, clock())
      return { status: 200, body, turn: turns.ofQuery(number, fateOf(number, coupon.order.amount)) }
    },
    *all() {
      for (const { coupon } of byNumber.values()) yield coupon
    },
  }
}

interface AnnounceDeps {
  callbacks: Callbacks
  mchid: string
  fateOf: FateOf
  clock: () => number
}

export function announceUses({ callbacks, mchid, fateOf, clock }: AnnounceDeps) {
  const tell = (coupon: Coupon, use: CouponUse, fate: Fate) =>
    callbacks.send(describeNotice(coupon, use, mchid), fate)

  async function tellInReverse(coupon: Coupon, fate: Fate): Promise<void> {
    for (const use of coupon.uses.toReversed()) await tell(coupon, use, fate)
  }

  return async (coupon: Coupon): Promise<void> => {
    const fate = fateOf(coupon.order.out_request_no, coupon.order.amount)
    const [first, last] = [coupon.uses[0], coupon.uses.at(-1)]
    if (!first || !last) return
    if (fate.has('reordered')) {
      callbacks.later(last.at - clock(), () => tellInReverse(coupon, fate))
      return
    }
    for (const use of coupon.uses) {
      const told = use === last ? tellLast(coupon, use, fate, tell) : () => tell(coupon, use, fate)
      // Before the answer to the grant.
      if (fate.has('early') && use === first) await told()
      else callbacks.later(use.at - clock(), told)
    }
  }
}

type Tell = (coupon: Coupon, use: CouponUse, fate: Fate) => Promise<void>

/** More than the coupon is worth, or twice the same use with two amounts. What was really taken off is neither. */
function tellLast(coupon: Coupon, use: CouponUse, fate: Fate, tell: Tell): () => Promise<void> {
  const other = (amount: number) => tell(coupon, { ...use, amount }, fate)
  return async () => {
    if (fate.has('mutated-amount')) return other(coupon.order.amount + 1)
    await tell(coupon, use, fate)
    if (fate.has('contradicting')) await other(use.amount + 1)
  }
}

function describeNotice(coupon: Coupon, use: CouponUse, mchid: string): Notice {
  return {
    eventType: 'COUPON.USE',
    originalType: 'coupon',
    summary: '代金券核销通知',
    resource: describeUse(coupon, use, mchid),
  }
}
