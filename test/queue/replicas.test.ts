import assert from 'node:assert/strict'
import { Queue } from 'bullmq'
import { parseRedisUrl } from '../../src/config/redis-url.ts'
import { AppError } from '../../src/domain/errors.ts'
import { callbackQueueName, groupJob } from '../../src/queue/catalogue.ts'
import { connectOnce, createConnect } from '../../src/queue/connections.ts'
import { confirmByReplicas } from '../../src/queue/replicas.ts'
import { type Composed, startComposed } from '../support/composed.ts'
import { type RedisServerProcess, startRedisServer } from '../support/redis-server.ts'
import { startCluster, startReplica } from '../support/redis-topologies.ts'
import { ids, receiptOf } from '../support/store.ts'
import { until } from '../support/until.ts'
import { newReference } from '../support/zenospay.ts'

describe('replicas that confirm a write', function () {
  this.timeout(60_000)

  describe('of one master', () => {
    let master: RedisServerProcess
    let replica: RedisServerProcess
    let tallyhook: Composed
    before(async () => {
      master = await startRedisServer()
      replica = await startReplica(master)
      tallyhook = await startComposed(master.url, { durability: { replicas: 1 } })
      await tallyhook.ready()
    })
    after(async () => {
      replica.thaw()
      assert.equal(await tallyhook.stop(), true)
      await Promise.all([replica.stop(), master.stop()])
    })

    it('acknowledges what the replica has', async () => {
      const references = await tallyhook.registerSome(20)
      const answers = await Promise.all(references.map((reference) => tallyhook.callBack(reference)))
      assert.ok(answers.every(({ status }) => status === 200))
      await tallyhook.settled(references)
    })

    it('answers 503 while the replica hangs, in time, and 200 again when it goes on', async () => {
      const [reference = ''] = await tallyhook.registerSome(1)
      replica.freeze()
      const { status, ms } = await tallyhook.callBack(reference)
      assert.equal(status, 503)
      assert.ok(ms < 2_000, `answered after ${ms} ms`)
      // The workers need no replica: what was written is applied, though the provider is told to come again.
      await tallyhook.settled([reference])
      replica.thaw()
      await until('the acknowledgement', async () => (await tallyhook.callBack(reference)).status === 200)
    })

    it('says so in /readyz when it has fewer replicas than are asked for', async () => {
      await replica.kill()
      const { redis } = await until('distrust', async () => {
        const readiness = await tallyhook.readiness()
        return readiness.redis.state === 'weak' && readiness
      })
      assert.deepEqual(redis, {
        state: 'weak',
        because: 'replicas',
        reason: 'Redis has 0 of the 1 replicas that durability.replicas asks for.',
      })
      const { status, ms } = await tallyhook.callBack(newReference())
      assert.equal(status, 503)
      assert.ok(ms < 500, 'at once, without asking Redis')
      await replica.restart()
      await tallyhook.ready()
    })
  })

  it('is asked on the node of a cluster that wrote, and refuses where that has none', async () => {
    const cluster = await startCluster()
    const parsed = parseRedisUrl(cluster.url)
    const target = parsed.outcome === 'parsed' ? parsed.address : assert.fail()
    const client = createConnect(target)('fail-fast', 'test')
    await connectOnce(client, target)
    const prefix = '{tallyhook:q}'
    confirmByReplicas(client, { replicas: 1, waitMs: 300 })
    const queue = new Queue(callbackQueueName, { connection: client, prefix })
    const add = () => queue.addBulk([groupJob(ids.jobId(), [receiptOf('{}')])])
    try {
      await assert.rejects(add, (error) => error instanceof AppError && error.code === 'not-durable-yet')
      await cluster.addReplica(await cluster.ownerOf(prefix))
      const [job] = await add()
      assert.ok(job?.id)
      assert.equal(await queue.count(), 2, 'the first is there as well; its sender was told to come again')
    } finally {
      await queue.close()
      client.disconnect()
      await cluster.stop()
    }
  })
})
