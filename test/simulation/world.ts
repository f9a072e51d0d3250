/** One history: its operations, one after the other, then everything that is still under way, then the books. */
import { createHash } from 'node:crypto'
import type { Case } from '../../src/domain/case.ts'
import { AppError } from '../../src/domain/errors.ts'
import { createIdMaker, type IntentId, type ReceiptId } from '../../src/domain/ids.ts'
import type { Intent } from '../../src/domain/intent.ts'
import { describePerson, digestName } from '../../src/domain/person.ts'
import type { OpenReceipt } from '../../src/domain/receipt.ts'
import type { RedisClient } from '../../src/redis/client.ts'
import type { CommitRequest } from '../../src/store/commit.ts'
import { aliasIdOf, transferIdOf } from '../../src/store/ids.ts'
import type { Target } from '../../src/store/intents.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'
import { createCaseReceipts } from '../../src/workers/case-receipts.ts'
import { createFinishLinks } from '../../src/workers/finish-links.ts'
import { type BroughtReceipt, createObserve } from '../../src/workers/observe.ts'
import { createReconcile, type ReconcileDeps } from '../../src/workers/reconcile.ts'
import { createResolveCase } from '../../src/workers/resolve-case.ts'
import { createSettleBatches } from '../../src/workers/settle-batches.ts'
import { account, batchEvent, couponEvent, transferEvent } from '../model/things.ts'
import { digestFact, digestPerson, keyring } from '../support/store.ts'
import { ensure, show } from './failure.ts'
import { createJudge, type Said } from './judge.ts'
import type { Operation, Plan } from './plan.ts'
import { createRandom } from './random.ts'
import { createStage, type Parts } from './stage.ts'
import { type Actor, createTurnstile } from './turnstile.ts'
import {
  accountNumbers,
  amountOf,
  batchName,
  bodyOf,
  couponName,
  couponNumbers,
  couponWorth,
  createSimulatedProvider,
  ghost,
  idsOf,
  loneTransfers,
  members,
  names,
  references,
  type TransferWords,
  type Words,
} from './words.ts'

export interface WorldReport {
  operations: number
  steps: number
  deaths: number
  checks: number
  effects: number
  outcomes: Record<string, number>
}

const windowMs = 35 * 24 * 60 * 60 * 1000
const parkedMax = 24
const actorsMax = 5
const roundsMax = 200

export async function playWorld(redis: RedisClient, { seed, operations }: Plan): Promise<WorldReport> {
  const ids = idsOf(seed)
  const of = references(seed)
  const random = createRandom(seed ^ 0x5eed)
  const turnstile = createTurnstile(redis)
  const judge = createJudge()
  let now = 1_000_000_000_000
  const clock = () => now
  const mint = createIdMaker(clock, (count) => Uint8Array.from({ length: count }, () => random.below(256)))

  const said = new Map<ReceiptId, Said>()
  const acknowledged: OpenReceipt[] = []
  let queue: BroughtReceipt[] = []
  const done: BroughtReceipt[] = []
  const counted = new Set<ReceiptId>()
  const cased = new Set<ReceiptId>()
  const busy = new Set<Actor>()
  const jobs = new Map<Actor, BroughtReceipt[]>()
  let broken: unknown
  let steps = 0
  let deaths = 0

  const stage = createStage({
    redis,
    turnstile,
    prefix: `s${seed}-${createHash('md5').update(String(Math.random())).digest('hex').slice(0, 6)}`,
    clock,
    parkedMax,
    mirrored: {
      batch: ids.batch,
      targets: [
        ids.batch,
        ...members.flatMap((name) => [ids.transfer(name), transferIdOf(account, of(name))]),
      ],
      eventOf: (intent) => ({
        fact: {
          name: 'registered',
          sequence: 1,
          change: { from: null, to: { state: intent.state, held: false } },
        },
        intent,
        because: { source: 'registration' },
        at: intent.createdAt,
      }),
    },
    watcher: { committed: review, claimed: (number, target) => judge.claimed(number, target) },
  })
  const providers = new Map([[account, createSimulatedProvider(seed)]])
  const observing = { providers, sealer: keyring, digestPerson, digestFact }
  const observe = createObserve(observing)

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
    const receipt: OpenReceipt = {
      id: mint.receiptId(),
      account,
      receivedAt: now,
      keyId: 'key',
      digest: createHash('sha256').update(body).digest('hex'),
      headers: {},
      opened: body,
    }
    said.set(receipt.id, { receipt: receipt.id, words, body: body.toString(), at: now })
    acknowledged.push(receipt)
    queue.push(receipt)
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

  function start(name: string, work: (parts: Parts, actor: Actor) => Promise<void>): void {
    if (busy.size >= actorsMax) return
    const actor: Actor = { name, dead: false }
    busy.add(actor)
    work(stage.partsFor(actor), actor).then(
      () => busy.delete(actor),
      (error: unknown) => {
        busy.delete(actor)
        // Trouble with Redis is what faults are; anything else is a mistake.
        if (!(error instanceof Error && /Connection is closed|commit-contended/.test(error.message)))
          broken ??= error
      },
    )
  }

  function register(name: string): void {
    if (name === batchName) start('batch', registerBatch)
    else if (name === couponName)
      start('coupon', async ({ register }) => {
        await register(
          couponEvent(of(couponName), { amount: { minor: couponWorth, currency: 'THB' }, personal }, now),
        )
      })
    else start(name, async (parts) => void (await parts.register(transferOf(name))))
  }

  const personal = { person: digestPerson(describePerson('bank', accountNumbers.own)), sealed: 'p1.sealed' }
  const payee = { kind: 'bank' as const, nameDigest: digestName(names.own, digestPerson) }
  const money = (minor: bigint) => ({ minor, currency: 'THB' })

  function transferOf(name: string) {
    const batch = members.includes(name as 'm0') ? { batch: ids.batch } : {}
    return transferEvent(of(name), { amount: money(amountOf(name)), personal, payee, ...batch }, now)
  }

  /** In steps, as anyone may who finds it half done. */
  async function registerBatch({ batches }: Parts): Promise<void> {
    const amount = money(members.reduce((sum, name) => sum + amountOf(name), 0n))
    await batches.register({
      id: ids.batch,
      account,
      contentDigest: 'content',
      references: members.map(of),
      claims: true,
      build: async () => ({
        batch: batchEvent(of(batchName), { count: members.length, amount, personal }, now),
        transfers: members.map(transferOf),
      }),
    })
  }

  async function settleTotals({ intents, due }: Parts): Promise<void> {
    await createSettleBatches({ intents, due, clock, logger: silentLogger })()
  }

  async function resolve(
    parts: Parts,
    { of: which, action, receipt }: Extract<Operation, { do: 'resolve' }>,
  ) {
    const held = stage.checkers.intents().filter((intent) => intent.hold)
    const known = held[which % Math.max(1, held.length)]?.hold
    if (!known) return
    const one = await parts.cases.find(known.case)
    const receipts = one?.kind === 'held' ? one.receipts : []
    const taken = receipts[receipt % Math.max(1, receipts.length)]
    const resolveCase = createResolveCase({
      ...parts,
      receipts: createCaseReceipts({
        intents: parts.intents,
        openBody: parts.openBody,
        observe,
        sealer: keyring,
      }),
      pumpReady: () => pump(parts),
      clock,
      logger: silentLogger,
    })
    const request = { id: known.case, by: 'ops', reason: 'looked', action }
    await resolveCase({ ...request, ...(action === 'take-theirs' && { receipt: taken }) }).catch(
      (error: unknown) => {
        const isNo = error instanceof AppError && ['cannot-resolve', 'case-resolved'].includes(error.code)
        if (!isNo) throw error
      },
    )
  }

  function work(from: number, count: number): void {
    if (busy.size >= actorsMax || queue.length === 0) return
    const at = from % queue.length
    const job = queue.slice(at, at + count)
    queue = queue.filter((_, i) => i < at || i >= at + count)
    start('worker', async (parts, actor) => {
      jobs.set(actor, job)
      await apply(parts, job).catch((error: unknown) => {
        // Not done, so it comes again.
        queue.push(...job)
        throw error
      })
      jobs.delete(actor)
    })
  }

  async function apply(parts: Parts, job: readonly BroughtReceipt[]): Promise<void> {
    const reconcile = createReconcile({
      ...observing,
      intents: parts.intents,
      vault: parts.vault as ReconcileDeps['vault'],
      windowMsOf: () => windowMs,
      clock,
      logger: silentLogger,
    })
    const failed = await reconcile.applyAll(job)
    const again: BroughtReceipt[] = []
    for (const { receipt, error } of failed) {
      if (error.code === 'internal-error') throw error.cause ?? error
      if (error.retry === 'backoff') again.push(receipt)
      else await giveUp(parts, receipt, error)
    }
    const left = new Set(failed.map(({ receipt }) => receipt.id))
    for (const one of job) if (!left.has(one.id) && cased.has(one.id)) await settleCase(parts, one.id)
    queue.push(...again)
    done.push(...job.filter(({ id }) => !left.has(id)))
  }

  async function giveUp({ cases }: Parts, receipt: BroughtReceipt, error: { code: string; detail: string }) {
    cased.add(receipt.id)
    await cases.open({ account, receipt: receipt.id, code: error.code as never, reason: error.detail })
  }

  async function settleCase({ cases }: Parts, id: ReceiptId) {
    await cases.settle(id)
    cased.delete(id)
  }

  async function pass(index: number, fate: Extract<Operation, { do: 'step' }>['fate']): Promise<void> {
    if (turnstile.waiting() === 0) return
    steps++
    const victim = await turnstile.pass(index, fate)
    if (!victim) return
    deaths++
    busy.delete(victim)
    // Its lock runs out, and its job is given to another.
    queue.push(...(jobs.get(victim) ?? []))
    jobs.delete(victim)
  }

  async function play(operation: Operation): Promise<void> {
    switch (operation.do) {
      case 'register':
        return register(operation.name)
      case 'finish-links':
        return start('links', finishLinks)
      case 'callback':
        return callBack(operation.words, acknowledged.length)
      case 'again':
        return again(operation)
      case 'work':
        return work(operation.from, operation.count)
      case 'step':
        return pass(operation.of, operation.fate)
      case 'drain':
        return drain()
      case 'redeliver': {
        const one = done[operation.of % Math.max(1, done.length)]
        if (one) queue.push(one)
        return
      }
      case 'pump':
        return start('pump', pump)
      case 'settle-batch':
        return start('settle', settleTotals)
      case 'resolve':
        return start('operator', (parts) => resolve(parts, operation))
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

  async function pump({ ready }: Parts): Promise<void> {
    await ready.pump(async (receipts) => void queue.push(...receipts))
  }

  /** Everybody has come as far as they can without Redis. */
  const settled = () => new Promise((resolve) => setImmediate(resolve))

  async function drain(): Promise<void> {
    await settled()
    while (turnstile.waiting() > 0) {
      await pass(0, 'ok')
      await settled()
      if (broken) throw broken
    }
    ensure(busy.size === 0, 'Somebody waits for nothing.')
  }

  async function finish(): Promise<void> {
    await drain()
    for (const name of [...loneTransfers, batchName, couponName]) {
      register(name)
      await drain()
    }
    for (let round = 0; round < roundsMax; round++) {
      start('links', finishLinks)
      await drain()
      start('pump', pump)
      await drain()
      if (queue.length === 0) break
      work(0, 8)
      await drain()
    }
    ensure(queue.length === 0, () => `${queue.length} receipts are never settled.`)
    start('settle', settleTotals)
    await drain()
  }

  for (const operation of operations) {
    await play(operation)
    await settled()
    if (broken) throw broken
  }
  await finish()
  const outcomes = await checkBooks()
  return {
    operations: operations.length,
    steps,
    deaths,
    checks: stage.checkers.count(),
    effects: stage.effects(),
    outcomes,
  }

  async function checkBooks(): Promise<Record<string, number>> {
    const intents = stage.checkers.intents()
    const targets = new Set<Target>([aliasIdOf('coupon', account, couponNumbers.own)])
    for (const name of [...loneTransfers, ...members, ghost]) targets.add(ids.transfer(name))
    const all = intents.map(({ id }) => id)
    await stage.compareAll(all, [...targets])
    const outcomes = await checkReceipts(all, [...targets])
    checkMoney(intents)
    await checkLinks(intents)
    await checkCases(intents)
    return outcomes
  }

  /** Nothing waits under a number that a coupon bears. */
  async function checkLinks(intents: readonly Intent[]): Promise<void> {
    const bears = intents.some((one) => one.kind === 'coupon' && one.couponNumber === couponNumbers.own)
    const [waiting = []] = await stage.real.lookAt([aliasIdOf('coupon', account, couponNumbers.own)])
    ensure(!bears || waiting.length === 0, () => `${waiting.length} wait under a number that is known.`)
  }

  /** Every acknowledged callback ends in exactly one place. */
  async function checkReceipts(all: readonly IntentId[], targets: readonly Target[]) {
    const outcomes: Record<string, number> = {}
    const receipts = acknowledged.map(({ id }) => id)
    const recorded = await Promise.all(all.map((id) => stage.real.outcomesOf(id, receipts)))
    const parked = new Set((await stage.real.lookAt(targets)).flat())
    // One receipt lies in one partition; intents of the same partition see the same.
    const byPartition = new Map(all.map((id, i) => [stage.keys.partitionOf(id), recorded[i] ?? []]))
    for (const [i, id] of receipts.entries()) {
      const ends: string[] = [...byPartition.values()].flatMap((one) => one[i] ?? [])
      if (parked.has(id)) ends.push('parked')
      if (cased.has(id)) ends.push('case')
      if (counted.has(id) && ends.length === 0) ends.push('repeat')
      ensure(
        ends.length === 1,
        () => `${id} ${show(said.get(id)?.words)} ended in ${ends.join(' and ') || 'nothing'}.`,
      )
      const [end = ''] = ends
      outcomes[end] = (outcomes[end] ?? 0) + 1
    }
    return outcomes
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

  async function checkCases(intents: readonly Intent[]): Promise<void> {
    const { cases } = await stage.real.cases.list({ state: 'open', limit: 1_000 })
    const expected = await stage.model.cases.list({ state: 'open', limit: 1_000 })
    ensure(show(cases) === show(expected.cases), 'The open cases are not those of the model.')
    const held = intents.flatMap(({ hold }) => (hold ? [hold.case] : [])).sort()
    const openHolds = cases.filter((one: Case) => one.kind === 'held').map(({ id }) => id)
    ensure(show(openHolds.sort()) === show(held), 'What is held and the open cases differ.')
    const failed = cases.flatMap((one) => (one.kind === 'callback-not-applied' ? [one.receipt] : []))
    ensure(show(failed.sort()) === show([...cased].sort()), 'What failed and the open cases differ.')
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
