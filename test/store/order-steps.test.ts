import assert from 'node:assert/strict'
import { parseRedisUrl } from '../../src/config/redis-url.ts'
import { connectOnce, createConnect } from '../../src/queue/connections.ts'
import { createOrderSteps } from '../../src/store/order-steps.ts'
import { startRedisServer } from '../support/redis-server.ts'
import { startCluster, startReplica } from '../support/redis-topologies.ts'
import { createTestStore, registerIn } from '../support/store.ts'
import { until } from '../support/until.ts'

describe('the step before an order', function () {
  this.timeout(60_000)

  async function connect(url: string) {
    const parsed = parseRedisUrl(url)
    const target = parsed.outcome === 'parsed' ? parsed.address : assert.fail()
    const redis = createConnect(target)('wait', 'test')
    await connectOnce(redis, target)
    const store = createTestStore(redis)
    const steps = createOrderSteps({ ...store, redis, replicas: 1, waitMs: 300 })
    return { redis, store, steps }
  }

  it('is kept where a replica has it, and not while that hangs', async () => {
    const master = await startRedisServer()
    const replica = await startReplica(master)
    const { redis, store, steps } = await connect(master.url)
    try {
      const intent = await registerIn(store, 't-1')
      await until('the replica to have it', () => steps.areKept(intent))
      replica.freeze()
      assert.equal(await steps.areKept(await registerIn(store, 't-2')), false)
      replica.thaw()
      await until('the replica', () => steps.areKept(intent))
    } finally {
      redis.disconnect()
      await Promise.all([replica.stop(), master.stop()])
    }
  })

  it('of a cluster is asked about on the node that has it', async () => {
    const cluster = await startCluster()
    const { redis, store, steps } = await connect(cluster.url)
    try {
      const intent = await registerIn(store, 't-1')
      assert.equal(await steps.areKept(intent), false)
      await cluster.addReplica(await cluster.ownerOf(store.keys.intent(intent.id)))
      await until('the replica', () => steps.areKept(intent))
      assert.equal(await steps.areKept({ ...intent, sequence: 2 }), false)
    } finally {
      redis.disconnect()
      await cluster.stop()
    }
  })
})
