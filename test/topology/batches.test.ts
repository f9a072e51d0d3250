import assert from 'node:assert/strict'
import type { Transfer } from '../../src/domain/transfer.ts'
import { batchSchema } from '../../src/events/batch-resource.ts'
import { createConnect } from '../../src/queue/connections.ts'
import type { RedisClient } from '../../src/redis/client.ts'
import { describeDisbursement } from '../../src/sandbox/signed-callback.ts'
import { createDueBatches } from '../../src/store/due-batches.ts'
import { transferIdOf } from '../../src/store/ids.ts'
import { createMembers } from '../../src/store/members.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'
import { createAudit } from '../../src/workers/audit.ts'
import { createSettleBatches } from '../../src/workers/settle-batches.ts'
import { createBatchApp } from '../support/batch-app.ts'
import { batchesOf, Crash, dyingAfter, requestOf } from '../support/batches.ts'
import { startComposed } from '../support/composed.ts'
import { type RedisCluster, startCluster } from '../support/redis-topologies.ts'
import {
  createTestReconcile,
  createTestStore,
  openReceiptOf,
  readAllEvents,
  registrationOf,
} from '../support/store.ts'
import { until } from '../support/until.ts'
import { beneficiary, disbursement, newReference, testAccount } from '../support/zenospay.ts'

describe('batches on a cluster', function () {
  this.timeout(60_000)
  const account = testAccount.id
  const references = Array.from({ length: 60 }, (_, i) => `r-${i}`)
  let cluster: RedisCluster
  let redis: RedisClient
  before(async () => {
    cluster = await startCluster()
    const nodes = cluster.masters.map(({ port }) => ({ host: '127.0.0.1', port }))
    redis = createConnect({ kind: 'cluster', nodes, tls: false })('wait', 'test')
    await redis.connect()
  })
  after(async () => {
    redis?.disconnect()
    await cluster?.stop()
  })

  it('are registered, finished by others wherever it stopped, settled and audited', async () => {
    for (const n of [0, 1, 3, 5, 7, 9, 11, 14, 17]) {
      const store = createTestStore(redis, 8)
      const request = await requestOf(store, 'b-1', references)
      await batchesOf(store, dyingAfter(redis, n).redis)
        .register(request)
        .catch((error: unknown) => assert.ok(error instanceof Crash, String(error)))
      const reconcile = createTestReconcile(store)
      const see = (reference: string) =>
        openReceiptOf(describeDisbursement(disbursement({ reference, inquiryId: `of-${reference}` })))
      assert.deepEqual(await reconcile.applyAll(references.map(see)), [])
      const batches = batchesOf(store, redis)
      await Promise.all([batches.finish(Date.now() + 60_000), batches.finish(Date.now() + 60_000)])
      if (n === 0) await batches.register(request)
      await store.ready.pump(async (receipts) => {
        assert.deepEqual(await reconcile.applyAll(receipts), [])
      })
      const due = createDueBatches(store)
      const members = createMembers(store)
      const clock = () => Date.now()
      const settle = createSettleBatches({ intents: store.intents, due, clock, logger: silentLogger })
      await settle()
      const [loaded] = await store.intents.load([request.id])
      assert.ok(loaded?.outcome === 'found' && loaded.intent.kind === 'batch')
      assert.equal(loaded.intent.state, 'finished', `after ${n} steps`)
      assert.equal(loaded.totals?.totals.succeeded.count, 60)
      const { id } = (await store.intents.find(transferIdOf(account, 'r-7'))) as Transfer
      assert.ok((await members.list(request.id, { limit: 100 })).transfers.some((one) => one.id === id))
      const audit = createAudit({
        intents: store.intents,
        members,
        due,
        everyMs: 1000,
        clock,
        logger: silentLogger,
      })
      assert.equal(await audit(), 1)
      const events = await readAllEvents(store)
      assert.equal(events.filter(({ fact }) => fact.name === 'succeeded').length, 60)
      assert.equal(events.filter(({ fact }) => fact.name === 'drifted').length, 0)
    }
  })

  it('are refused whole where references are taken', async () => {
    const store = createTestStore(redis, 8)
    for (const reference of ['r-3', 'r-40']) await store.register(await registrationOf(store, reference))
    const result = await batchesOf(store, redis).register(await requestOf(store, 'b-1', references))
    assert.ok(result.outcome === 'references-taken')
    assert.deepEqual(
      result.taken.map(({ position }) => position),
      [3, 40],
    )
    assert.equal(await store.intents.find(transferIdOf(account, 'r-1')), undefined)
  })

  it('are taken by the API', async () => {
    const app = createBatchApp(createTestStore(redis, 8))
    const transfers = references.map((reference) => {
      return { reference, amount: { value: '1.00', currency: 'IDR' }, beneficiary }
    })
    const batch = { account, reference: 'b-1', name: 'Wages', remark: 'May', transfers }
    const response = await app.post('/v1/batches', batch)
    assert.equal(response.status, 201)
    assert.equal(response.body.totals.registered.count, 60)
    const listed = await app.get(`/v1/batches/${response.body.id}/transfers?limit=1000`)
    assert.equal(listed.body.items.length, 60)
  })

  it('are finished by callbacks, some of which came before them, from end to end', async () => {
    const tallyhook = await startComposed(cluster.url)
    try {
      const own = Array.from({ length: 40 }, newReference)
      const early = own.slice(0, 10)
      for (const answer of await Promise.all(early.map((one) => tallyhook.callBack(one))))
        assert.equal(answer.status, 200)
      const amount = { value: '25000.00', currency: 'IDR' }
      const transfers = own.map((reference) => ({ reference, amount, beneficiary }))
      const body = { account, reference: newReference(), name: 'Wages', remark: 'May', transfers }
      const { apiUrl, headers } = tallyhook
      const made = await fetch(`${apiUrl}/v1/batches`, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
      })
      assert.equal(made.status, 201)
      const { id } = (await made.json()) as { id: string }
      await Promise.all(own.slice(10).map((one) => tallyhook.callBack(one)))
      const batch = await until('the batch to be finished', async () => {
        const shown = batchSchema.parse(await (await fetch(`${apiUrl}/v1/batches/${id}`, { headers })).json())
        return shown.state === 'finished' && shown
      })
      assert.deepEqual(batch.totals, {
        succeeded: { count: 40, amount: { value: '1000000.00', currency: 'IDR' } },
      })
    } finally {
      await tallyhook.stop()
    }
  })
})
