/** At the end of a history of callbacks: where each is, what was used and what came of the batch, and the open cases. */
import type { Case } from '../../src/domain/case.ts'
import type { ReceiptId } from '../../src/domain/ids.ts'
import type { Intent } from '../../src/domain/intent.ts'
import { aliasIdOf } from '../../src/store/ids.ts'
import type { Target } from '../../src/store/intents.ts'
import { account } from '../model/things.ts'
import { checkReceipts } from './ends.ts'
import { ensure, show } from './failure.ts'
import type { Jobs } from './jobs.ts'
import type { Stage } from './stage.ts'
import { couponNumbers, couponWorth, ghost, type idsOf, loneTransfers, members } from './words.ts'

export interface Books {
  stage: Stage
  jobs: Jobs
  /** Came in the same bytes as another, and was only counted. */
  counted: ReadonlySet<ReceiptId>
  ids: ReturnType<typeof idsOf>
}

export async function checkBooks({ stage, jobs, counted, ids }: Books): Promise<Record<string, number>> {
  const intents = stage.checkers.intents()
  const targets = new Set<Target>([aliasIdOf('coupon', account, couponNumbers.own)])
  for (const name of [...loneTransfers, ...members, ghost]) targets.add(ids.transfer(name))
  const all = intents.map(({ id }) => id)
  await stage.compareAll(all, [...targets])
  const outcomes = await checkReceipts({ stage, jobs, counted, ids: all, targets: [...targets] })
  checkMoney(intents)
  await checkLinks(stage, intents)
  await checkCases({ stage, jobs }, intents)
  return outcomes
}

/** Nothing waits under a number that a coupon bears. */
async function checkLinks(stage: Stage, intents: readonly Intent[]): Promise<void> {
  const bears = intents.some((one) => one.kind === 'coupon' && one.couponNumber === couponNumbers.own)
  const [waiting = []] = await stage.real.lookAt([aliasIdOf('coupon', account, couponNumbers.own)])
  ensure(!bears || waiting.length === 0, () => `${waiting.length} wait under a number that is known.`)
}

function checkMoney(intents: readonly Intent[]): void {
  const batch = intents.find(({ kind }) => kind === 'batch')
  for (const intent of intents) {
    const corrected = (intent.dismissed?.length ?? 0) > 0
    if (intent.kind === 'coupon' && !corrected) {
      const used = intent.uses.reduce((sum, { amount }) => sum + amount.minor, 0n)
      ensure(used <= couponWorth, 'More was used than it is worth.')
      const distinct = new Set(intent.uses.map(({ transaction }) => transaction))
      ensure(distinct.size === intent.uses.length, 'One purchase was counted twice.')
    }
    if (intent.kind === 'transfer' && intent.batch)
      ensure(batch?.kind === 'batch', 'A transfer without its batch.')
  }
  if (batch?.kind !== 'batch') return
  const own = intents.filter((one) => one.kind === 'transfer' && one.batch === batch.id)
  const over = own.every(({ state }) => !['registered', 'submitted', 'processing'].includes(state))
  const isDone = batch.state === 'finished' || batch.state === 'closed'
  ensure(
    over === (batch.state === 'finished') || batch.state === 'closed',
    () => `The batch is ${batch.state}.`,
  )
  ensure(!isDone || batch.published !== undefined, 'The end of a batch says what it came to.')
}

async function checkCases(
  { stage, jobs }: Pick<Books, 'stage' | 'jobs'>,
  intents: readonly Intent[],
): Promise<void> {
  const { cases } = await stage.real.cases.list({ state: 'open', limit: 1_000 })
  const expected = await stage.model.cases.list({ state: 'open', limit: 1_000 })
  ensure(show(cases) === show(expected.cases), 'The open cases are not those of the model.')
  const held = intents.flatMap(({ hold }) => (hold ? [hold.case] : [])).sort()
  const openHolds = cases.filter((one: Case) => one.kind === 'held').map(({ id }) => id)
  ensure(show(openHolds.sort()) === show(held), 'What is held and the open cases differ.')
  const failed = cases.flatMap((one) => (one.kind === 'callback-not-applied' ? [one.receipt] : []))
  ensure(show(failed.sort()) === show([...jobs.cased].sort()), 'What failed and the open cases differ.')
}
