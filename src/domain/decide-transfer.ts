import { type Decision, type FactName, hold, type Step, step } from './decision.ts'
import type { Failure } from './failure.ts'
import type { HoldReason } from './intent.ts'
import { sameMoney } from './money.ts'
import type { ObservedPayee, ObservedStatus, OperatorResolution, TransferObservation } from './observation.ts'
import { mayBeSent, submissionHolds } from './submission.ts'
import { finalTransferStates, type Transfer, type TransferState } from './transfer.ts'

export type Move = 'move' | 'repeat' | 'stale' | 'contradiction'

/** Rows: the state a transfer is in. Columns: what is observed. */
export const transferMoves: Record<TransferState, Record<ObservedStatus, Move>> = {
  registered: { processing: 'move', succeeded: 'move', failed: 'move', returned: 'contradiction' },
  submitted: { processing: 'move', succeeded: 'move', failed: 'move', returned: 'contradiction' },
  processing: { processing: 'repeat', succeeded: 'move', failed: 'move', returned: 'contradiction' },
  succeeded: { processing: 'stale', succeeded: 'repeat', failed: 'contradiction', returned: 'move' },
  failed: { processing: 'stale', succeeded: 'contradiction', failed: 'repeat', returned: 'contradiction' },
  returned: { processing: 'stale', succeeded: 'stale', failed: 'contradiction', returned: 'repeat' },
  cancelled: { processing: 'stale', succeeded: 'contradiction', failed: 'stale', returned: 'contradiction' },
  expired: { processing: 'stale', succeeded: 'contradiction', failed: 'stale', returned: 'contradiction' },
}

/** A new transfer is a decision as well: the first fact about it. */
export function registerTransfer(
  intent: Omit<Transfer, 'kind' | 'state' | 'sequence' | 'createdAt' | 'updatedAt'>,
  now: number,
): Step<Transfer> {
  return step<Transfer>(
    'registered',
    null,
    { ...intent, kind: 'transfer', state: 'registered', createdAt: now },
    now,
  )
}

export function decideTransfer(
  transfer: Transfer,
  seen: TransferObservation,
  now: number,
): Decision<Transfer> {
  const difference = findDifference(transfer, seen)
  if (!difference && seen.status === 'processing' && saysNothing(transfer)) return { verdict: 'stale' }
  if (transfer.hold) return { verdict: 'awaits-person' }
  if (difference) return hold<Transfer>(transfer, seen, difference, now)
  if (isMissedReturn(transfer, seen)) return catchUp(transfer, seen, now)
  const move = transferMoves[transfer.state][seen.status]
  switch (move) {
    case 'move':
      return decideMove(transfer, seen, now)
    case 'contradiction':
      return hold<Transfer>(transfer, seen, 'final-state-contradicted', now)
    case 'repeat':
      return report(transfer, seen, now)
    case 'stale':
      return { verdict: 'stale' }
  }
}

/**
 * What was only set aside, or set aside and then refused, is as pending at some providers as what is being paid. Before
 * any call of ours it was somebody else who sent it.
 */
function saysNothing({ state, submission, hold }: Transfer): boolean {
  if (!submission || state === 'registered') return false
  return hold ? submissionHolds.has(hold.reason) : state === 'submitted' && !mayBeSent({ submission })
}

/** The provider itself says that it came back, so it arrived before that, though nobody told. */
function isMissedReturn({ state }: Transfer, { status, source }: TransferObservation): boolean {
  return status === 'returned' && source === 'query' && !finalTransferStates.has(state)
}

function catchUp(before: Transfer, seen: TransferObservation, now: number): Decision<Transfer> {
  const arrived = decideMove(before, { ...seen, status: 'succeeded' }, now)
  const last = 'steps' in arrived ? arrived.steps.at(-1) : undefined
  if (arrived.verdict !== 'applied' || !last) return arrived
  const returned = apply(last.intent, seen, now)
  return returned.verdict === 'applied'
    ? { ...returned, steps: [...arrived.steps, ...returned.steps] }
    : returned
}

function decideMove(before: Transfer, seen: TransferObservation, now: number): Decision<Transfer> {
  return isOlder(before, seen) ? { verdict: 'stale', ask: true } : apply(before, seen, now)
}

/**
 * The money of a transfer that was not sent yet is still ours, also where a call was begun and certainly not made.
 * Undefined where it is too late for that.
 */
export function cancelTransfer(transfer: Transfer, now: number): Step<Transfer> | undefined {
  const isUnsent = transfer.state === 'submitted' && transfer.submission?.step === 'waiting'
  if ((transfer.state !== 'registered' && !isUnsent) || transfer.hold) return undefined
  return step<Transfer>('cancelled', transfer, { ...transfer, state: 'cancelled' }, now)
}

/** What a person decided of a held transfer, beside its release: undefined where it stays as it is. */
export function settleByPerson(
  before: Transfer,
  { action, theirs }: OperatorResolution,
  now: number,
): Step<Transfer> | undefined {
  if (action === 'cancel' && before.state !== 'cancelled') return moveByPerson(before, cancelled(before), now)
  if (action === 'take-theirs' && theirs?.kind === 'transfer')
    return moveByPerson(before, takeTheirs(before, theirs, now), now)
  return undefined
}

/** Their amount, number and beneficiary are taken in any case; their state only where it is not overtaken. */
function takeTheirs(before: Transfer, theirs: TransferObservation, now: number): Transfer {
  const after = takeIdentity(before, theirs)
  if (transferMoves[before.state][theirs.status] === 'stale') return after
  const { failure: _, settledAt, ...rest } = after
  return {
    ...rest,
    ...(theirs.status === 'returned' && settledAt !== undefined && { settledAt }),
    ...settle(after, theirs, now),
    state: theirs.status,
    // Nothing that is older than what was known can come into its own by this.
    ...(before.asOf !== undefined && { asOf: Math.max(before.asOf, theirs.occurredAt ?? 0) }),
  }
}

function takeIdentity(before: Transfer, { amount, payee, providerReference }: TransferObservation): Transfer {
  const after: Transfer = { ...before, ...(providerReference !== undefined && { providerReference }) }
  if (amount) {
    delete after.settledAmount
    if (!sameMoney(amount, before.amount)) after.settledAmount = amount
  }
  if (payee?.person !== undefined && payee.kind === before.payee.kind) {
    const { accepted: _, ...registered } = before.payee
    const isRegistered = payee.person === before.personal.person
    after.payee = isRegistered ? registered : { ...registered, accepted: payee.person }
  }
  return after
}

/** Nothing is left of the state that it was in. */
function cancelled({ failure: _, settledAt: __, settledBy: ___, ...rest }: Transfer): Transfer {
  return { ...rest, state: 'cancelled' }
}

/** Out of a final state it is a correction, whatever it says. */
function moveByPerson(before: Transfer, after: Transfer, now: number): Step<Transfer> {
  const name: FactName =
    finalTransferStates.has(before.state) || before.state === after.state
      ? 'corrected'
      : (after.state as FactName)
  return step<Transfer>(name, before, after, now)
}

/** What is observed must be about the very payout that was registered, whatever state it is in. */
function findDifference(transfer: Transfer, seen: TransferObservation): HoldReason | undefined {
  const amount = transfer.settledAmount ?? transfer.amount
  if (seen.takenBy !== undefined) return 'provider-reference-taken'
  if (seen.amount && seen.amount.currency !== amount.currency) return 'currency-differs'
  if (seen.amount && !sameMoney(seen.amount, amount)) return 'amount-differs'
  if (differ(transfer.providerReference, seen.providerReference)) return 'provider-reference-differs'
  return seen.payee && findOtherPayee(transfer, seen.payee)
}

function findOtherPayee({ payee, personal }: Transfer, seen: ObservedPayee): HoldReason | undefined {
  if (seen.kind !== payee.kind || !differ(personal.person, seen.person)) return undefined
  if (seen.person === payee.accepted) return undefined
  return payee.kind === 'bank' ? 'account-number-differs' : 'openid-differs'
}

function differ(known: string | undefined, seen: string | undefined): boolean {
  return known !== undefined && seen !== undefined && known !== seen
}

/** Equal times say nothing about the order. */
function isOlder({ asOf }: Transfer, { occurredAt }: TransferObservation): boolean {
  return asOf !== undefined && occurredAt !== undefined && occurredAt < asOf
}

function apply(before: Transfer, seen: TransferObservation, now: number): Decision<Transfer> {
  const after: Transfer = { ...before, ...settle(before, seen, now), state: seen.status }
  const decision: Decision<Transfer> = { verdict: 'applied', steps: [step(seen.status, before, after, now)] }
  return differ(before.payee.nameDigest, seen.payee?.nameDigest)
    ? { ...decision, warnings: ['name-differs'] }
    : decision
}

/** The state is known; what only a query tells, as the fee and why it failed, may be new. */
function report(before: Transfer, seen: TransferObservation, now: number): Decision<Transfer> {
  const { providerReference = seen.providerReference, fee = seen.fee } = before
  const failure = before.state === 'failed' ? explain(before.failure, seen.failure) : before.failure
  const isNews =
    providerReference !== before.providerReference || fee !== before.fee || failure !== before.failure
  if (!isNews) return { verdict: 'repeat' }
  const after: Transfer = {
    ...before,
    ...(providerReference !== undefined && { providerReference }),
    ...(fee && { fee }),
    ...(failure && { failure }),
  }
  return { verdict: 'applied', steps: [step<Transfer>('reported', before, after, now)] }
}

/** A reason where none was known, and never another one in its place; so two sources cannot go on correcting each other. */
function explain(known: Failure | undefined, seen: Failure | undefined): Failure | undefined {
  if (!seen || known?.reason !== undefined) return known
  const isBetter = seen.reason !== undefined ? weigh(known) <= weigh(seen) : weigh(known) < weigh(seen)
  return isBetter ? seen : known
}

function weigh(failure: Failure | undefined): number {
  if (!failure) return 0
  // Neither says why, and the provider's own word does, whatever its code.
  if (failure.code === 'unknown') return failure.reason === undefined ? 1 : 2
  return failure.code === 'declined-by-provider' ? 2 : 3
}

/** What an observation adds to what is known, beside the state. */
function settle(before: Transfer, seen: TransferObservation, now: number): Partial<Transfer> {
  const providerReference = before.providerReference ?? seen.providerReference
  const fee = seen.fee ?? before.fee
  return {
    ...(providerReference !== undefined && { providerReference }),
    ...(fee && { fee }),
    ...(seen.status === 'succeeded' && { settledAt: seen.occurredAt ?? now }),
    ...(seen.status === 'failed' && { failure: seen.failure ?? before.failure ?? { code: 'unknown' } }),
    ...(seen.occurredAt !== undefined && { asOf: seen.occurredAt }),
    settledBy: seen.receiptId,
  }
}
