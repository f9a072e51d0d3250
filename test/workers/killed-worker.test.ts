import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Queue } from 'bullmq'
import { callbackQueueName, groupJob } from '../../src/queue/catalogue.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'
import { createReconcileWorker } from '../../src/workers/reconcile-worker.ts'
import { noCases } from '../support/cases.ts'
import { createTestClients, testRedis, uniquePrefix } from '../support/redis.ts'
import { ids, keyring, receiptOf } from '../support/store.ts'
import { until } from '../support/until.ts'

const fixture = fileURLToPath(new URL('../fixtures/stuck-worker.ts', import.meta.url))

/** What is promised: applied within this time of being ready again. */
const promisedMs = 15_000

describe('a worker that is killed while a job is under way', () => {
  const clients = createTestClients()
  const children: ChildProcess[] = []
  after(() => {
    for (const child of children) child.kill('SIGKILL')
    clients.closeAll()
  })

  it('fails nothing by being killed twice in a row, and the work is done within 15 seconds of the next start', async function () {
    this.timeout(90_000)
    const prefix = `{${uniquePrefix()}}`
    const queue = new Queue(callbackQueueName, { connection: await clients.open(), prefix })
    const receipt = receiptOf('{}')
    const jobId = ids.jobId()
    const { name, data, opts } = groupJob(jobId, [receipt])
    await queue.add(name, data, opts)

    for (let kill = 1; kill <= 2; kill++) {
      const child = spawn(
        process.execPath,
        ['--import', 'tsx', fixture, JSON.stringify(testRedis()), prefix],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      )
      children.push(child)
      assert.ok(child.stdout)
      await once(child.stdout, 'data')
      child.kill('SIGKILL')
      await once(child, 'exit')
      assert.equal(await queue.getJobState(jobId), 'active', `after kill ${kill}`)
    }

    const applied: string[] = []
    const startedAt = Date.now()
    const worker = createReconcileWorker({
      reconcile: {
        applyOne: async () => assert.fail('A group stays a group.'),
        applyAll: async (receipts) => {
          applied.push(...receipts.map(({ id }) => id))
          return []
        },
      },
      sealer: keyring,
      addJobs: async () => {},
      cases: noCases,
      connection: await clients.open(),
      prefix,
      concurrency: 4,
      random: Math.random,
      logger: silentLogger,
    })
    await until('the receipt', () => applied.length > 0, promisedMs)
    assert.ok(Date.now() - startedAt < promisedMs)
    assert.deepEqual(applied, [receipt.id])
    await until(
      'an empty queue',
      async () => (await queue.getJobCountByTypes('active', 'wait', 'delayed', 'failed')) === 0,
    )
    await worker.stop()
    await queue.close()
  })
})
