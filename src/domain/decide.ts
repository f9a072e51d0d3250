/**
 * The only place where a transfer changes. Pure: no I/O and no clock, so every rule here is a table or a line of a
 * test. The result is committed by one script that compares versions, so a decision made on a stale transfer is
 * thrown away and made again.
 *
 * What holds: a state moves as the table below allows and not otherwise; the amount never changes; an ambiguity is
 * held for a person and never guessed; the same fact a second time changes nothing; each change takes the next
 * sequence number, so a gap among a transfer's events shows.
 */
import { sameMoney } from './money.ts'
import type { Observation, ObservedStatus } from './observation.ts'
import type { Beneficiary, HoldReason, Transfer, TransferState } from './transfer.ts'

export type FactName = 'registered' | 'processing' | 'succeeded' | 'failed' | 'returned' | 'held'

/** One thing that became true of a transfer, numbered. */
export interface Fact {
  name: FactName
  sequence: number
  /** The fields that changed, as they were and as they are. */
  change: { from: FactState | null; to: FactState }
}

export interface FactState {
  state: TransferState
  held: boolean
}

export type Decision =
  | { verdict: 'applied'; transfer: Transfer; fact: Fact }
  | { verdict: 'held'; transfer: Transfer; fact: Fact; reason: HoldReason }
  /** Known already: nothing changes. */
  | { verdict: 'repeat' }
  /** True once, overtaken since: nothing changes. */
  | { verdict: 'stale' }
  /** The transfer waits for a person; what arrives meanwhile is kept for them and changes nothing. */
  | { verdict: 'awaits-person' }

type Move = 'move' | 'repeat' | 'stale' | 'contradiction'

/** Rows: the state a transfer is in. Columns: what is observed. */
export const moves: Record<TransferState, Record<ObservedStatus, Move>> = {
  registered: { processing: 'move', succeeded: 'move', failed: 'move', returned: 'contradiction' },
  submitted: { processing: 'move', succeeded: 'move', failed: 'move', returned: 'contradiction' },
  processing: { processing: 'repeat', succeeded: 'move', failed: 'move', returned: 'contradiction' },
  succeeded: { processing: 'stale', succeeded: 'repeat', failed: 'contradiction', returned: 'move' },
  failed: { processing: 'stale', succeeded: 'contradiction', failed: 'repeat', returned: 'contradiction' },
  returned: { processing: 'stale', succeeded: 'stale', failed: 'contradiction', returned: 'repeat' },
  cancelled: { processing: 'stale', succeeded: 'contradiction', failed: 'stale', returned: 'contradiction' },
  expired: { processing: 'stale', succeeded: 'contradiction', failed: 'stale', returned: 'contradiction' },
}

export function decide(transfer: Transfer, observation: Observation, now: number): Decision {
  if (transfer.hold) return { verdict: 'awaits-person' }
  const difference = findDifference(transfer, observation)
  if (difference) return hold(transfer, difference, now)
  const move = moves[transfer.state][observation.status]
  switch (move) {
    case 'move':
      return apply(transfer, observation, now)
    case 'contradiction':
      return hold(transfer, 'final-state-contradicted', now)
    case 'repeat':
    case 'stale':
      return { verdict: move }
  }
}

/** A new transfer is a decision as well: the first fact about it. */
export function register(
  intent: Omit<Transfer, 'state' | 'sequence' | 'createdAt' | 'updatedAt'>,
  now: number,
): { transfer: Transfer; fact: Fact } {
  const transfer: Transfer = { ...intent, state: 'registered', sequence: 1, createdAt: now, updatedAt: now }
  return {
    transfer,
    fact: { name: 'registered', sequence: 1, change: { from: null, to: factState(transfer) } },
  }
}

/** What is observed must be about the very payout that was registered, whatever state it is in. */
function findDifference(transfer: Transfer, seen: Observation): HoldReason | undefined {
  if (seen.amount && seen.amount.currency !== transfer.amount.currency) return 'currency-differs'
  if (seen.amount && !sameMoney(seen.amount, transfer.amount)) return 'amount-differs'
  if (differ(transfer.providerReference, seen.providerReference)) return 'provider-reference-differs'
  return findOtherBeneficiary(transfer.beneficiary, seen)
}

function findOtherBeneficiary(beneficiary: Beneficiary, seen: Observation): HoldReason | undefined {
  switch (beneficiary.kind) {
    case 'bank':
      return differ(beneficiary.accountNumber, seen.accountNumber) ? 'account-number-differs' : undefined
    case 'wechatpay':
      return differ(beneficiary.openid, seen.openid) ? 'openid-differs' : undefined
  }
}

function differ(known: string | undefined, seen: string | undefined): boolean {
  return known !== undefined && seen !== undefined && known !== seen
}

function apply(before: Transfer, seen: Observation, now: number): Decision {
  const state = seen.status
  const transfer: Transfer = {
    ...before,
    state,
    sequence: before.sequence + 1,
    updatedAt: now,
  }
  const providerReference = before.providerReference ?? seen.providerReference
  if (providerReference !== undefined) transfer.providerReference = providerReference
  const fee = before.fee ?? seen.fee
  if (fee) transfer.fee = fee
  if (state === 'succeeded') transfer.settledAt = seen.occurredAt ?? now
  if (state === 'failed') transfer.failure = seen.failure ?? { code: 'unknown' }
  return { verdict: 'applied', transfer, fact: describe(state, before, transfer) }
}

function hold(before: Transfer, reason: HoldReason, now: number): Decision {
  const transfer = { ...before, hold: { reason, at: now }, sequence: before.sequence + 1, updatedAt: now }
  return { verdict: 'held', transfer, fact: describe('held', before, transfer), reason }
}

function describe(name: FactName, before: Transfer, after: Transfer): Fact {
  return { name, sequence: after.sequence, change: { from: factState(before), to: factState(after) } }
}

function factState(transfer: Transfer): FactState {
  return { state: transfer.state, held: transfer.hold !== undefined }
}
