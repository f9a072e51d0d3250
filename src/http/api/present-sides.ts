/**
 * Both sides of a case as an operator reads them. A number is never shown whole; a name as it was written only to who may
 * read transfers, who sees it there as well.
 */
import { consumedOf, currencyOf } from '../../domain/decide-coupon.ts'
import type { Intent } from '../../domain/intent.ts'
import type { Observation, Sighting } from '../../domain/observation.ts'
import { formatTime } from '../../domain/time.ts'
import type { Beneficiary, TransferSecrets } from '../../domain/transfer.ts'
import { presentBatch } from '../../events/batch-resource.ts'
import { erased, presentMoney, presentTime } from '../../events/shared-resource.ts'
import type { CaseSide, CaseSides } from '../../workers/case-sides.ts'
import { findDifferences } from './side-differences.ts'
import type { SideResource, SidesResource } from './side-schemas.ts'

export interface SideOptions {
  /** Whoever asks may read transfers. */
  names: boolean
}

export function presentSides({ ours, known, theirs }: CaseSides, options: SideOptions): SidesResource {
  const intent = ours?.intent
  return {
    ours: ours ? presentOurs(ours, options) : null,
    known: known && presentSide(known, intent, options),
    theirs: theirs.map((side) => presentSide(side, intent, options)),
  }
}

export function presentOurs(
  { intent, secrets, totals }: NonNullable<CaseSides['ours']>,
  { names }: SideOptions,
): SidesResource['ours'] {
  const { id, state, reference, hold, sequence, asOf, settledBy } = intent
  const base = { intent: id, reference, state, held: hold !== undefined, sequence }
  const since = { asOf: presentTime(asOf), receipt: settledBy }
  switch (intent.kind) {
    case 'transfer': {
      const { amount, settledAmount, providerReference } = intent
      const { beneficiary } = (secrets ?? {}) as Partial<TransferSecrets>
      return {
        ...base,
        amount: presentMoney(amount),
        settledAmount: settledAmount && presentMoney(settledAmount),
        providerReference,
        beneficiary: beneficiary ? presentPayee(readPayee(beneficiary), names) : erased,
        ...since,
      }
    }
    case 'batch': {
      const {
        count,
        amount,
        totals: shown,
        figures,
        providerReference,
      } = presentBatch(intent, totals?.totals)
      return { ...base, count, amount, totals: shown, figures, providerReference, ...since }
    }
    case 'coupon': {
      const { amount, couponNumber, stockId } = intent
      const currency = currencyOf(intent)
      const consumed = currency === undefined ? undefined : { minor: consumedOf(intent), currency }
      return {
        ...base,
        amount: amount && presentMoney(amount),
        consumed: consumed && presentMoney(consumed),
        providerReference: couponNumber,
        stockId,
        ...since,
      }
    }
    case 'collection': {
      const { amount, fee, net, transaction } = intent
      return {
        ...base,
        amount: presentMoney(amount),
        fee: fee && presentMoney(fee),
        net: net && presentMoney(net),
        providerReference: transaction,
        ...since,
      }
    }
  }
}

/** What a receipt said, and where that differs from what is known. */
export function presentSide(
  side: CaseSide,
  intent: Intent | undefined,
  { names }: SideOptions,
): SideResource {
  if (side.outcome === 'gone') return { receipt: side.receipt, gone: true }
  const { record } = side
  const base = { receipt: record.id, receivedAt: formatTime(record.receivedAt), outcome: record.outcome }
  if (side.outcome === 'erased') return { ...base, erased: true }
  if (side.outcome === 'not-readable') return { ...base, notReadable: side.because }
  const { observation, seen } = side
  return {
    ...base,
    source: observation.source,
    occurredAt: presentTime(observation.occurredAt),
    ...presentSaid(observation, seen, names),
    differs: intent && findDifferences(intent, observation),
  }
}

function presentSaid(observation: Observation, seen: Sighting, names: boolean): Partial<SideResource> {
  switch (observation.kind) {
    case 'transfer':
    case 'submission': {
      const { reference, status, amount, providerReference, failure, fee } = observation
      const payee = seen.kind === 'transfer' || seen.kind === 'submission' ? seen.payee : undefined
      return {
        reference,
        status,
        amount: amount && presentMoney(amount),
        fee: fee && presentMoney(fee),
        providerReference,
        beneficiary: payee && presentPayee(payee, names),
        failure,
      }
    }
    case 'batch': {
      const { reference, status, providerReference, closeReason, figures = {} } = observation
      const { amount, succeededAmount, failedAmount, ...counts } = figures
      return {
        reference,
        status,
        providerReference,
        closeReason,
        figures: {
          ...counts,
          amount: amount && presentMoney(amount),
          succeededAmount: succeededAmount && presentMoney(succeededAmount),
          failedAmount: failedAmount && presentMoney(failedAmount),
        },
      }
    }
    case 'coupon-grant': {
      const { reference, status, couponNumber, failure } = observation
      return { reference, status, providerReference: couponNumber, failure }
    }
    case 'coupon-use': {
      const { couponNumber, stockId, transaction, amount } = observation
      const said = { providerReference: couponNumber, stockId, transaction }
      return { status: 'used', ...said, amount: presentMoney(amount) }
    }
    case 'collection': {
      const { reference, transaction, amount, fee, net } = observation
      return {
        reference,
        status: 'completed',
        amount: presentMoney(amount),
        fee: fee && presentMoney(fee),
        net: net && presentMoney(net),
        providerReference: transaction,
      }
    }
  }
}

interface Payee {
  kind: Beneficiary['kind']
  number?: string
  name?: string
}

function readPayee(beneficiary: Beneficiary): Payee {
  const { kind, name } = beneficiary
  const number = beneficiary.kind === 'bank' ? beneficiary.accountNumber : beneficiary.openid
  return { kind, number, ...(name !== undefined && { name }) }
}

function presentPayee({ kind, number, name }: Payee, names: boolean) {
  return {
    ...(number !== undefined && { [kind === 'bank' ? 'accountNumber' : 'openid']: maskNumber(number) }),
    ...(names && name !== undefined && { name }),
  }
}

/** The last four, or half of what is shorter; how long it is does not show. */
export function maskNumber(number: string): string {
  const letters = [...number]
  const shown = Math.min(4, Math.floor(letters.length / 2))
  return `****${letters.slice(letters.length - shown).join('')}`
}
