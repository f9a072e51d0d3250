/** One history of what we send: its operations, then everything that is still under way, then the books. */
import { createHash } from 'node:crypto'
import { createIdMaker, type ReceiptId } from '../../../src/domain/ids.ts'
import type { Intent } from '../../../src/domain/intent.ts'
import type { RedisClient } from '../../../src/redis/client.ts'
import { type CommitRequest, isSettled } from '../../../src/store/commit.ts'
import { silentLogger } from '../../../src/telemetry/logger.ts'
import { createFinishLinks } from '../../../src/workers/finish-links.ts'
import { createSettleBatches } from '../../../src/workers/settle-batches.ts'
import { account } from '../../model/things.ts'
import { digestFact, digestPerson, keyring } from '../../support/store.ts'
import { createCrew } from '../crew.ts'
import { Broken, show } from '../failure.ts'
import { createJobs } from '../jobs.ts'
import { createOperator } from '../operator.ts'
import { createRandom } from '../random.ts'
import { createStage, type Parts } from '../stage.ts'
import { createThings, registeredEvent } from '../things.ts'
import { createTurnstile } from '../turnstile.ts'
import type { WorldReport } from '../world.ts'
import { checkSending } from './books.ts'
import { createOffice } from './office.ts'
import { type SendingOperation, type SendingPlan, sendable } from './plan.ts'
import { createPost, createTranslator, write } from './provider.ts'
import { createReservingDesk } from './reserving.ts'
import { createWatcher } from './watcher.ts'
import { createWholeDesk } from './whole.ts'

const terms = { authorizationType: 'INFORMATION_AUTHORIZATION_TYPE', subMchid: '1900000109' }
const roundsMax = 400
const fiveDays = 5 * 24 * 60 * 60 * 1000

export async function playSending(redis: RedisClient, plan: SendingPlan): Promise<WorldReport> {
  const { seed, kind, operations } = plan
  const random = createRandom(seed ^ 0x5eed)
  let now = 1_000_000_000_000
  const clock = () => now
  const mint = createIdMaker(clock, (count) => Uint8Array.from({ length: count }, () => random.below(256)))
  const things = createThings(seed, clock, kind === 'whole' ? { batch: { wechatpay: terms } } : {})
  const turnstile = createTurnstile(redis)
  const desk = kind === 'reserving' ? createReservingDesk(clock) : createWholeDesk(clock)
  const post = createPost(desk, turnstile, clock)
  const translator = createTranslator()
  const observing = {
    providers: new Map([[account, translator]]),
    sealer: keyring,
    digestPerson,
    digestFact,
  }
  /** Came in the same bytes as another, and is only counted. */
  const counted = new Set<ReceiptId>()
  let paused = false

  const stage = createStage({
    redis,
    turnstile,
    prefix: `s${seed}-${createHash('md5').update(String(Math.random())).digest('hex').slice(0, 6)}`,
    clock,
    parkedMax: 64,
    isAsked: true,
    mirrored: { batch: things.ids.batch, targets: things.targets, eventOf: registeredEvent },
    watcher: { committed: review, claimed: () => {}, moved: () => {} },
  })
  const crew = createCrew({ turnstile, partsFor: stage.partsFor, died: (actor) => jobs.died(actor) })
  const jobs = createJobs({ crew: () => crew, observing, mintReceipt: mint.receiptId, clock })
  const decide = createOperator({ observing, pump: jobs.pump, clock })
  /** What the provider says of the money is true here, also a return that comes before the success: nobody keeps ours against it. */
  const resolve: typeof decide = (parts, asked, all) => {
    const { reason } = all[asked.of % Math.max(1, all.length)]?.hold ?? {}
    const action = reason === 'final-state-contradicted' ? 'take-theirs' : asked.action
    return decide(parts, { ...asked, action }, all)
  }
  const office = createOffice({ clock, by: 'ops' })
  const watchOnce = createWatcher({
    desk,
    post,
    translator,
    reconcileWith: jobs.reconcileWith,
    isPaused: () => paused,
    mintReceipt: mint.receiptId,
    clock,
    fail: crew.fail,
  })

  function review({ because, receipt }: CommitRequest): void {
    if (because.source === 'callback' && because.receipt && !receipt) counted.add(because.receipt)
  }

  const held = () => stage.checkers.intents().filter((intent) => intent.hold)

  async function finishLinks({ links, intents }: Parts): Promise<void> {
    const { partitions } = stage.keys
    await createFinishLinks({ partitions, links, intents, clock, logger: silentLogger })()
  }

  async function settleTotals({ intents, due }: Parts): Promise<void> {
    await createSettleBatches({ intents, due, clock, logger: silentLogger })()
  }

  async function play(operation: SendingOperation): Promise<void> {
    switch (operation.do) {
      case 'register': {
        const { name, submit } = operation
        return crew.start(name, (parts) => things.register(parts, name, submit))
      }
      case 'submit':
      case 'cancel':
      case 'ask':
        return crew.start('office', (parts) => office[operation.do](parts, things.idOf(operation.name)))
      case 'watch':
        return crew.start('watch', watchOnce)
      case 'step':
        return crew.pass(operation.of, operation.fate)
      case 'round':
        now += operation.by
        crew.start('watch', watchOnce)
        await crew.settled()
        return go(operation)
      case 'go':
        return go(operation)
      case 'drain':
        return crew.drain()
      case 'mood':
        return post.mood(operation.mood)
      case 'arrive':
        return post.arrive()
      case 'settle':
        for (const seen of desk.settle(operation.of, operation.how))
          jobs.callBack(write(seen, jobs.acknowledged.length))
        return
      case 'again': {
        const one = jobs.acknowledged[operation.of % Math.max(1, jobs.acknowledged.length)]
        if (one) jobs.callBack(one.opened)
        return
      }
      case 'work':
        return jobs.work(operation.from, operation.count)
      case 'redeliver':
        return jobs.redeliver(operation.of)
      case 'pump':
        return crew.start('pump', jobs.pump)
      case 'settle-batch':
        return crew.start('settle', settleTotals)
      case 'finish-links':
        return crew.start('links', finishLinks)
      case 'resolve':
        return crew.start('operator', (parts) => resolve(parts, operation, held()))
      case 'pause':
        paused = operation.on
        return
      case 'clock':
        now += operation.by
    }
  }

  async function go({ of, count }: { of: number; count: number }): Promise<void> {
    for (let i = 0; i < count; i++) {
      await crew.pass(of + i, 'ok')
      await crew.settled()
    }
  }

  let sweptAt = -1
  /** Where something has happened since. */
  async function sweep(): Promise<void> {
    if (stage.effects() === sweptAt && jobs.waiting() === 0) return
    sweptAt = stage.effects()
    for (const work of [finishLinks, jobs.pump, settleTotals]) {
      crew.start('sweep', work)
      await crew.drain()
    }
    while (jobs.waiting() > 0) {
      jobs.work(0, 8)
      await crew.drain()
    }
  }

  /** A person lets it go on, or else calls it off, or else takes what the provider says. */
  async function resolveAll(): Promise<void> {
    for (const action of ['keep-ours', 'cancel', 'take-theirs'] as const) {
      if (held().length === 0) return
      crew.start('operator', (parts) => resolve(parts, { of: 0, receipt: 0, action }, held()))
      await crew.drain()
    }
  }

  /** Nothing goes wrong any more, everything is sent, and all questions are asked, until nothing is awaited. */
  async function finish(): Promise<void> {
    await crew.drain()
    post.calm()
    paused = false
    post.arrive()
    for (const name of sendable[kind]) {
      crew.start(name, (parts) => things.register(parts, name, true))
      await crew.drain()
      crew.start('office', (parts) => office.submit(parts, things.idOf(name)))
      await crew.drain()
    }
    for (let round = 0; round < roundsMax; round++) {
      await sweep()
      await resolveAll()
      const next = Math.min(...stage.model.watched().values())
      if (next === Infinity && jobs.waiting() === 0) return
      now = Math.max(now, next === Infinity ? now : next + (isOnlyLookedBackAt() ? fiveDays : 0))
      crew.start('watch', watchOnce)
      await crew.drain()
      desk.settleAll()
    }
    const left = stage.checkers.intents().filter(({ id }) => stage.model.watched().has(id))
    throw new Broken(`After ${roundsMax} rounds something is due still: ${show(left)}.`)
  }

  /** Nothing is left but a batch whose money may come back: not each of its questions is waited for. */
  function isOnlyLookedBackAt(): boolean {
    return stage.checkers.intents().every(isSettled)
  }

  for (const operation of operations) {
    await play(operation)
    await crew.settled()
  }
  await finish()
  const outcomes = await checkSending({
    stage,
    desk,
    jobs,
    counted,
    targets: [...things.targets, ...sendable[kind].map(things.idOf)],
  })
  const { steps, deaths } = crew.count()
  return {
    operations: operations.length,
    steps,
    deaths,
    checks: stage.checkers.count(),
    effects: stage.effects(),
    outcomes,
    ends: countEnds(stage.checkers.intents()),
  }
}

function countEnds(intents: readonly Intent[]): Record<string, number> {
  const ends: Record<string, number> = {}
  for (const { kind, state } of intents) ends[`${kind} ${state}`] = (ends[`${kind} ${state}`] ?? 0) + 1
  return ends
}
