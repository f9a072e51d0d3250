import assert from 'node:assert/strict'
import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { AppError } from '../../src/domain/errors.ts'
import type { Receipt } from '../../src/domain/receipt.ts'
import { callbackQueueName, groupJob, type JobDraft, singleJob } from '../../src/queue/catalogue.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'
import type { FailedReceipt, Reconcile } from '../../src/workers/reconcile.ts'
import { createReconcileWorker, type ReconcileWorker } from '../../src/workers/reconcile-worker.ts'
import { createTestCases } from '../support/cases.ts'
import { createTestClients, uniquePrefix } from '../support/redis.ts'
import { ids, keyring, receiptOf } from '../support/store.ts'
import { until } from '../support/until.ts'

/** What the worker is told of a receipt is its body here: `ok`, or the code of the fault. */
const bodyOf = new Map<string, string>()

function told(body: string): Receipt {
  const receipt = receiptOf(body)
  bodyOf.set(receipt.id, body)
  return receipt
}

function createFakeReconcile() {
  const applied: string[] = []
  const verdict = (receipt: { id: string }): AppError | undefined => {
    const body = bodyOf.get(receipt.id)
    if (body === 'never')
      return new AppError('callback-not-understood', { detail: 'The status "x" is not known.' })
    if (body === 'once' && bodyOf.set(receipt.id, 'ok')) return new AppError('commit-contended')
    applied.push(receipt.id)
    return undefined
  }
  const reconcile: Reconcile = {
    async applyOne(receipt) {
      const error = verdict(receipt)
      if (error) throw error
      return { outcome: 'applied', transferId: 'tr-1' as never }
    },
    async applyAll(receipts) {
      return receipts.flatMap((receipt): FailedReceipt[] => {
        const error = verdict(receipt)
        return error ? [{ receipt, error }] : []
      })
    },
  }
  return { applied, reconcile }
}

describe('reconcile worker on BullMQ', () => {
  const clients = createTestClients()
  let queue: Queue
  let worker: ReconcileWorker
  let fake: ReturnType<typeof createFakeReconcile>
  let connection: Redis
  let prefix: string

  const addJobs = (jobs: JobDraft[]) => queue.addBulk(jobs)

  const start = (reconcile = fake.reconcile) => {
    worker = createReconcileWorker({
      reconcile,
      sealer: keyring,
      addJobs,
      cases: createTestCases(connection).cases,
      connection,
      prefix,
      concurrency: 4,
      random: () => 0,
      logger: silentLogger,
    })
  }

  beforeEach(async () => {
    fake = createFakeReconcile()
    prefix = `{${uniquePrefix()}}`
    connection = await clients.open()
    queue = new Queue(callbackQueueName, { connection: await clients.open(), prefix })
  })
  afterEach(async () => {
    await worker.stop()
    await queue.close()
    clients.closeAll()
  })

  const settled = () =>
    until('an idle queue', async () => {
      const counts = await queue.getJobCounts('wait', 'active', 'delayed')
      return Object.values(counts).every((count) => count === 0)
    })

  it('removes a job whose receipts are all applied: they are in the store', async () => {
    const receipts = [told('ok'), told('ok'), told('ok')]
    await addJobs([groupJob(ids.jobId(), receipts)])
    start()
    await settled()
    assert.deepEqual(
      fake.applied,
      receipts.map(({ id }) => id),
    )
    assert.deepEqual(await queue.getJobCounts('completed', 'failed'), { completed: 0, failed: 0 })
  })

  it('splits out what cannot be applied: a failed job is one callback, under the id of its receipt', async () => {
    const receipts = [told('ok'), told('never'), told('ok'), told('never')]
    await addJobs([groupJob(ids.jobId(), receipts)])
    start()
    await settled()
    assert.deepEqual(fake.applied, [receipts[0]?.id, receipts[2]?.id])
    const failed = await queue.getFailed()
    assert.deepEqual(failed.map(({ id }) => id).sort(), [receipts[1]?.id, receipts[3]?.id].sort())
    for (const job of failed) {
      assert.equal(job.name, 'apply-callback')
      assert.equal(job.data.receipts.length, 1)
      assert.equal(job.attemptsMade, 1, 'what never passes is not tried again')
      assert.equal(job.failedReason, 'callback-not-understood: The status "x" is not known.')
    }
  })

  it('replays a failed callback when its job is retried', async () => {
    const receipt = told('never')
    await addJobs([groupJob(ids.jobId(), [receipt])])
    start()
    await settled()
    bodyOf.set(receipt.id, 'ok')
    const [failed] = await queue.getFailed()
    await failed?.retry()
    await settled()
    assert.deepEqual(fake.applied, [receipt.id])
    assert.equal(await queue.getFailedCount(), 0)
  })

  it('tries again what may pass', async () => {
    const receipt = told('once')
    await addJobs([groupJob(ids.jobId(), [receipt, told('ok')])])
    start()
    await settled()
    assert.ok(fake.applied.includes(receipt.id))
    assert.equal(await queue.getFailedCount(), 0)
  })

  it('keeps trying a group for as long as Redis itself is the trouble', async () => {
    let troubles = 5
    const receipt = told('ok')
    const troubled: Reconcile = {
      ...fake.reconcile,
      async applyAll(receipts) {
        if (troubles-- > 0) throw new Error('OOM command not allowed')
        return fake.reconcile.applyAll(receipts)
      },
    }
    await addJobs([groupJob(ids.jobId(), [receipt])])
    start(troubled)
    await until('the receipt', () => fake.applied.includes(receipt.id))
    await settled()
    assert.equal(await queue.getFailedCount(), 0)
  })

  it('counts no attempt of a single callback while Redis itself is the trouble', async () => {
    const receipt = told('ok')
    let tries = 0
    let full = true
    const troubled: Reconcile = {
      ...fake.reconcile,
      async applyOne(one) {
        tries++
        if (full) throw new AppError('redis-full')
        return fake.reconcile.applyOne(one)
      },
    }
    const { name, data, opts } = singleJob(receipt)
    await queue.add(name, data, { ...opts, attempts: 1 })
    start(troubled)
    await until('a second try', () => tries >= 2)
    const job = await queue.getJob(opts.jobId)
    assert.equal(job?.attemptsMade, 0)
    full = false
    await until('the receipt', () => fake.applied.includes(receipt.id))
    await settled()
    assert.equal(await queue.getFailedCount(), 0)
  })

  it('keeps a job that it cannot read, as failed and with the reason', async () => {
    await queue.add('apply-callbacks', { v: 99 }, { jobId: 'group-unreadable', attempts: 5 })
    start()
    await settled()
    const [failed] = await queue.getFailed()
    assert.match(failed?.failedReason ?? '', /^job-not-readable/)
    assert.equal(failed?.attemptsMade, 1)
  })

  it('lets the jobs under way finish when it stops', async () => {
    let release = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const receipt = told('ok')
    let begun = false
    const slow: Reconcile = {
      ...fake.reconcile,
      async applyAll(receipts) {
        begun = true
        await gate
        return fake.reconcile.applyAll(receipts)
      },
    }
    await addJobs([groupJob(ids.jobId(), [receipt])])
    start(slow)
    await until('the job under way', () => begun)
    const stopped = worker.stop()
    release()
    await stopped
    assert.deepEqual(fake.applied, [receipt.id])
    assert.equal(await queue.getActiveCount(), 0)
  })
})
