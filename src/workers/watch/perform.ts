/** Does what is next about one intent, as it stands now. */
import type { Batch } from '../../domain/batch.ts'
import type { Coupon } from '../../domain/coupon.ts'
import { expireSubmission } from '../../domain/submission.ts'
import type { Transfer } from '../../domain/transfer.ts'
import { askCoupon, askTransfer } from './ask.ts'
import { askBatch } from './ask-batch.ts'
import { commitStep } from './commit-step.ts'
import type { AccountDeps, Later, Turn } from './deps.ts'
import { fanOut, follow } from './members.ts'
import { type Next, usualReservationMs } from './plan.ts'
import { sendBatch, sendBatchAgain } from './send-batch.ts'
import { grant, pay, reserve } from './send-one.ts'

/** Undefined: nothing is awaited of it any more. */
export async function perform(deps: AccountDeps, turn: Turn, next: Next): Promise<Later | undefined> {
  const { intent } = turn.found
  switch (next.do) {
    case 'reserve':
      return reserve(deps, turn, intent as Transfer)
    case 'pay':
      return pay(deps, turn, intent as Transfer)
    case 'pay-batch':
      return sendBatch(deps, turn, intent as Batch)
    case 'pay-batch-again':
      return sendBatchAgain(deps, turn, intent as Batch)
    case 'grant':
      return grant(deps, turn, intent as Coupon, 'first')
    case 'grant-again':
      return grant(deps, turn, intent as Coupon, 'again')
    case 'fan-out':
      return fanOut(deps, turn, intent as Batch)
    case 'follow':
      return follow(deps, turn, intent as Batch)
    case 'ask':
      return askAbout(deps, turn)
    case 'expire':
      return expire(deps, turn, intent as Transfer)
    case 'rest':
      return { at: next.until }
    case 'drop':
      return undefined
  }
}

function askAbout(deps: AccountDeps, turn: Turn): Promise<Later | undefined> {
  const { intent } = turn.found
  switch (intent.kind) {
    case 'transfer':
      return askTransfer(deps, turn, intent)
    case 'batch':
      return askBatch(deps, turn, intent)
    default:
      return askCoupon(deps, turn, intent as Coupon)
  }
}

async function expire(deps: AccountDeps, { found }: Turn, intent: Transfer): Promise<Later> {
  const { clock, terms } = deps
  const step = expireSubmission(intent, terms.reservationMs ?? usualReservationMs, clock())
  await commitStep(deps, found, step)
  return { at: clock() + 1_000 }
}
