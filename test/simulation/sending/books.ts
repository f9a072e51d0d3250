/** At rest, when all questions were asked: what the provider has done and what we say of it are the same. */
import type { ReceiptId } from '../../../src/domain/ids.ts'
import type { Intent } from '../../../src/domain/intent.ts'
import type { Target } from '../../../src/store/intents.ts'
import { checkReceipts } from '../ends.ts'
import { ensure } from '../failure.ts'
import type { Jobs } from '../jobs.ts'
import type { Stage } from '../stage.ts'
import type { Desk } from './provider.ts'

export interface SendingBooks {
  stage: Stage
  desk: Desk
  jobs: Jobs
  counted: ReadonlySet<ReceiptId>
  /** Whatever may be there. */
  targets: readonly Target[]
}

export async function checkSending({ stage, desk, jobs, counted, targets }: SendingBooks) {
  const intents = stage.checkers.intents()
  const ids = intents.map(({ id }) => id)
  await stage.compareAll(ids, targets)
  for (const { reference } of desk.book.all())
    ensure(
      intents.some((one) => one.reference === reference),
      () => `${reference} was paid and is not known.`,
    )
  for (const intent of intents) checkIntent(intent, desk)
  const looks = await stage.real.look(ids)
  for (const { intent, watched } of looks)
    ensure(watched === undefined, () => `${intent?.id} is settled and watched.`)
  return checkReceipts({ stage, jobs, counted, ids, targets })
}

function checkIntent({ kind, reference, state, hold }: Intent, { book }: Desk): void {
  ensure(!hold, () => `${reference} is held: ${hold?.reason}.`)
  if (kind === 'batch') {
    ensure(state === 'finished' || state === 'closed', () => `${reference} is ${state}.`)
    return
  }
  const paid = book.of(reference)?.state
  const good = kind === 'coupon' ? 'granted' : 'succeeded'
  const expected = paid === 'succeeded' ? [good] : paid === undefined ? unpaid : [paid]
  ensure(
    expected.includes(state),
    () => `${reference} is ${state}, and ${paid ?? 'not paid'} at the provider.`,
  )
}

const unpaid: readonly string[] = ['failed', 'cancelled', 'expired']
