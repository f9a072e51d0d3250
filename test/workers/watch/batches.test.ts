import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import type { Batch } from '../../../src/domain/batch.ts'
import { cancelTransfer } from '../../../src/domain/decide-transfer.ts'
import { hold } from '../../../src/domain/decision.ts'
import type { BatchId, CaseId, TransferId } from '../../../src/domain/ids.ts'
import { requestSubmission, waitingSince } from '../../../src/domain/submission.ts'
import type { Transfer } from '../../../src/domain/transfer.ts'
import type { Order } from '../../../src/providers/client.ts'
import { createDueBatches } from '../../../src/store/due-batches.ts'
import { memberIdOf } from '../../../src/store/ids.ts'
import { silentLogger } from '../../../src/telemetry/logger.ts'
import { createSettleBatches } from '../../../src/workers/settle-batches.ts'
import { batchesOf, requestOf } from '../../support/batches.ts'
import { createTestCaseParts } from '../../support/case-parts.ts'
import {
  acceptLikeWechat,
  account,
  batchSeen,
  bytesOf,
  createFakeClient,
  type FakeClient,
  refusedWith,
  saying,
  submissionOf,
  transferSeen,
  unknown,
  unsent,
} from '../../support/fake-client.ts'
import { createTestClients } from '../../support/redis.ts'
import { createTestStore, day, openReceiptOf, registrationOf, type TestStore } from '../../support/store.ts'
import { createTestWatch, dueAt, factsOf, minute, type TestClock } from '../../support/watch.ts'

const terms = { authorizationType: 'INFORMATION_AUTHORIZATION_TYPE', subMchid: '1900001109' }

describe('sending and watching batches', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore
  let fake: FakeClient
  let time: TestClock
  let id: BatchId
  before(async () => {
    redis = await clients.open()
  })
  beforeEach(() => {
    store = createTestStore(redis)
    fake = createFakeClient('wechatpay')
    time = { now: Date.now() + 1_000 }
  })
  after(() => clients.closeAll())

  const start = (options?: Parameters<typeof createTestWatch>[3]) =>
    createTestWatch(store, fake, time, options)

  async function register(count: number, fields: Partial<Batch> = { wechatpay: terms }): Promise<void> {
    const references = Array.from({ length: count }, (_, i) => `r-${i}`)
    const request = await requestOf(store, 'b-1', references)
    id = request.id
    const build = async () => {
      const content = await request.build()
      const submission = waitingSince(Date.now(), false)
      return {
        ...content,
        batch: { ...content.batch, intent: { ...content.batch.intent, submission, ...fields } },
      }
    }
    await batchesOf(store, redis).register({ ...request, build })
  }
  async function find(): Promise<Batch> {
    const found = await store.intents.find(id)
    if (found?.kind !== 'batch') throw new Error('There is no batch.')
    return found
  }
  async function members(): Promise<Transfer[]> {
    const loaded = await store.intents.load(await store.intents.listMembers(id))
    return loaded.flatMap((one) =>
      one.outcome === 'found' && one.intent.kind === 'transfer' ? [one.intent] : [],
    )
  }
  const states = async () => [...new Set((await members()).map(({ state }) => state))].sort()
  function settleBatches() {
    const due = createDueBatches(store)
    return createSettleBatches({ intents: store.intents, due, clock: () => time.now, logger: silentLogger })()
  }
  const sentIn = (order: Order | undefined) =>
    order?.call === 'pay-batch' ? order.transfers.map(({ reference }) => reference) : []
  const asked = (call: string) => fake.questions.filter((question) => question.call === call).length

  it('notes 300 transfers as sent, then the batch, then orders it, in the order of registration', async () => {
    await register(300)
    const one = start()
    let before: string[] = []
    fake.onOrder = async (order) => {
      before = [...(await states()), (await find()).submission?.step ?? '']
      return acceptLikeWechat(order)
    }
    await one.settle()
    assert.deepEqual(before, ['submitted', 'sending'])
    assert.equal(fake.orders.length, 1)
    assert.deepEqual(
      sentIn(fake.orders[0]),
      Array.from({ length: 300 }, (_, i) => `r-${i}`),
    )
    assert.equal((await find()).state, 'accepted')
    assert.equal((await find()).submission?.step, 'acknowledged')
  })

  it('asks not more than once in its time, then page by page, and why one failed', async () => {
    await register(3)
    const one = start()
    await one.settle()
    fake.onAsk = (question) => {
      if (question.call === 'batch') return saying(batchSeen('b-1', 'processing'))
      return unknown
    }
    await one.pass(31_000)
    assert.equal(asked('batch'), 1)
    for (let i = 0; i < 5; i++) {
      await one.watch.nudge(account, [id], time.now)
      await one.pass(5_000)
    }
    assert.equal(asked('batch'), 1)
    fake.onAsk = (question) => {
      switch (question.call) {
        case 'batch':
          return saying(batchSeen('b-1', 'finished'))
        case 'batch-page': {
          const parts = saying(
            transferSeen(`r-${question.from}`, question.from === 1 ? 'failed' : 'succeeded', {
              batch: 'b-1',
            }),
          )
          return question.from < 2 ? { ...parts, next: question.from + 1 } : parts
        }
        case 'transfer':
          return saying(
            transferSeen(question.reference, 'failed', {
              batch: 'b-1',
              failure: { code: 'beneficiary-blocked', reason: 'ACCOUNT_FROZEN' },
            }),
          )
        default:
          return unknown
      }
    }
    await one.pass(2 * minute)
    assert.equal(asked('batch-page'), 3)
    assert.equal(asked('transfer'), 1)
    assert.deepEqual(
      (await members()).map(({ state, failure }) => `${state} ${failure?.reason ?? ''}`),
      ['succeeded ', 'failed ACCOUNT_FROZEN', 'succeeded '],
    )
    await settleBatches()
    assert.equal((await find()).state, 'finished')
    assert.equal(await dueAt(store, { id }), time.now)
    await one.pass(2 * minute)
    assert.equal(asked('batch-page'), 6, 'it is looked back at')
    assert.equal(asked('transfer'), 1, 'and why one failed is known')
  })

  it("asks with the provider's own numbers as soon as it has told them", async () => {
    await register(2)
    const one = start()
    await one.settle()
    const batchNumber = 'their-b-1'
    fake.onAsk = ({ call }) =>
      call === 'batch'
        ? saying(batchSeen('b-1', 'processing', 'query', { providerReference: batchNumber }))
        : unknown
    await one.pass(31_000)
    assert.deepEqual(fake.questions, [{ call: 'batch', reference: 'b-1' }])
    fake.questions.length = 0
    const listed = (reference: string, status: 'failed' | 'processing') =>
      transferSeen(reference, status, { batch: 'b-1', providerReference: `their-${reference}` })
    fake.onAsk = ({ call }) => {
      if (call === 'batch') return saying(batchSeen('b-1', 'finished'))
      return call === 'batch-page' ? saying(listed('r-0', 'failed'), listed('r-1', 'processing')) : unknown
    }
    await one.pass(2 * minute)
    const transfer = { call: 'transfer', batch: 'b-1', batchNumber } as const
    assert.deepEqual(fake.questions, [
      { call: 'batch', reference: 'b-1', batchNumber },
      { call: 'batch-page', reference: 'b-1', from: 0, batchNumber },
      { ...transfer, reference: 'r-0', number: 'their-r-0' },
    ])
    fake.questions.length = 0
    fake.onAsk = () => unknown
    await one.pass(16 * minute)
    const second = fake.questions.find(({ reference }) => reference === 'r-1')
    assert.deepEqual(second, { ...transfer, reference: 'r-1', number: 'their-r-1' })
  })

  it('looks back at what is finished, rarer and rarer, and finds what a bank has sent back', async () => {
    await register(2)
    const one = start()
    await one.settle()
    let later: 'succeeded' | 'returned' = 'succeeded'
    fake.onAsk = (question) =>
      question.call === 'batch'
        ? saying(batchSeen('b-1', 'finished'))
        : saying(
            transferSeen('r-0', 'succeeded', { batch: 'b-1' }),
            transferSeen('r-1', later, { batch: 'b-1' }),
          )
    await one.pass(31_000)
    await settleBatches()
    assert.equal((await find()).state, 'finished')
    const gaps: number[] = []
    const lookOn = async (until: number) => {
      for (let due = await dueAt(store, { id }); due !== undefined && due < until; ) {
        const before = asked('batch')
        time.now = due
        await one.settle()
        due = await dueAt(store, { id })
        if (due !== undefined && asked('batch') > before) gaps.push(due - time.now)
      }
    }
    await lookOn(time.now + 3 * day)
    assert.deepEqual(
      gaps,
      gaps.toSorted((a, b) => a - b),
    )
    assert.ok(gaps.length > 5 && gaps.every((gap) => gap >= minute && gap <= day))
    const receiptsOf = async (member: TransferId) => redis.hlen(store.keys.heard(member))
    const [first, second] = await store.intents.listMembers(id)
    assert.ok(first && second)
    assert.ok((await receiptsOf(first)) <= 2, 'what says nothing new is not kept')
    later = 'returned'
    await lookOn(time.now + 2 * day)
    assert.deepEqual(await states(), ['returned', 'succeeded'])
    assert.deepEqual((await factsOf(store, { id: second })).slice(-2), ['succeeded', 'returned'])
    await settleBatches()
    assert.ok((await factsOf(store, { id })).includes('amended'))
    await lookOn(Number.POSITIVE_INFINITY)
    assert.equal(await dueAt(store, { id }), undefined)
  })

  it('waits out a shortage of calls between two pages', async () => {
    await register(2)
    const one = start()
    await one.settle()
    let short = 3
    fake.onAsk = (question) => {
      if (question.call === 'batch') return saying(batchSeen('b-1', 'finished'))
      if (question.call !== 'batch-page') return unknown
      if (question.from === 1 && short-- > 0)
        return { outcome: 'unsent', because: 'The limit.', retryInMs: 500 }
      const page = saying(transferSeen(`r-${question.from}`, 'succeeded', { batch: 'b-1' }))
      return question.from === 0 ? { ...page, next: 1 } : page
    }
    await one.pass(31_000)
    assert.deepEqual(await states(), ['succeeded'])
  })

  it('after an unknown outcome asks first, and sends the very same again where it is not known', async () => {
    await register(3)
    const one = start()
    fake.onOrder = () => unknown
    await one.settle()
    assert.equal(fake.orders.length, 1)
    await one.pass(31_000)
    assert.equal(asked('batch'), 1)
    assert.equal(fake.orders.length, 1, 'it may still be on its way')
    await one.pass(2 * minute)
    assert.equal(asked('batch'), 2)
    assert.equal(fake.orders.length, 2)
    const [{ notAfter: _, ...first } = {} as Order, { notAfter: __, ...second } = {} as Order] = fake.orders
    assert.deepEqual(second, first)
    fake.onAsk = () => saying(batchSeen('b-1', 'processing'))
    for (let i = 0; i < 5; i++) await one.pass(60 * minute)
    assert.equal(fake.orders.length, 2)
    assert.equal((await find()).submission?.step, 'acknowledged')
  })

  it('sends nothing again while it is paused, nor of a batch of which something was heard', async () => {
    await register(2)
    const one = start()
    fake.onOrder = () => unknown
    await one.settle()
    one.state.paused = true
    for (let i = 0; i < 5; i++) await one.pass(60 * minute)
    assert.equal(fake.orders.length, 1)
    assert.ok(asked('batch') > 2)
    one.state.paused = false
    fake.onAsk = (question) =>
      question.call === 'transfer' && question.reference === 'r-0'
        ? saying(transferSeen('r-0', 'processing', { batch: 'b-1' }))
        : question.call === 'transfer'
          ? { outcome: 'not-known' }
          : unknown
    await one.pass(120 * minute)
    fake.onAsk = () => ({ outcome: 'not-known' })
    for (let i = 0; i < 5; i++) await one.pass(60 * minute)
    assert.equal(fake.orders.length, 1)
  })

  it('takes the step back where nothing left, and goes on with what was prepared', async () => {
    await register(2)
    const one = start()
    fake.onOrder = () => unsent
    await one.settle()
    assert.equal((await find()).submission?.step, 'waiting')
    assert.deepEqual(await states(), ['submitted'])
    fake.onOrder = acceptLikeWechat
    await one.pass(minute)
    assert.deepEqual(sentIn(fake.orders[1]), ['r-0', 'r-1'])
    assert.equal((await find()).state, 'accepted')
  })

  it('goes on where it was stopped between two chunks', async () => {
    await register(250)
    const { commitAll } = store.intents
    let chunks = 0
    store.intents.commitAll = async (requests) => {
      if (requests.length === 100 && ++chunks === 2) throw new Error('killed')
      return commitAll(requests)
    }
    const dead = start()
    await dead.settle(2)
    assert.deepEqual(await states(), ['registered', 'submitted'])
    assert.deepEqual(fake.orders, [])
    store.intents.commitAll = commitAll
    await start().pass(2 * minute)
    assert.equal(sentIn(fake.orders[0]).length, 250)
    assert.deepEqual(await states(), ['submitted'])
  })

  it('leaves out what was cancelled or is held', async () => {
    await register(3)
    const [first, second, third] = await members()
    assert.ok(first && second && third)
    const held = hold<Transfer>(second, {}, 'amount-differs', time.now)
    assert.ok(held.verdict === 'held')
    await store.intents.commit({
      before: second,
      steps: held.steps,
      because: { source: 'callback' },
      at: time.now,
    })
    const step = cancelTransfer(third, time.now)
    assert.ok(step)
    await store.intents.commit({
      before: third,
      steps: [step],
      because: { source: 'operator' },
      at: time.now,
    })
    const one = start()
    await one.settle()
    assert.deepEqual(sentIn(fake.orders[0]), ['r-0'])
    assert.deepEqual(
      (await members()).map(({ state }) => state),
      ['submitted', 'registered', 'cancelled'],
    )
  })

  it('goes without what was cancelled also where the batch has been looked at since', async () => {
    await register(3)
    const one = start()
    one.state.paused = true
    await one.settle()
    const [first] = await members()
    const step = first && cancelTransfer(first, time.now)
    assert.ok(first && step)
    await store.intents.commit({
      before: first,
      steps: [step],
      because: { source: 'operator' },
      at: time.now,
    })
    await settleBatches()
    assert.equal((await find()).state, 'registered')
    one.state.paused = false
    await one.pass(10 * minute)
    assert.deepEqual(sentIn(fake.orders[0]), ['r-1', 'r-2'])
    assert.equal(fake.orders.length, 1)
  })

  it('sends nothing where all of it was cancelled', async () => {
    await register(2)
    for (const member of await members()) {
      const step = cancelTransfer(member, time.now)
      assert.ok(step)
      await store.intents.commit({
        before: member,
        steps: [step],
        because: { source: 'operator' },
        at: time.now,
      })
    }
    await start().settle()
    assert.deepEqual(fake.orders, [])
  })

  it('holds one whose beneficiary was erased, and sends the others', async () => {
    await register(1)
    const [only] = await members()
    await store.vault.forget(only?.personal.person ?? '')
    const one = start()
    await one.settle()
    await one.pass(60 * minute)
    assert.deepEqual(fake.orders, [])
    assert.equal((await members())[0]?.hold?.reason, 'refused-by-provider')
  })

  it('asks a person where a beneficiary was erased after the transfer was noted as sent', async () => {
    await register(2)
    const one = start()
    fake.onOrder = () => unsent
    await one.settle()
    assert.deepEqual(await states(), ['submitted'])
    await store.vault.forget((await members())[0]?.personal.person ?? '')
    fake.onOrder = acceptLikeWechat
    await one.pass(60 * minute)
    assert.equal(fake.orders.length, 1)
    const held = (await find()).hold
    assert.equal(held?.reason, 'refused-by-provider')
    const { resolve } = createTestCaseParts(store, { clock: () => time.now, providers: one.providers })
    await resolve({ id: held?.case ?? '', action: 'cancel', by: 'ops', reason: 'Erased.' })
    await one.settle()
    assert.deepEqual(await states(), ['cancelled'])
    assert.equal(fake.orders.length, 1)
  })

  it('does not send again what the provider may no longer remember', async () => {
    await register(2)
    const one = start()
    fake.onOrder = () => unknown
    await one.settle()
    fake.onAsk = () => unknown
    await one.pass(minute)
    fake.onAsk = () => ({ outcome: 'not-known' })
    await one.pass(29 * day)
    await one.pass(2 * day)
    assert.equal(fake.orders.length, 1)
  })

  it('lets its transfers follow where it was refused', async () => {
    await register(120)
    const failure = { code: 'insufficient-funds' } as const
    fake.onOrder = () =>
      refusedWith(
        'failed',
        submissionOf({ of: 'batch', status: 'refused', reference: 'b-1', remedy: 'failed', failure }),
      )
    const one = start()
    await one.settle()
    assert.equal((await find()).submission?.step, 'refused')
    assert.deepEqual(await states(), ['failed'])
    assert.deepEqual((await members())[0]?.failure, failure)
    await settleBatches()
    assert.equal((await find()).state, 'finished')
    assert.equal(fake.orders.length, 1)
    for (let hours = 0; hours < 24; hours++) {
      for (let i = 0; i < 6; i++) await one.pass(10 * minute)
    }
    assert.ok(asked('batch') < 30, `${asked('batch')} questions about what is not there`)
    for (let days = 0; days < 16; days++) await one.pass(day)
    assert.equal(await dueAt(store, { id }), undefined)
  })

  it('asks a person where only a repeat was refused for good: the first may have been taken', async () => {
    await register(2)
    const one = start()
    fake.onOrder = () => unknown
    await one.settle()
    fake.onOrder = () =>
      refusedWith(
        'failed',
        submissionOf({ of: 'batch', status: 'refused', reference: 'b-1', remedy: 'failed' }),
      )
    await one.pass(31_000)
    await one.pass(2 * minute)
    assert.equal(fake.orders.length, 2)
    const held = (await find()).hold
    assert.equal(held?.reason, 'refused-by-provider')
    assert.deepEqual(await states(), ['submitted'])
    const opened = await store.cases.find((held?.case ?? '') as CaseId)
    assert.match(opened?.reason ?? '', /sent before is not known/)
    const { resolve } = createTestCaseParts(store, { clock: () => time.now, providers: one.providers })
    await one.pass(3 * 60 * minute)
    assert.equal(fake.orders.length, 2, 'it is held')
    fake.onAsk = ({ call }) => (call === 'batch' ? saying(batchSeen('b-1', 'processing')) : unknown)
    await one.pass(2 * 60 * minute)
    assert.equal((await find()).state, 'processing')
    const word = { id: held?.case ?? '', by: 'ops', reason: 'So it is.' }
    await assert.rejects(resolve({ ...word, action: 'cancel' }), /accepted after all/)
    await resolve({ ...word, action: 'keep-ours' })
    await one.pass(2 * 60 * minute)
    assert.equal(fake.orders.length, 2)
  })

  it('asks ever more rarely about one that was refused, and at last no more, though it is not known there', async () => {
    await register(2)
    fake.onOrder = () =>
      refusedWith(
        'failed',
        submissionOf({ of: 'batch', status: 'refused', reference: 'b-1', remedy: 'failed' }),
      )
    const one = start()
    await one.settle()
    await settleBatches()
    for (let next = await dueAt(store, { id }); next !== undefined && asked('batch') < 60; ) {
      await one.pass(next - time.now)
      next = await dueAt(store, { id })
    }
    assert.equal(await dueAt(store, { id }), undefined)
    assert.ok(asked('batch') > 5 && asked('batch') < 60, `${asked('batch')} questions`)
  })

  for (const [action, step, state, orders] of [
    ['cancel', 'withdrawn', 'cancelled', 1],
    ['keep-ours', 'acknowledged', 'submitted', 2],
  ] as const) {
    it(`waits for a person where something has to be mended first, and does what they say: ${action}`, async () => {
      await register(2)
      fake.onOrder = () =>
        refusedWith(
          'operator',
          submissionOf({ of: 'batch', status: 'refused', reference: 'b-1', remedy: 'operator' }),
        )
      const one = start()
      await one.settle()
      await one.pass(60 * minute)
      assert.equal(fake.orders.length, 1)
      const held = (await find()).hold
      assert.ok(held)
      fake.onOrder = acceptLikeWechat
      const { resolve } = createTestCaseParts(store, { clock: () => time.now, providers: one.providers })
      await resolve({ id: held.case, action, by: 'ops', reason: 'So it is.' })
      await one.settle()
      assert.equal((await find()).submission?.step, step)
      assert.deepEqual(await states(), [state])
      assert.equal(fake.orders.length, orders)
    })
  }

  it('asks about each by itself once it was closed, or takes long', async () => {
    await register(2)
    const one = start()
    await one.settle()
    fake.onAsk = (question) =>
      question.call === 'batch'
        ? saying(batchSeen('b-1', 'closed'))
        : question.call === 'transfer'
          ? saying(transferSeen(question.reference, 'failed', { batch: 'b-1' }))
          : unknown
    await one.pass(31_000)
    assert.equal((await find()).state, 'closed')
    await one.pass(16 * minute)
    assert.equal(asked('transfer'), 2)
    assert.deepEqual(fake.questions.at(-1), {
      call: 'transfer',
      reference: fake.questions.at(-1)?.reference,
      batch: 'b-1',
    })
    assert.deepEqual(await states(), ['failed'])
  })

  it('of a mere grouping is done with sending also where some of it has arrived meanwhile', async () => {
    fake = createFakeClient()
    await register(2, {})
    const one = start()
    const [first] = await members()
    assert.ok(first)
    await one.reconcile.applyAll([
      {
        ...openReceiptOf(bytesOf(transferSeen(first.reference, 'succeeded', { source: 'callback' }))),
        account,
      },
    ])
    await settleBatches()
    assert.equal((await find()).state, 'processing')
    await one.settle()
    assert.equal((await find()).submission?.step, 'sending')
    assert.ok(((await dueAt(store, { id })) ?? 0) > time.now + 5_000)
  })

  it('leaves out of a grouping what was started elsewhere: it would be paid twice', async () => {
    fake = createFakeClient()
    await register(2, { submission: undefined })
    const { intent } = await registrationOf(store, 'r-2', {
      id: memberIdOf(id, 'r-2'),
      batch: id,
      providerReference: 'inquiry-of-theirs',
    })
    const joined = await batchesOf(store, redis).join({
      fact: {
        name: 'registered',
        sequence: 1,
        change: { from: null, to: { state: 'registered', held: false } },
      },
      intent,
      because: { source: 'registration' },
      at: time.now,
    })
    assert.equal(joined.outcome, 'registered')
    const batch = await find()
    const step = requestSubmission<Batch>(batch, {}, time.now)
    assert.ok(step)
    await store.intents.commit({
      before: batch,
      steps: [step],
      because: { source: 'operator' },
      at: time.now,
    })
    const one = start()
    await one.settle()
    await one.pass(minute)
    const sent = fake.orders.filter(({ call }) => call === 'reserve').map(({ reference }) => reference)
    assert.deepEqual(sent.sort(), ['r-0', 'r-1'])
  })

  it('of a mere grouping sends each transfer by itself, once', async () => {
    fake = createFakeClient()
    await register(120, { submission: waitingSince(Date.now(), true) })
    const one = start()
    for (let i = 0; i < 6; i++) await one.settle(12)
    const each = fake.orders.map(({ call, reference }) => `${call} ${reference}`)
    assert.equal(new Set(each).size, each.length)
    assert.equal(each.length, 240)
    assert.equal((await find()).state, 'submitted')
    const [first] = await members()
    assert.equal(first?.submission?.force, true)
    const facts = await factsOf(store, { id: first?.id as TransferId })
    assert.deepEqual(facts, ['registered', 'requested', 'submitted', 'reserved', 'sent', 'acknowledged'])
  })
})
