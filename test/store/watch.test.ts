import assert from 'node:assert/strict'
import type { Cluster } from 'ioredis'
import { createConnect } from '../../src/queue/connections.ts'
import type { RedisClient } from '../../src/redis/client.ts'
import { batchIdOf } from '../../src/store/ids.ts'
import { createWatch, type Watch } from '../../src/store/watch.ts'
import { bytesOf, createFakeClient, createFakeProvider, transferSeen } from '../support/fake-client.ts'
import { createTestClients } from '../support/redis.ts'
import { type RedisCluster, startCluster } from '../support/redis-topologies.ts'
import {
  createTestReconcile,
  createTestStore,
  openReceiptOf,
  registerIn,
  type TestStore,
} from '../support/store.ts'
import { dueAt } from '../support/watch.ts'
import { testAccount } from '../support/zenospay.ts'

const account = testAccount.id

function describeWatch(open: () => Promise<RedisClient>): void {
  let redis: RedisClient
  let store: TestStore
  let watch: Watch
  beforeEach(async () => {
    redis = await open()
    store = createTestStore(redis)
    watch = createWatch(store)
  })

  const later = () => Date.now() + 60_000
  async function promoteAll(minor = 1n) {
    const due = await watch.listDue(account, later())
    return watch.promote(
      account,
      'ask',
      due.map((one) => ({ ...one, minor })),
      later() + 1,
    )
  }

  it('gives each turn to one, however many ask', async () => {
    for (let i = 0; i < 60; i++) await registerIn(store, `t-${i}`)
    await promoteAll()
    const takers = Array.from({ length: 8 }, () => watch.take(account, 'ask', 20, later() + 2))
    const taken = (await Promise.all(takers)).flat()
    taken.push(...(await watch.take(account, 'ask', 100, later() + 2)))
    assert.equal(taken.length, 60)
    assert.equal(new Set(taken).size, 60)
  })

  it('gives one turn where two saw the same to be due', async () => {
    await registerIn(store, 't-1')
    const [one, other] = await Promise.all([watch.listDue(account, later()), watch.listDue(account, later())])
    const give = (due: typeof one) =>
      watch.promote(
        account,
        'ask',
        due.map((each) => ({ ...each, minor: 1n })),
        later() + 1,
      )
    assert.deepEqual([await give(one), await give(other)].sort(), [0, 1])
  })

  it('does not put off what somebody wished for between a look and what follows from it', async () => {
    const intent = await registerIn(store, 't-1')
    const wishAt = Date.now() - 1_000
    await store.intents.commit({
      before: intent,
      steps: [],
      because: { source: 'operator' },
      ask: true,
      at: wishAt,
    })
    const [seen] = await watch.listDue(account, Date.now())
    assert.equal(seen?.seenAt, wishAt)
    // It was due already, so only that it is another wish tells it from what was seen.
    await store.intents.commit({
      before: intent,
      steps: [],
      because: { source: 'operator' },
      ask: true,
      at: Date.now(),
    })
    await watch.move(account, [{ id: intent.id, at: later(), seenAt: [wishAt] }])
    assert.equal((await watch.listDue(account, Date.now())).length, 1)
  })

  it('passes over a turn of what is not watched any more, and brings back a lost one', async () => {
    const { id } = await registerIn(store, 't-1')
    const other = await registerIn(store, 't-2')
    await promoteAll()
    await redis.zrem(store.keys.watch(store.keys.partitionOf(id), account), id)
    await redis.del(store.keys.turn(store.keys.partitionOf(other.id), account, 'ask'))
    assert.ok(!(await watch.take(account, 'ask', 10, later() + 2)).includes(id))
    assert.deepEqual(
      (await watch.listDue(account, later() + 10)).map((one) => one.id),
      [other.id],
    )
  })

  it('takes the largest first, also such as no double holds to the last digit', async () => {
    const amounts = [3n, 9_007_199_254_740_993_000n, 20n]
    const byId = new Map<string, bigint>()
    for (const minor of amounts)
      byId.set((await registerIn(store, `t-${minor}`, { amount: { minor, currency: 'IDR' } })).id, minor)
    const due = await watch.listDue(account, later())
    const entries = due.map((one) => ({ ...one, minor: byId.get(one.id) ?? 0n }))
    await watch.promote(account, 'send', entries, later() + 1)
    const taken: (bigint | undefined)[] = []
    for (let i = 0; i < 3; i++)
      for (const id of await watch.take(account, 'send', 1, later() + 2)) taken.push(byId.get(id))
    assert.deepEqual(taken, [9_007_199_254_740_993_000n, 20n, 3n])
  })

  it('moves nothing that was wished for meanwhile, nor what is not watched', async () => {
    const intent = await registerIn(store, 't-1')
    const { id } = intent
    const [due] = await watch.listDue(account, later())
    assert.ok(due)
    await store.intents.ask(intent, 5)
    assert.deepEqual(await watch.move(account, [{ id, at: later(), seenAt: [due.seenAt] }]), [])
    assert.equal(await dueAt(store, intent), 5)
    assert.deepEqual(await watch.move(account, [{ id, at: undefined, seenAt: [1, 5] }]), [id])
    assert.equal(await dueAt(store, intent), undefined)
    assert.deepEqual(await watch.move(account, [{ id, at: later(), seenAt: [5] }]), [])
    await watch.nudge(account, [id], 1)
    assert.equal(await dueAt(store, intent), undefined)
  })

  it('lets one ask in a time', async () => {
    const id = batchIdOf(account, 'b-1')
    const asked = await Promise.all(Array.from({ length: 5 }, () => watch.noteAsked(id, 1_000, 60_000)))
    assert.equal(asked.filter(Boolean).length, 1)
    assert.deepEqual([...(await watch.askedAt([id]))], [[id, 1_000]])
    assert.equal(await watch.noteAsked(id, 61_000, 60_000), true)
  })

  it('counts how long it took until a callback settled something, once', async () => {
    const times = [400, 61_000, 3 * 24 * 3_600_000]
    const intents = []
    for (const [i, ms] of times.entries())
      intents.push(
        await registerIn(store, `t-${i}`, {
          createdAt: 0,
          submission: { step: 'sending', at: Date.now() - ms },
        }),
      )
    const providers = new Map([[account, createFakeProvider(createFakeClient())]])
    const reconcile = createTestReconcile(store, { providers })
    for (const [i] of times.entries()) {
      for (const status of ['processing', 'succeeded', 'succeeded'] as const) {
        const seen = { ...transferSeen(`t-${i}`, status), source: 'callback' } as const
        await reconcile.applyOne({ ...openReceiptOf('{}'), opened: bytesOf(seen) })
      }
    }
    await registerIn(store, 'asked')
    await reconcile.applyOne({ ...openReceiptOf('{}'), opened: bytesOf(transferSeen('asked', 'succeeded')) })
    const counts: Record<string, number> = {}
    for (let partition = 0; partition < store.keys.partitions; partition++)
      for (const [name, count] of Object.entries(await redis.hgetall(store.keys.delays(partition))))
        counts[name] = (counts[name] ?? 0) + Number(count)
    assert.deepEqual(counts, { [`${account} 1s`]: 1, [`${account} 5m`]: 1, [`${account} more`]: 1 })
  })
}

describe('the watch in the store', () => {
  const clients = createTestClients()
  let client: RedisClient | undefined
  after(() => clients.closeAll())
  describeWatch(async () => {
    client ??= await clients.open()
    return client
  })
})

describe('the watch in a cluster of three masters', () => {
  let cluster: RedisCluster
  let client: Cluster
  before(async function () {
    this.timeout(30_000)
    cluster = await startCluster()
    const nodes = cluster.masters.map(({ port }) => ({ host: '127.0.0.1', port }))
    client = createConnect({ kind: 'cluster', nodes, tls: false })('wait', 'watch') as Cluster
    await client.connect()
  })
  after(async () => {
    client.disconnect()
    await cluster.stop()
  })
  describeWatch(async () => client)
})
