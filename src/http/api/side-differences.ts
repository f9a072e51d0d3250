/** In which of the shown fields what a receipt said is not what we know. A name is told by its digest, so nobody's is opened. */
import type { Coupon } from '../../domain/coupon.ts'
import { currencyOf } from '../../domain/decide-coupon.ts'
import type { Intent } from '../../domain/intent.ts'
import { type Money, sameMoney } from '../../domain/money.ts'
import type {
  CollectionObservation,
  CouponGrantObservation,
  CouponUseObservation,
  Observation,
  SubmissionObservation,
  TransferObservation,
} from '../../domain/observation.ts'
import { amountOf, type Transfer } from '../../domain/transfer.ts'

export function findDifferences(intent: Intent, seen: Observation): string[] {
  const differences = compare(intent, seen)
  return Object.entries(differences).flatMap(([field, differs]) => (differs ? [field] : []))
}

function compare(intent: Intent, seen: Observation): Record<string, boolean> {
  if (intent.kind === 'transfer' && seen.kind === 'transfer')
    return { status: intent.state !== seen.status, ...compareTransfer(intent, seen) }
  // How far the sending has come is no other state of what is sent.
  if (intent.kind === 'transfer' && seen.kind === 'submission') return compareTransfer(intent, seen)
  if (intent.kind === 'coupon' && (seen.kind === 'coupon-grant' || seen.kind === 'coupon-use'))
    return compareCoupon(intent, seen)
  if (intent.kind === 'collection' && seen.kind === 'collection') {
    const fields = ['amount', 'fee', 'net'] as const
    const money = fields.map((field) => [field, differInMoney(intent[field], seen[field])] as const)
    return { ...Object.fromEntries(money), ...compareReference(intent, seen) }
  }
  if (intent.kind === 'batch' && seen.kind === 'batch') {
    const { providerReference, amount, count } = intent
    return {
      status: intent.state !== seen.status,
      providerReference: differ(providerReference, seen.providerReference),
      count: differ(count, seen.figures?.count),
      amount: differInMoney(amount, seen.figures?.amount),
    }
  }
  return {}
}

function compareTransfer(
  intent: Transfer,
  seen: TransferObservation | SubmissionObservation,
): Record<string, boolean> {
  const { providerReference, payee, personal } = intent
  const isSameKind = seen.payee?.kind === payee.kind
  const isAccepted = payee.accepted !== undefined && seen.payee?.person === payee.accepted
  return {
    amount: differInMoney(amountOf(intent), seen.amount),
    providerReference: differ(providerReference, seen.providerReference),
    [payee.kind === 'bank' ? 'accountNumber' : 'openid']:
      isSameKind && !isAccepted && differ(personal.person, seen.payee?.person),
    name: differ(payee.nameDigest, seen.payee?.nameDigest),
  }
}

function compareCoupon(
  coupon: Coupon,
  seen: CouponGrantObservation | CouponUseObservation,
): Record<string, boolean> {
  const number = { providerReference: differ(coupon.couponNumber, seen.couponNumber) }
  if (seen.kind === 'coupon-grant') return { status: coupon.state !== seen.status, ...number }
  const used = coupon.uses.find(({ transaction }) => transaction === seen.transaction)
  return {
    ...number,
    status: coupon.state !== 'granted',
    stockId: coupon.stockId !== seen.stockId,
    amount: differInMoney(used?.amount, seen.amount) || differ(currencyOf(coupon), seen.amount.currency),
  }
}

function compareReference({ reference }: { reference: string }, seen: CollectionObservation) {
  return { reference: reference !== seen.reference }
}

function differ<Value>(known: Value | undefined, seen: Value | undefined): boolean {
  return known !== undefined && seen !== undefined && known !== seen
}

function differInMoney(known: Money | undefined, seen: Money | undefined): boolean {
  return known !== undefined && seen !== undefined && !sameMoney(known, seen)
}
