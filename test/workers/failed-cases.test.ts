import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { AppError } from '../../src/domain/errors.ts'
import { caseIdOfReceipt } from '../../src/domain/ids.ts'
import type { OpenReceipt } from '../../src/domain/receipt.ts'
import type { AccountProvider } from '../../src/providers/provider.ts'
import { createWechatpay } from '../../src/providers/wechatpay/index.ts'
import {
  callbackQueueName,
  groupJob,
  type JobDraft,
  sealedGroupJob,
  singleJob,
} from '../../src/queue/catalogue.ts'
import { createCallbackProducer } from '../../src/queue/producer.ts'
import type { Cases } from '../../src/store/cases.ts'
import { transferIdOf } from '../../src/store/ids.ts'
import { failsForGood } from '../../src/workers/failed-cases.ts'
import { sealReceipt } from '../../src/workers/observe.ts'
import type { Reconcile } from '../../src/workers/reconcile.ts'
import { createReconcileWorker, type ReconcileWorker } from '../../src/workers/reconcile-worker.ts'
import { createTestCases } from '../support/cases.ts'
import { createMemoryLogger } from '../support/log.ts'
import { createTestClients, uniquePrefix } from '../support/redis.ts'
import { type RedisServerProcess, startRedisServer } from '../support/redis-server.ts'
import {
  createTestReconcile,
  createTestStore,
  ids,
  keyring,
  openReceiptOf,
  receiptOf,
  registerIn,
} from '../support/store.ts'
import { until } from '../support/until.ts'
import { apiV3Key, describePayout, testAccount } from '../support/wechatpay.ts'

const account = testAccount.id

describe('failed jobs and their cases', () => {
  let clients: ReturnType<typeof createTestClients>
  let server: RedisServerProcess | undefined
  let redis: Redis
  let queue: Queue
  let worker: ReconcileWorker | undefined
  let cases: Cases
  let calls: string[]
  let logger: ReturnType<typeof createMemoryLogger>
  let prefix: string
  let store: ReturnType<typeof createTestStore>
  let providers: Map<string, AccountProvider>
  let reconcile: Reconcile

  async function open(target?: Parameters<typeof createTestClients>[0]): Promise<void> {
    clients = createTestClients(target)
    redis = await clients.open()
    prefix = `{${uniquePrefix()}}`
    queue = new Queue(callbackQueueName, { connection: await clients.open(), prefix })
    store = createTestStore(redis)
    cases = createTestCases(redis).cases
    calls = []
    logger = createMemoryLogger()
    providers = new Map()
    configure(randomBytes(32))
    reconcile = createTestReconcile(store, { providers, logger })
  }
  afterEach(async () => {
    await worker?.stop()
    worker = undefined
    await queue.close()
    clients.closeAll()
    await server?.stop()
    server = undefined
  })

  /** The account with this APIv3 key: any but the one that encrypted sees a bad tag. */
  function configure(key: Uint8Array): void {
    const deps = { fetch: () => assert.fail('No request.'), clock: Date.now, randomBytes, logger }
    providers.set(account, createWechatpay({ ...testAccount, apiV3Keys: [key] }, deps))
  }

  const addJobs = (jobs: JobDraft[]) => queue.addBulk(jobs)

  async function start(changes: { cases?: Pick<Cases, 'open' | 'settle'>; sealer?: typeof keyring } = {}) {
    const counted: Pick<Cases, 'open' | 'settle'> = {
      open: (failure) => {
        calls.push(`open ${failure.receipt}`)
        return cases.open(failure)
      },
      settle: (receipt) => {
        calls.push(`settle ${receipt}`)
        return cases.settle(receipt)
      },
    }
    worker = createReconcileWorker({
      reconcile,
      sealer: keyring,
      addJobs,
      cases: counted,
      connection: await clients.open(),
      prefix,
      concurrency: 4,
      random: () => 0,
      logger,
      ...changes,
    })
  }

  const failedJob = (id: string) =>
    until(`the failed job ${id}`, async () =>
      (await queue.getJobState(id)) === 'failed' ? queue.getJob(id) : undefined,
    )
  const idle = () =>
    until('an idle queue', async () => {
      const counts = await queue.getJobCounts('wait', 'active', 'delayed')
      return Object.values(counts).every((count) => count === 0)
    })
  const openCases = async () => {
    const { cases: found } = await cases.list({ state: 'open', limit: 100 })
    return found.flatMap((one) => (one.kind === 'callback-not-applied' ? [one] : []))
  }

  /** As the intake hands it over, of a transfer that is registered. */
  async function payout(reference = `bill${randomBytes(6).toString('hex')}`): Promise<OpenReceipt> {
    await registerIn(store, reference, {
      id: transferIdOf(account, reference),
      account,
      amount: { minor: 25000n, currency: 'CNY' },
      beneficiary: { kind: 'wechatpay', openid: 'o-MYE42l80oelYMDE34nYD456Xoy' },
    })
    return { ...openReceiptOf(describePayout({ reference })), account }
  }

  async function enqueue(...receipts: OpenReceipt[]): Promise<void> {
    const producer = createCallbackProducer({
      addJobs,
      seal: keyring.seal,
      ids,
      inFlightMax: 100,
      inFlightBytesMax: 1e6,
      writeMsMax: 5_000,
    })
    await Promise.all(receipts.map((receipt) => producer.enqueue(receipt)))
  }

  it('a bad tag is a failed job and an open case, which is resolved by itself when a retry applies it', async () => {
    await open()
    const receipt = await payout()
    await enqueue(receipt)
    await start()
    const job = await failedJob(receipt.id)
    const [one, ...others] = await openCases()
    assert.deepEqual(others, [])
    assert.equal(one?.id, caseIdOfReceipt(receipt.id))
    assert.deepEqual([one.account, one.receipt, one.code], [account, receipt.id, 'callback-not-understood'])
    assert.equal(`${one.code}: ${one.reason}`, job?.failedReason)

    configure(apiV3Key)
    await job?.retry()
    await idle()
    assert.equal(await queue.getFailedCount(), 0)
    const settled = await cases.find(one.id)
    assert.ok(settled?.state === 'resolved')
    assert.equal(settled.resolution, 'applied')
    const applied = logger.lines.filter(({ event }) => event === 'callback.applied')
    assert.deepEqual(
      applied.map(({ fields }) => fields.receiptId),
      [receipt.id],
    )
  })

  it('failing twice opens one case, and one that a person resolved is opened again', async () => {
    await open()
    const receipt = await payout()
    await enqueue(receipt)
    await start()
    const id = caseIdOfReceipt(receipt.id)
    const failAgain = async () => {
      const before = calls.length
      await (await failedJob(receipt.id))?.retry()
      await until('the next opening', () => calls.length > before)
      await failedJob(receipt.id)
    }
    await failedJob(receipt.id)
    await failAgain()
    assert.deepEqual(calls, [`open ${receipt.id}`, `open ${receipt.id}`])
    assert.equal((await cases.list({ limit: 10 })).cases.length, 1)

    await cases.resolve(id, { resolution: 'by-person', resolvedBy: 'ops', resolvedBecause: 'a test' })
    assert.equal(await queue.getFailedCount(), 1, 'it stays where it is')
    await failAgain()
    assert.equal((await cases.find(id))?.state, 'open')
  })

  it('what may pass has no case before its last attempt', async () => {
    await open()
    const receipt = receiptOf('{}', { account })
    let attempts = 0
    reconcile = {
      ...reconcile,
      applyOne: async () => {
        assert.deepEqual(await openCases(), [])
        attempts++
        throw new AppError('commit-contended', { detail: 'Others were quicker.' })
      },
    }
    const { name, data, opts } = singleJob(receipt)
    await queue.add(name, data, { ...opts, attempts: 2 })
    await start()
    await failedJob(receipt.id)
    assert.equal(attempts, 2)
    const [one] = await openCases()
    assert.deepEqual(
      [one?.receipt, one?.code, one?.reason],
      [receipt.id, 'commit-contended', 'Others were quicker.'],
    )
  })

  it('a job whose case cannot be opened while Redis is full is put back, and fails with its case later', async () => {
    server = await startRedisServer()
    await open({ kind: 'url', url: server.url })
    const receipt = await payout()
    const admin = await clients.open()
    let full = true
    await addJobs([singleJob(sealReceipt(receipt, keyring))])
    await start({
      cases: {
        settle: cases.settle,
        open: async (failure) => {
          if (full) await admin.config('SET', 'maxmemory', '1')
          return cases.open(failure)
        },
      },
    })
    await until('the job put back', () => logger.lines.some(({ event }) => event === 'job.put-back'))
    assert.equal(await queue.getFailedCount(), 0)
    assert.equal((await queue.getJob(receipt.id))?.attemptsMade, 0)
    assert.deepEqual(await openCases(), [])
    const notOpened = logger.lines.find(({ event }) => event === 'case.not-opened')
    assert.equal(notOpened?.level, 'warn')

    full = false
    await admin.config('SET', 'maxmemory', '256mb')
    await failedJob(receipt.id)
    const [one] = await openCases()
    assert.deepEqual([one?.receipt, one?.code], [receipt.id, 'callback-not-understood'])
  })

  it('a job whose case cannot be opened for a fault of ours does not fail without it either', async () => {
    await open()
    const receipt = await payout()
    await enqueue(receipt)
    let broken = 2
    await start({
      cases: {
        settle: cases.settle,
        open: async (failure) => {
          if (broken-- > 0) throw new TypeError('a fault of ours')
          return cases.open(failure)
        },
      },
    })
    await failedJob(receipt.id)
    assert.equal((await openCases()).length, 1)
    const levels = logger.lines.filter(({ event }) => event === 'case.not-opened').map(({ level }) => level)
    assert.deepEqual(levels, ['error', 'error'])
  })

  it('a group that cannot be unsealed has a case for each callback; they are resolved when it is applied', async () => {
    await open()
    configure(apiV3Key)
    const good = await payout()
    const bad: OpenReceipt = { ...openReceiptOf('no JSON'), account }
    const jobId = ids.jobId()
    await addJobs([sealedGroupJob(jobId, [good, bad], keyring.seal)])
    const sealer = { ...keyring }
    sealer.open = () => {
      throw new AppError('cannot-unseal')
    }
    await start({ sealer })
    const job = await failedJob(jobId)
    assert.deepEqual(
      (await openCases()).map(({ receipt, code }) => [receipt, code]).sort(),
      [good, bad].map(({ id }) => [id, 'cannot-unseal']).sort(),
    )

    sealer.open = keyring.open
    await job?.retry()
    await failedJob(bad.id)
    await idle()
    assert.equal((await cases.find(caseIdOfReceipt(good.id)))?.state, 'resolved')
    assert.deepEqual(
      (await openCases()).map(({ receipt, code }) => [receipt, code]),
      [[bad.id, 'callback-not-understood']],
    )
  })

  it('a group that cannot be read has a case for each callback that still says whose it is', async () => {
    await open()
    const readable = receiptOf('{}', { account })
    const data = { v: 99, receipts: [{ id: readable.id, account }, { id: 'rc-1', account }, 'odd', null] }
    await queue.add('apply-callbacks', data, { jobId: 'group-later', attempts: 5 })
    await queue.add('apply-callbacks', { v: 99 }, { jobId: 'group-nobodys', attempts: 5 })
    await start()
    await failedJob('group-later')
    await failedJob('group-nobodys')
    assert.deepEqual(
      (await openCases()).map(({ receipt, code }) => [receipt, code]),
      [[readable.id, 'job-not-readable']],
    )
    const impossible = logger.lines.filter(({ event }) => event === 'case.not-possible')
    assert.deepEqual(
      impossible.map(({ level, fields }) => [level, fields.jobId]),
      [['error', 'group-nobodys']],
    )
  })

  it('a group that goes well asks for no cases', async () => {
    await open()
    configure(apiV3Key)
    await enqueue(await payout(), await payout())
    await addJobs([groupJob(ids.jobId(), [receiptOf(describePayout(), { account })])])
    await start()
    await idle()
    assert.deepEqual(calls, [])
  })

  it('reads from a job and an error what BullMQ will do', () => {
    const may = new AppError('commit-contended')
    const job = (attemptsMade: number, attempts?: number) => ({
      attemptsMade,
      opts: attempts ? { attempts } : {},
    })
    assert.equal(failsForGood(job(0, 12), new AppError('cannot-unseal')), true)
    assert.equal(failsForGood(job(10, 12), may), false)
    assert.equal(failsForGood(job(11, 12), may), true)
    assert.equal(failsForGood(job(12, 12), new Error('retried by hand')), true)
    assert.equal(failsForGood(job(0), may), true)
  })
})
