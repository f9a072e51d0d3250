/** One history: its operations, one after the other, then everything that is still under way, then the books. */
import { createHash } from 'node:crypto'
import { createIdMaker, type ReceiptId } from '../../src/domain/ids.ts'
import type { RedisClient } from '../../src/redis/client.ts'
import type { CommitRequest } from '../../src/store/commit.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'
import { createFinishLinks } from '../../src/workers/finish-links.ts'
import { createSettleBatches } from '../../src/workers/settle-batches.ts'
import { account } from '../model/things.ts'
import { digestFact, digestPerson, keyring } from '../support/store.ts'
import { checkBooks } from './books.ts'
import { createCrew } from './crew.ts'
import { ensure, show } from './failure.ts'
import { createJobs } from './jobs.ts'
import { createJudge, type Said } from './judge.ts'
import { createOperator } from './operator.ts'
import type { Operation, Plan } from './plan.ts'
import { createRandom } from './random.ts'
import { createStage, type Parts } from './stage.ts'
import { createThings, registeredEvent } from './things.ts'
import { createTurnstile } from './turnstile.ts'
import {
  batchName,
  bodyOf,
  couponName,
  couponWorth,
  createSimulatedProvider,
  loneTransfers,
  type TransferWords,
  type Words,
} from './words.ts'

export interface WorldReport {
  operations: number
  steps: number
  deaths: number
  checks: number
  effects: number
  /** How many callbacks ended where. */
  outcomes: Record<string, number>
  /** Of what we send, how many ended as what. */
  ends: Record<string, number>
}

const parkedMax = 24
const roundsMax = 200

export async function playWorld(redis: RedisClient, { seed, operations }: Plan): Promise<WorldReport> {
  const random = createRandom(seed ^ 0x5eed)
  const turnstile = createTurnstile(redis)
  const judge = createJudge()
  let now = 1_000_000_000_000
  const clock = () => now
  const things = createThings(seed, clock, { coupon: { amount: { minor: couponWorth, currency: 'THB' } } })
  const mint = createIdMaker(clock, (count) => Uint8Array.from({ length: count }, () => random.below(256)))

  const said = new Map<ReceiptId, Said>()
  /** Came in the same bytes as another, and is only counted. */
  const counted = new Set<ReceiptId>()

  const stage = createStage({
    redis,
    turnstile,
    prefix: `s${seed}-${createHash('md5').update(String(Math.random())).digest('hex').slice(0, 6)}`,
    clock,
    parkedMax,
    mirrored: {
      batch: things.ids.batch,
      targets: things.targets,
      eventOf: registeredEvent,
    },
    watcher: { committed: review, claimed: judge.claimed, moved: judge.moved },
  })
  const providers = new Map([[account, createSimulatedProvider(seed)]])
  const observing = { providers, sealer: keyring, digestPerson, digestFact }
  const crew = createCrew({ turnstile, partsFor: stage.partsFor, died: (actor) => jobs.died(actor) })
  const jobs = createJobs({ crew: () => crew, observing, mintReceipt: mint.receiptId, clock })
  const { acknowledged } = jobs
  const resolve = createOperator({ observing, pump: jobs.pump, clock })

  /** What was decided is what the judge says. */
  function review(request: CommitRequest): void {
    const { because, before, steps: made, receipt, repeat } = request
    const intent = made.at(-1)?.intent ?? before
    if (because.source === 'operator' && request.case?.after.state === 'resolved') {
      const { after } = request.case
      if (after.resolution === 'by-person' && after.action && intent)
        judge.resolved(intent.id, after.action, after.taken && said.get(after.taken))
      if (intent) judge.changed(intent.id)
    }
    const one = because.receipt && said.get(because.receipt)
    if (!intent || !one || because.source !== 'callback') return
    if (!receipt) {
      ensure(repeat === 'identical', 'Only what came in the same bytes is not recorded.')
      counted.add(one.receipt as ReceiptId)
    }
    if (one.words.kind !== 'batch') {
      // By its own id: also a number that leads to it is judged so.
      const outcome = receipt?.outcome ?? 'repeat'
      const verdict = judge.judge(intent.id, one, { outcome, ...(repeat && { repeat }) })
      ensure(
        outcome === verdict.outcome && repeat === verdict.repeat,
        () => `${show(one.words)} was ${outcome} ${repeat ?? ''} and should be ${show(verdict)}.`,
      )
      if (intent.kind === 'transfer' || intent.kind === 'coupon') {
        const state = judge.stateOf(intent.id)
        ensure(state === intent.state, () => `It became ${intent.state} and should be ${state}.`)
      }
    }
    if (receipt?.heard) judge.hear(intent.id, one)
    if (made.length > 0) judge.changed(intent.id)
  }

  function callBack(words: Words, nonce: number, body = bodyOf(words, nonce)): void {
    const { id, receivedAt } = jobs.callBack(body)
    said.set(id, { receipt: id, words, body: body.toString(), at: receivedAt })
  }

  function again({ of: which, how }: Extract<Operation, { do: 'again' }>): void {
    const one = acknowledged[which % Math.max(1, acknowledged.length)]
    const before = one && said.get(one.id)
    if (!one || !before) return
    const { words } = before
    const nonce = acknowledged.length + 1_000
    if (how === 'identical') callBack(words, 0, one.opened)
    else callBack(words.kind === 'transfer' ? vary(words, how) : words, nonce)
  }

  async function settleTotals({ intents, due }: Parts): Promise<void> {
    await createSettleBatches({ intents, due, clock, logger: silentLogger })()
  }

  const heldNow = () => stage.checkers.intents().filter((intent) => intent.hold)

  async function play(operation: Operation): Promise<void> {
    switch (operation.do) {
      case 'register':
        return crew.start(operation.name, (parts) => things.register(parts, operation.name))
      case 'finish-links':
        return crew.start('links', finishLinks)
      case 'callback':
        return callBack(operation.words, acknowledged.length)
      case 'again':
        return again(operation)
      case 'work':
        return jobs.work(operation.from, operation.count)
      case 'step':
        return crew.pass(operation.of, operation.fate)
      case 'drain':
        return crew.drain()
      case 'redeliver':
        return jobs.redeliver(operation.of)
      case 'pump':
        return crew.start('pump', jobs.pump)
      case 'settle-batch':
        return crew.start('settle', settleTotals)
      case 'resolve':
        return crew.start('operator', (parts) => resolve(parts, operation, heldNow()))
      case 'clock':
        now += operation.by
    }
  }

  async function finishLinks({ links, intents }: Parts): Promise<void> {
    await createFinishLinks({
      partitions: stage.keys.partitions,
      links,
      intents,
      clock,
      logger: silentLogger,
    })()
  }

  async function finish(): Promise<void> {
    await crew.drain()
    for (const name of [...loneTransfers, batchName, couponName]) {
      crew.start(name, (parts) => things.register(parts, name))
      await crew.drain()
    }
    for (let round = 0; round < roundsMax; round++) {
      crew.start('links', finishLinks)
      await crew.drain()
      crew.start('pump', jobs.pump)
      await crew.drain()
      if (jobs.waiting() === 0) break
      jobs.work(0, 8)
      await crew.drain()
    }
    ensure(jobs.waiting() === 0, () => `${jobs.waiting()} receipts are never settled.`)
    crew.start('settle', settleTotals)
    await crew.drain()
  }

  for (const operation of operations) {
    await play(operation)
    await crew.settled()
  }
  await finish()
  const outcomes = await checkBooks({ stage, jobs, counted, ids: things.ids })
  const { steps, deaths } = crew.count()
  return {
    operations: operations.length,
    steps,
    deaths,
    checks: stage.checkers.count(),
    effects: stage.effects(),
    outcomes,
    ends: {},
  }
}

function vary(words: TransferWords, how: 'envelope' | 'times' | 'amount' | 'person'): TransferWords {
  switch (how) {
    case 'envelope':
      return words
    case 'times':
      return { ...words, at: (words.at ?? 100) + 1, ...(words.name && { name: 'spelled' }) }
    case 'amount':
      return { ...words, off: 7 }
    case 'person':
      return { ...words, person: 'other' }
  }
}
