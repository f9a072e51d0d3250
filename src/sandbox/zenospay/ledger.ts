/** The payouts of the make-believe Zenospay and the merchant's funds with it, which move with each of them. */

import type { Fate } from '../fates.ts'
import { chooseReason, createPayout, type Payout } from './payout.ts'
import type { Inquiry } from './requests.ts'

export interface LedgerDeps {
  clock: () => number
  /** Hundredths of a rupiah. */
  balanceMinor: bigint
  /** Thirty minutes, as documented. */
  reservationMs: number
}

export interface Ledger {
  findByReference(reference: string): Payout | undefined
  findByInquiry(inquiryId: string): Payout | undefined
  /** Undefined where the funds do not cover it. */
  reserve(asked: Inquiry, fate: Fate): Payout | undefined
  order(payout: Payout): void
  settle(payout: Payout): void
  /** The bank gives it back. */
  giveBack(payout: Payout): void
  funds(): { balance: bigint; reserved: bigint; outstanding: bigint }
  all(): Payout[]
}

const minorPerRupiah = 100n

export function createLedger({ clock, balanceMinor, reservationMs }: LedgerDeps): Ledger {
  const byReference = new Map<string, Payout>()
  const byInquiry = new Map<string, Payout>()
  /** In the order in which they run out. */
  const waiting = new Set<Payout>()
  let [available, reserved, outstanding] = [balanceMinor, 0n, 0n]

  /** What was not ordered in time is free again. */
  function expire(): void {
    for (const payout of waiting) {
      if (clock() < payout.validUntil) return
      release(payout)
      available += costOf(payout)
      Object.assign(payout, {
        status: 'expired',
        reason: 'The inquiry has expired',
        updatedAt: payout.validUntil,
      })
    }
  }

  function release(payout: Payout): void {
    waiting.delete(payout)
    reserved -= costOf(payout)
  }

  return {
    funds() {
      expire()
      return { balance: available, reserved, outstanding }
    },
    findByReference(reference) {
      expire()
      return byReference.get(reference)
    },
    findByInquiry(inquiryId) {
      expire()
      return byInquiry.get(inquiryId)
    },
    reserve(asked, fate) {
      expire()
      const payout = createPayout(asked, { fate, now: clock(), reservationMs })
      const cost = costOf(payout)
      if (available < cost) return undefined
      available -= cost
      reserved += cost
      byReference.set(payout.reference, payout)
      byInquiry.set(payout.inquiryId, payout)
      waiting.add(payout)
      return payout
    },
    order(payout) {
      release(payout)
      outstanding += costOf(payout)
      Object.assign(payout, { status: 'processing', updatedAt: clock() })
      payout.paidOrders += 1
    },
    settle(payout) {
      const { fate } = payout
      outstanding -= costOf(payout)
      Object.assign(payout, { status: fate.outcome, updatedAt: clock() })
      if (fate.outcome === 'success') return
      available += costOf(payout)
      payout.reason = chooseReason(fate)
    },
    giveBack(payout) {
      available += payout.amount * minorPerRupiah
      Object.assign(payout, { status: 'fail', reason: 'Returned by the bank', updatedAt: clock() })
    },
    all() {
      expire()
      return [...byReference.values()]
    },
  }
}

function costOf({ amount, fee }: Payout): bigint {
  return (amount + fee) * minorPerRupiah
}
