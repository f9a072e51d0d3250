/** Orders about one transfer or one coupon. What is personal is opened here, for the call, and nowhere before. */

import { openHeldCase } from '../../domain/case.ts'
import type { Coupon, CouponSecrets } from '../../domain/coupon.ts'
import { hold } from '../../domain/decision.ts'
import { beginReserving, beginSending, type Sendable } from '../../domain/submission.ts'
import type { Transfer, TransferSecrets } from '../../domain/transfer.ts'
import type { Order, OrderedTransfer } from '../../providers/client.ts'
import type { CommitRequest } from '../../store/commit.ts'
import type { AccountDeps, Later, Turn } from './deps.ts'
import { giveOrder, repeatOrder } from './order.ts'
import { hourMs } from './times.ts'

export function toOrdered(
  { reference, amount }: Transfer,
  { beneficiary, remark }: TransferSecrets,
): OrderedTransfer {
  return { reference, amount, beneficiary, ...(remark !== undefined && { remark }) }
}

export async function reserve(deps: AccountDeps, turn: Turn, intent: Transfer): Promise<Later> {
  const [secrets] = (await deps.vault.openAllSecrets([intent])) as [TransferSecrets | undefined]
  if (!secrets?.beneficiary) return holdErased(deps, intent)
  const order: Order = { call: 'reserve', ...toOrdered(intent, secrets) }
  return giveOrder(deps, turn, beginReserving(intent, deps.clock()), order)
}

/** Names nobody: what was set aside has a beneficiary. */
export async function pay(deps: AccountDeps, turn: Turn, intent: Transfer): Promise<Later> {
  const { reference, providerReference: reservation, submission } = intent
  if (reservation === undefined) return { at: deps.clock() + hourMs }
  const order: Order = { call: 'pay', reference, reservation, force: submission?.force ?? false }
  return giveOrder(deps, turn, beginSending(intent, deps.clock()), order)
}

export async function grant(
  deps: AccountDeps,
  turn: Turn,
  intent: Coupon,
  mode: 'first' | 'again',
): Promise<Later> {
  const [secrets] = (await deps.vault.openAllSecrets([intent])) as [CouponSecrets | undefined]
  if (!secrets?.openid) return mode === 'first' ? holdErased(deps, intent) : reportErased(deps, intent)
  const { reference, stockId, appid, amount } = intent
  const { openid, name = '', idCard = '' } = secrets
  const order: Order = {
    call: 'grant',
    reference,
    stockId,
    appid,
    openid,
    name,
    idCard,
    ...(amount && { amount }),
  }
  if (mode === 'again') return repeatOrder(deps, turn, order)
  return giveOrder(deps, turn, beginSending(intent, deps.clock()), order)
}

/** Whom to pay was erased before it was paid, so a person has to say what becomes of it. */
export async function holdErased(deps: AccountDeps, intent: Sendable): Promise<Later> {
  const request = requestErased(intent, deps.clock())
  reportErased(deps, intent)
  if (request) await deps.intents.commit(request)
  return { at: deps.clock() + hourMs }
}

export function requestErased(intent: Sendable, now: number): CommitRequest | undefined {
  const decision = hold<Sendable>(intent, {}, 'refused-by-provider', now)
  const held = decision.verdict === 'held' ? decision.steps.at(-1)?.intent : undefined
  if (decision.verdict !== 'held' || !held?.hold) return undefined
  const after = {
    ...openHeldCase({ ...held, hold: held.hold }, undefined, now),
    reason: 'Whom it is for was erased, so it cannot be sent; it is not paid.',
  }
  return {
    before: intent,
    steps: decision.steps,
    because: { source: 'watch', reason: decision.reason },
    case: { after },
    at: now,
  }
}

export function reportErased({ account, logger, clock }: AccountDeps, { id }: Pick<Sendable, 'id'>): Later {
  logger.error('submission.erased', { account, intentId: id })
  return { at: clock() + hourMs }
}
