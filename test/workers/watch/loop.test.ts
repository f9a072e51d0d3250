import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import type { AccountProvider } from '../../../src/providers/provider.ts'
import { createWatch } from '../../../src/store/watch.ts'
import { silentLogger } from '../../../src/telemetry/logger.ts'
import { createOverdueShare } from '../../../src/workers/watch/overdue-share.ts'
import { startWatch, type Watching } from '../../../src/workers/watch/watch.ts'
import {
  acceptLikeZenospay,
  account,
  createFakeClient,
  createFakeProvider,
  type FakeClient,
  never,
} from '../../support/fake-client.ts'
import { createMemoryLogger } from '../../support/log.ts'
import { createTestClients } from '../../support/redis.ts'
import {
  createTestReconcile,
  createTestStore,
  findTransfer,
  ids,
  registerIn,
  type TestStore,
} from '../../support/store.ts'
import { until } from '../../support/until.ts'
import { dueAt, registerToSend } from '../../support/watch.ts'

describe('the watch as it runs', () => {
  const clients = createTestClients()
  const running: Watching[] = []
  let redis: Redis
  let store: TestStore
  before(async () => {
    redis = await clients.open()
  })
  beforeEach(() => {
    store = createTestStore(redis)
  })
  afterEach(async () => {
    for (const one of running.splice(0)) await one.stop({ force: true })
  })
  after(() => clients.closeAll())

  function start(fakes: Record<string, FakeClient | undefined>): Watching {
    const all = Object.entries(fakes).map(([name, fake]): [string, AccountProvider] => {
      const { client: _, ...provider } = createFakeProvider(fake ?? createFakeClient())
      return [name, { ...provider, account: name, ...(fake && { client: fake.client }) }]
    })
    const providers = new Map(all)
    const watching = startWatch({
      providers,
      settingsOf: () => ({
        watch: { firstMs: 1_000, everyMs: 1_000, overdueMs: 1, giveUpMs: 2 },
        calls: { timeoutMs: 5_000 },
      }),
      pauses: { isPaused: async () => false },
      intents: store.intents,
      vault: store.vault,
      reconcile: createTestReconcile(store, { providers }),
      watch: createWatch(store),
      mintReceipt: ids.receiptId,
      clock: Date.now,
      logger: silentLogger,
      intervalMs: 20,
    })
    running.push(watching)
    return watching
  }

  it('lets one dead provider cost the others nothing', async () => {
    const [dead, alive] = [createFakeClient(), createFakeClient()]
    dead.onOrder = never
    for (let i = 0; i < 20; i++) await registerToSend(store, `d-${i}`, { account: 'dead' })
    const mine = await Promise.all(Array.from({ length: 20 }, (_, i) => registerToSend(store, `t-${i}`)))
    start({ dead, [account]: alive })
    await until('all of them', async () => {
      const found = await Promise.all(mine.map(({ id }) => findTransfer(store, id)))
      return found.every(({ submission }) => submission?.step === 'acknowledged')
    })
    assert.equal(dead.orders.length, 8)
    assert.equal(alive.orders.length, 40)
  })

  it('keeps half of what it does at once for questions while there are orders without end', async () => {
    const fake = createFakeClient()
    fake.onOrder = never
    fake.onAsk = never
    const asked = await registerIn(store, 'asked', {
      state: 'submitted',
      submission: { step: 'acknowledged', at: Date.now() - 10_000 },
    })
    for (let i = 0; i < 20; i++) await registerToSend(store, `t-${i}`)
    await redis.zadd(store.keys.watch(store.keys.partitionOf(asked.id), account), 1, asked.id)
    start({ [account]: fake })
    await until('the question', () => fake.questions.length === 1 && fake.orders.length === 7)
  })

  it('waits for the calls that are under way when it is stopped, and begins no other', async () => {
    const fake = createFakeClient()
    let answer = (): void => {}
    fake.onOrder = async (order) => {
      if (order.call === 'reserve' && fake.orders.length === 1)
        await new Promise<void>((resolve) => {
          answer = resolve
        })
      return acceptLikeZenospay(order)
    }
    const intent = await registerToSend(store, 't-1')
    const watching = start({ [account]: fake })
    await until('the call', () => fake.orders.length === 1)
    let stopped = false
    const stop = watching.stop().then(() => {
      stopped = true
    })
    await registerToSend(store, 't-2')
    await redis.ping()
    assert.equal(stopped, false)
    answer()
    await stop
    assert.equal((await findTransfer(store, intent.id)).submission?.step, 'reserved')
    assert.equal(fake.orders.length, 1)
  })

  it('keeps the deadlines of an account that can call nobody', async () => {
    const intent = await registerIn(store, 't-1')
    await store.intents.ask(intent, 1)
    start({ [account]: undefined })
    await until('the mark', async () => (await findTransfer(store, intent.id)).overdue)
    await until('its case', async () => {
      const { cases } = await store.cases.list({ account, limit: 10 })
      return cases.some(({ kind }) => kind === 'silent')
    })
    assert.ok(((await dueAt(store, intent)) ?? 0) > Date.now())
  })

  it('says when the share of what is overdue rises past a step, and not again while it stays', async () => {
    const logger = createMemoryLogger()
    const counts = { pending: 100, overdue: 0 }
    const report = createOverdueShare({ account, watch: { count: async () => counts }, logger })
    for (const overdue of [0, 1, 2, 6, 6, 0, 3]) {
      counts.overdue = overdue
      await report()
    }
    assert.deepEqual(
      logger.lines.map(({ level, event, fields }) => `${level} ${event} ${fields.percent}`),
      ['warn account.overdue-share 1', 'warn account.overdue-share 6', 'warn account.overdue-share 3'],
    )
  })
})
