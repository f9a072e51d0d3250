import assert from 'node:assert/strict'
import { Queue } from 'bullmq'
import type { Receipt } from '../../src/domain/receipt.ts'
import { callbackQueueName, type JobDraft, singleJob } from '../../src/queue/catalogue.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'
import { sealReceipt } from '../../src/workers/observe.ts'
import { createReadyPump, startSweep } from '../../src/workers/ready-pump.ts'
import { createTestClients, uniquePrefix } from '../support/redis.ts'
import { createTestStore, ids, keyring, openReceiptOf, receiptOf, registrationOf } from '../support/store.ts'
import { until } from '../support/until.ts'
import { newReference } from '../support/zenospay.ts'

describe('ready pump', () => {
  const clients = createTestClients()
  after(() => clients.closeAll())

  it('queues a receipt also while the job that parked it, which bears its name, has not ended', async () => {
    const redis = await clients.open()
    const store = createTestStore(redis)
    const queue = new Queue(callbackQueueName, { connection: redis, prefix: `{${uniquePrefix()}}` })
    const addJobs = (jobs: JobDraft[]) => queue.addBulk(jobs)
    const event = await registrationOf(store, newReference())
    const receipt = openReceiptOf('{}')
    const { account } = receipt
    await addJobs([singleJob(sealReceipt(receipt, keyring))])
    await store.intents.parkAll([{ target: event.intent.id, account, receipt }])
    await store.register(event)

    assert.equal(await createReadyPump({ ready: store.ready, addJobs, ids })(), 1)
    const jobs = await queue.getWaiting()
    assert.equal(jobs.length, 2)
    assert.deepEqual(
      jobs.map((job) => job.data.receipts[0].id),
      [receipt.id, receipt.id],
    )
    await queue.close()
  })

  it('lets go of what it has queued, and not of what became ready anew meanwhile', async () => {
    const redis = await clients.open()
    const store = createTestStore(redis)
    const [first, second] = [receiptOf('{}'), receiptOf('{}')]
    const key = store.keys.ready(0)
    const put = (receipt: Receipt) => redis.hset(key, receipt.id, JSON.stringify(receipt))
    await put(first)
    await put(second)
    await store.ready.pump(async () => void (await put({ ...first, body: 'sealed anew' })))
    assert.deepEqual(await redis.hkeys(key), [first.id])
    await store.ready.pump(async () => {})
    assert.deepEqual(await redis.hkeys(key), [])
  })

  it('sweeps on, also after a round that failed', async () => {
    let rounds = 0
    const sweep = startSweep(
      async () => {
        if (++rounds === 1) throw new Error('away')
        return 0
      },
      1,
      silentLogger,
    )
    await until('three rounds', () => rounds >= 3)
    await sweep.stop()
  })
})
