import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import type { Intent } from '../../../src/domain/intent.ts'
import type { Transfer } from '../../../src/domain/transfer.ts'
import type { CallResult } from '../../../src/providers/client.ts'
import { createOrderSteps } from '../../../src/store/order-steps.ts'
import { createTestCaseParts } from '../../support/case-parts.ts'
import {
  acceptLikeZenospay,
  bytesOf,
  createFakeClient,
  type FakeClient,
  never,
  refusedWith,
  saying,
  submissionOf,
  transferSeen,
  unknown,
  unsent,
} from '../../support/fake-client.ts'
import { createMemoryLogger } from '../../support/log.ts'
import { createTestClients } from '../../support/redis.ts'
import {
  createTestStore,
  day,
  findTransfer,
  ids,
  openReceiptOf,
  registerIn,
  type TestStore,
} from '../../support/store.ts'
import { until } from '../../support/until.ts'
import {
  createTestWatch,
  dueAt,
  factsOf,
  minute,
  registerToSend,
  type TestClock,
} from '../../support/watch.ts'

describe('sending and watching transfers', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore
  let fake: FakeClient
  let time: TestClock
  before(async () => {
    redis = await clients.open()
  })
  beforeEach(() => {
    store = createTestStore(redis)
    fake = createFakeClient()
    time = { now: Date.now() + 1_000 }
  })
  after(() => clients.closeAll())

  const start = (options?: Parameters<typeof createTestWatch>[3]) =>
    createTestWatch(store, fake, time, options)
  const find = ({ id }: Pick<Transfer, 'id'>) => findTransfer(store, id)
  const calls = () => fake.orders.map(({ call }) => call)
  const answerTo = (call: 'reserve' | 'pay', answer: CallResult) => {
    fake.onOrder = (order) => (order.call === call ? answer : acceptLikeZenospay(order))
  }
  const succeed = () => {
    fake.onAsk = (question) =>
      'reference' in question ? saying(transferSeen(question.reference, 'succeeded')) : unknown
  }

  it('asks once about what a callback has ended, where only an answer tells the fee', async () => {
    fake.client.explains = true
    const intent = await registerToSend(store, 't-1')
    const one = start()
    await one.settle()
    const seen = { ...transferSeen('t-1', 'succeeded'), source: 'callback' as const }
    const applyOne = async (sighting: typeof seen) =>
      one.reconcile.applyOne({
        id: ids.receiptId(),
        account: intent.account,
        receivedAt: time.now,
        keyId: '',
        digest: '0'.repeat(64),
        headers: {},
        opened: bytesOf(sighting),
      })
    await applyOne(seen)
    const fee = { minor: 550000n, currency: 'IDR' }
    fake.onAsk = () => saying(transferSeen('t-1', 'succeeded', { fee }))
    await one.pass(31_000)
    assert.equal(fake.questions.length, 1)
    assert.deepEqual((await find(intent)).fee, fee)
    assert.equal((await factsOf(store, intent)).at(-1), 'reported')
    assert.equal(await dueAt(store, intent), undefined)
  })

  it('sets the money aside, orders it to be paid and asks, each step committed before its call', async () => {
    const one = start()
    const intent = await registerToSend(store, 't-1')
    const steps: (string | undefined)[] = []
    fake.onOrder = async (order) => {
      steps.push((await find(intent)).submission?.step)
      return acceptLikeZenospay(order)
    }
    await one.settle()
    assert.deepEqual(calls(), ['reserve', 'pay'])
    assert.deepEqual(steps, ['reserving', 'sending'])
    assert.deepEqual(await factsOf(store, intent), [
      'registered',
      'submitted',
      'reserved',
      'sent',
      'acknowledged',
    ])
    assert.deepEqual(fake.orders[1], {
      call: 'pay',
      reference: 't-1',
      reservation: 'inquiry-t-1',
      force: false,
      notAfter: time.now + 10_000,
    })
    assert.deepEqual(fake.questions, [])
    succeed()
    await one.pass(29_000)
    assert.equal(fake.questions.length, 0)
    await one.pass(2_000)
    assert.equal(fake.questions.length, 1)
    assert.equal((await find(intent)).state, 'succeeded')
    assert.equal(await dueAt(store, intent), undefined)
    assert.deepEqual(calls(), ['reserve', 'pay'])
  })

  for (const outcome of ['unknown', 'not-known', 'ask', 'broken'] as const) {
    it(`never orders a second time what may have been ordered (${outcome})`, async () => {
      const one = start()
      const intent = await registerToSend(store, 't-1')
      answerTo(
        'pay',
        outcome === 'unknown' ? unknown : outcome === 'ask' ? refusedWith('ask') : { outcome: 'not-known' },
      )
      if (outcome === 'broken')
        fake.onOrder = (order) => {
          if (order.call === 'pay') throw new Error('broken')
          return acceptLikeZenospay(order)
        }
      await one.settle()
      for (let days = 0; days < 9; days++) await one.pass(day)
      assert.deepEqual(calls(), ['reserve', 'pay'])
      assert.ok(fake.questions.length >= 8)
      assert.equal((await find(intent)).state, 'submitted')
      succeed()
      await one.pass(day)
      assert.equal((await find(intent)).state, 'succeeded')
    })
  }

  it('takes the step back where it is certain that nothing left, and sends later', async () => {
    const one = start()
    const intent = await registerToSend(store, 't-1')
    answerTo('pay', unsent)
    await one.settle()
    assert.equal((await find(intent)).submission?.step, 'reserved')
    assert.deepEqual(calls(), ['reserve', 'pay'])
    fake.onOrder = acceptLikeZenospay
    await one.pass(minute)
    assert.deepEqual(calls(), ['reserve', 'pay', 'pay'])
    assert.equal((await find(intent)).submission?.step, 'acknowledged')
  })

  it('takes nothing back that somebody has moved on meanwhile', async () => {
    const one = start()
    const intent = await registerToSend(store, 't-1')
    fake.onOrder = async (order) => {
      if (order.call === 'reserve') return acceptLikeZenospay(order)
      await one.reconcile.applyAll([
        {
          ...openReceiptOf('{}'),
          opened: bytesOf(transferSeen('t-1', 'processing')),
        },
      ])
      return unsent
    }
    await one.settle()
    await one.pass(day)
    assert.deepEqual(calls(), ['reserve', 'pay'])
    assert.equal((await find(intent)).state, 'processing')
    assert.equal((await find(intent)).submission?.step, 'sending')
  })

  it('sends the same again, later, where the refusal says so; fails where it is for good', async () => {
    const one = start()
    const intent = await registerToSend(store, 't-1')
    answerTo('reserve', refusedWith('same'))
    await one.settle()
    assert.deepEqual(calls(), ['reserve'])
    assert.equal((await find(intent)).submission?.step, 'waiting')
    const failure = { code: 'beneficiary-not-found' } as const
    const seen = submissionOf({ status: 'refused', reference: 't-1', remedy: 'failed', failure })
    answerTo('reserve', refusedWith('failed', seen))
    await one.pass(minute)
    assert.deepEqual(calls(), ['reserve', 'reserve'])
    const failed = await find(intent)
    assert.equal(failed.state, 'failed')
    assert.deepEqual(failed.failure, failure)
    assert.equal(await dueAt(store, intent), undefined)
  })

  const operator = submissionOf({ status: 'refused', reference: 't-1', remedy: 'operator' })
  const otherName = submissionOf({
    status: 'reserved',
    reference: 't-1',
    providerReference: 'inquiry-t-1',
    payee: { kind: 'bank', name: 'Somebody Else' },
  })
  const noName = submissionOf({ status: 'reserved', reference: 't-1', providerReference: 'inquiry-t-1' })
  for (const [name, answer, action, expected] of [
    ['beneficiary-name-missing', saying(noName), 'keep-ours', 'acknowledged'],
    ['beneficiary-name-missing', saying(noName), 'cancel', 'cancelled'],
    ['refused-by-provider', refusedWith('operator', operator), 'keep-ours', 'acknowledged'],
    ['refused-by-provider', refusedWith('operator', operator), 'cancel', 'cancelled'],
    ['refused-by-provider', refusedWith('operator', operator), 'take-theirs', 'failed'],
    ['beneficiary-name-differs', saying(otherName), 'keep-ours', 'acknowledged'],
    ['beneficiary-name-differs', saying(otherName), 'cancel', 'cancelled'],
  ] as const) {
    it(`waits for a person where it is held (${name}), and does what they say: ${action}`, async () => {
      const one = start()
      const intent = await registerToSend(store, 't-1')
      answerTo('reserve', answer)
      await one.settle()
      await one.pass(10 * minute)
      assert.deepEqual(calls(), ['reserve'])
      const held = await find(intent)
      assert.equal(held.hold?.reason, name)
      fake.onOrder = acceptLikeZenospay
      const { resolve, cases } = createTestCaseParts(store, {
        clock: () => time.now,
        providers: one.providers,
      })
      const known = await cases.find(held.hold?.case as never)
      assert.ok(known?.kind === 'held')
      const receipt = action === 'take-theirs' ? { receipt: known.receipts[0] } : {}
      await resolve({ id: known.id, action, by: 'ops', reason: 'So it is.', ...receipt } as never)
      assert.ok(((await dueAt(store, intent)) ?? 0) <= time.now)
      await one.settle()
      const after = await find(intent)
      assert.equal(expected === 'acknowledged' ? after.submission?.step : after.state, expected)
      const isForced = name !== 'refused-by-provider' && action === 'keep-ours'
      assert.equal(
        fake.orders.some((order) => order.call === 'pay' && order.force),
        isForced,
      )
      if (action !== 'keep-ours') assert.deepEqual(calls(), ['reserve'])
    })
  }

  it('pays with what is set aside once a person has mended what the order to pay was refused for', async () => {
    const one = start()
    const intent = await registerToSend(store, 't-1')
    answerTo('pay', refusedWith('operator', operator))
    await one.settle()
    const held = await find(intent)
    assert.equal(held.hold?.reason, 'refused-by-provider')
    fake.onOrder = acceptLikeZenospay
    const { resolve } = createTestCaseParts(store, { clock: () => time.now, providers: one.providers })
    await resolve({ id: held.hold?.case as string, action: 'keep-ours', by: 'ops', reason: 'Funded.' })
    await one.settle()
    assert.deepEqual(calls(), ['reserve', 'pay', 'pay'])
    assert.equal((await find(intent)).submission?.step, 'acknowledged')
  })

  it('does not pay with a reservation that is about to run out, and lets it expire', async () => {
    const one = start()
    const intent = await registerToSend(store, 't-1')
    fake.onOrder = (order) =>
      saying(
        submissionOf({
          status: 'reserved',
          reference: order.reference,
          providerReference: 'inquiry-1',
          payee: { kind: 'bank', name: 'John Doe' },
          validUntil: time.now + 2 * minute - 1,
        }),
      )
    await one.settle()
    assert.deepEqual(calls(), ['reserve'])
    await one.pass(2 * minute)
    assert.equal((await find(intent)).state, 'expired')
    assert.deepEqual(calls(), ['reserve'])
  })

  it('lets what was never known to be set aside expire as well', async () => {
    const one = start()
    const intent = await registerToSend(store, 't-1')
    fake.onOrder = () => unknown
    await one.settle()
    await one.pass(29 * minute)
    assert.equal((await find(intent)).state, 'submitted')
    await one.pass(2 * minute)
    assert.equal((await find(intent)).state, 'expired')
    assert.deepEqual(calls(), ['reserve'])
  })

  it('sends nothing while it is paused, asks all the same, and goes on at once', async () => {
    const one = start()
    const sent = await registerToSend(store, 't-1')
    await one.settle()
    one.state.paused = true
    const waiting = await registerToSend(store, 't-2')
    await one.pass(minute)
    assert.deepEqual(calls(), ['reserve', 'pay'])
    assert.equal(fake.questions.length, 1)
    succeed()
    await one.pass(10 * minute)
    assert.equal((await find(sent)).state, 'succeeded')
    assert.deepEqual(await factsOf(store, waiting), ['registered'])
    one.state.paused = false
    await one.settle()
    assert.equal((await find(waiting)).submission?.step, 'acknowledged')
  })

  it('only asks where a process died between the step and its call, once its time is over', async () => {
    const intent = await registerToSend(store, 't-1')
    fake.onOrder = (order) => (order.call === 'pay' ? never() : acceptLikeZenospay(order))
    const dead = start()
    await dead.round()
    await dead.drained()
    await dead.roundOnly()
    await until('the step', async () => (await find(intent)).submission?.step === 'sending')
    fake.onOrder = acceptLikeZenospay
    const other = start()
    await other.settle()
    assert.equal(fake.questions.length, 0)
    await other.pass(2 * minute)
    assert.equal(fake.questions.length, 1)
    assert.deepEqual(calls(), ['reserve', 'pay'])
  })

  it('gives no order that was stopped for too long on its way', async () => {
    const intent = await registerToSend(store, 't-1')
    const one = start()
    const commit = store.intents.commit
    store.intents.commit = async (request) => {
      const outcome = await commit(request)
      if (request.steps[0]?.fact.name === 'submitted') time.now += minute
      return outcome
    }
    await one.settle(1)
    assert.deepEqual(calls(), [])
    assert.equal((await find(intent)).submission?.step, 'waiting')
  })

  it('orders nothing where somebody else has committed the step at the same moment', async () => {
    const intent = await registerToSend(store, 't-1')
    const { commit } = store.intents
    store.intents.commit = async (request) => {
      if (request.steps[0]?.fact.name === 'submitted') await commit(request)
      return commit(request)
    }
    await start().settle()
    assert.deepEqual(calls(), [])
    assert.equal((await find(intent)).submission?.step, 'reserving')
  })

  it('breaks a call off before somebody else may take what it is about, and then only asks', async () => {
    const intent = await registerToSend(store, 't-1')
    fake.onOrder = (order, signal) =>
      order.call === 'reserve'
        ? acceptLikeZenospay(order)
        : new Promise((resolve) => signal?.addEventListener('abort', () => resolve(unknown)))
    const one = start({ leaseMs: 5_100 })
    await one.settle()
    assert.equal((await find(intent)).submission?.step, 'sending')
    await one.pass(minute)
    assert.equal(fake.questions.length, 1)
    assert.deepEqual(calls(), ['reserve', 'pay'])
  })

  it('hands each to one of two that work at once', async () => {
    for (let i = 0; i < 40; i++) await registerToSend(store, `t-${i}`)
    const [one, other] = [start(), start()]
    for (let i = 0; i < 40; i++) {
      await Promise.all([one.round(), other.round()])
      await Promise.all([one.drained(), other.drained()])
    }
    const each = (call: string) =>
      fake.orders.filter((order) => order.call === call).map((order) => order.reference)
    assert.equal(each('pay').length, 40)
    assert.equal(new Set(each('pay')).size, 40)
    assert.equal(each('reserve').length, 40)
  })

  it('takes the largest first, over all partitions', async () => {
    const amounts = [5n, 900n, 30n, 70000n, 1n, 400n]
    for (const minor of amounts)
      await registerToSend(store, `t-${minor}`, { amount: { minor, currency: 'IDR' } })
    const one = start({ inFlightMax: 1 })
    fake.onOrder = () => unknown
    await one.settle()
    assert.deepEqual(
      fake.orders.map(({ reference }) => reference),
      ['t-70000', 't-900', 't-400', 't-30', 't-5', 't-1'],
    )
  })

  it('waits with all of a kind while calls are short, and then goes on with the largest', async () => {
    const logger = createMemoryLogger()
    const one = start({ inFlightMax: 1, logger })
    const warnings = () => logger.lines.filter(({ level }) => level === 'warn')
    for (const minor of [1n, 2n, 3n])
      await registerToSend(store, `t-${minor}`, { amount: { minor, currency: 'IDR' } })
    fake.onOrder = () => ({ outcome: 'unsent', because: 'The limit.', retryInMs: 5_000 })
    await one.settle()
    assert.deepEqual(
      fake.orders.map(({ reference }) => reference),
      ['t-3'],
    )
    assert.deepEqual(warnings(), [])
    fake.onOrder = () => unknown
    await one.pass(5_000)
    assert.equal(warnings().length, 3)
    assert.deepEqual(
      fake.orders.slice(1).map(({ reference }) => reference),
      ['t-3', 't-2', 't-1'],
    )
  })

  it('says that one is overdue, once, and opens one case when nobody has said anything for days', async () => {
    const logger = createMemoryLogger()
    const one = start({ logger })
    const intent = await registerIn(store, 't-1')
    await one.pass(61 * minute)
    await one.pass(61 * minute)
    assert.deepEqual(await factsOf(store, intent), ['registered', 'overdue'])
    const listed = async () => (await store.cases.list({ account: intent.account, limit: 10 })).cases
    assert.equal((await listed()).length, 0)
    for (let days = 0; days < 10; days++) await one.pass(day)
    const cases = await listed()
    assert.deepEqual(
      cases.map(({ kind, code }) => `${kind} ${code}`),
      ['silent no-answer'],
    )
    assert.equal((await find(intent)).state, 'registered')
    assert.equal(logger.lines.filter(({ event }) => event === 'case.opened').length, 1)
    succeed()
    await one.pass(day)
    assert.equal((await find(intent)).state, 'succeeded')
    assert.deepEqual(await one.watch.count(intent.account), { pending: 0, overdue: 0 })
  })

  it('holds what cannot be sent since whom it is for was erased, and does not try for ever', async () => {
    const one = start()
    const intent = await registerToSend(store, 't-1')
    await store.vault.forget(intent.personal.person)
    await one.settle()
    for (let i = 0; i < 5; i++) await one.pass(2 * 60 * minute)
    assert.deepEqual(calls(), [])
    assert.deepEqual(await factsOf(store, intent), ['registered', 'held'])
    const { resolve } = createTestCaseParts(store, { clock: () => time.now, providers: one.providers })
    await resolve({
      id: (await find(intent)).hold?.case as string,
      action: 'cancel',
      by: 'ops',
      reason: 'Erased.',
    })
    assert.equal((await find(intent)).state, 'cancelled')
  })

  it('asks once about what is settled, where something was heard of it since, and not for the asking', async () => {
    const one = start()
    const intent = await registerToSend(store, 't-1')
    await one.settle()
    succeed()
    await one.pass(minute)
    assert.equal((await find(intent)).state, 'succeeded')
    assert.equal(fake.questions.length, 1)
    fake.onAsk = () => unknown
    await one.pass(2 * 60 * minute)
    for (let i = 0; i < 5; i++) {
      await store.intents.ask(intent, time.now)
      await one.pass(minute)
    }
    assert.equal(fake.questions.length, 2)
    await one.pass(60 * minute)
    assert.equal(fake.questions.length, 3)
    assert.equal(await dueAt(store, intent), undefined)
    assert.deepEqual(calls(), ['reserve', 'pay'])
  })

  it('keeps to its time between two questions, however often somebody wishes for one', async () => {
    const one = start()
    const intent = await registerToSend(store, 't-1')
    await one.settle()
    await one.pass(31_000)
    for (let i = 0; i < 10; i++) {
      await store.intents.ask(intent, time.now)
      await one.pass(5_000)
    }
    assert.equal(fake.questions.length, 1)
    await one.pass(10_000)
    assert.equal(fake.questions.length, 2)
  })

  it('asks about what somebody else has sent while it waited, and tells a person at last', async () => {
    const one = start()
    one.state.paused = true
    const intent = await registerToSend(store, 't-1')
    await one.settle()
    await one.reconcile.applyOne(
      openReceiptOf(bytesOf(transferSeen('t-1', 'processing', { source: 'callback' }))),
    )
    assert.equal((await find(intent)).state, 'processing')
    one.state.paused = false
    await one.pass(2 * minute)
    assert.deepEqual(calls(), [])
    assert.ok(fake.questions.length > 0)
    fake.onAsk = () => unknown
    for (let days = 0; days < 9; days++) await one.pass(day)
    const { cases } = await store.cases.list({ account: intent.account, limit: 10 })
    assert.deepEqual(
      cases.map(({ kind }) => kind),
      ['silent'],
    )
    succeed()
    await one.pass(2 * day)
    assert.equal((await find(intent)).state, 'succeeded')
  })

  it('orders nothing while too few replicas have the step before it', async () => {
    const steps = { redis, intents: store.intents, keys: store.keys, waitMs: 20 }
    const one = start({ orderSteps: createOrderSteps({ ...steps, replicas: 1 }) })
    const intent = await registerToSend(store, 't-1')
    await one.settle()
    assert.deepEqual(calls(), [])
    assert.equal((await find(intent)).submission?.step, 'waiting')
    assert.deepEqual(await factsOf(store, intent), ['registered', 'submitted', 'unsent'])
    await start({ orderSteps: createOrderSteps({ ...steps, replicas: 0 }) }).pass(minute)
    assert.deepEqual(calls(), ['reserve', 'pay'])
  })

  it('orders nothing where another master does not have the step before it', async () => {
    const orderSteps = createOrderSteps({
      redis,
      intents: store.intents,
      keys: store.keys,
      waitMs: 20,
      replicas: 0,
    })
    const intent = await registerToSend(store, 't-1')
    assert.equal(await orderSteps.areKept(intent), true)
    assert.equal(await orderSteps.areKept({ ...intent, sequence: intent.sequence + 1 }), false)
  })

  it('lets go of what is not there any more', async () => {
    const one = start()
    const intent: Intent = await registerIn(store, 't-1')
    await redis.del(store.keys.intent(intent.id))
    await one.pass(minute)
    assert.equal(await dueAt(store, intent), undefined)
  })
})
