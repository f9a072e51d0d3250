import assert from 'node:assert/strict'
import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import { callbackQueueName, singleJob } from '../../src/queue/catalogue.ts'
import { readCallbackJob, takeReceipts } from '../../src/queue/job-data.ts'
import { sealReceipt } from '../../src/workers/observe.ts'
import { type Composed, composedKeyring, startComposed } from '../support/composed.ts'
import { type RedisServerProcess, startRedisServer } from '../support/redis-server.ts'
import { until } from '../support/until.ts'
import { newReference } from '../support/zenospay.ts'

/** Somebody else's data on the same server. */
const foreign = (i: number) => `foreign:${i}`
const blockBytes = 64 * 1024
const isOutOfMemory = (error: unknown) => error instanceof Error && error.message.startsWith('OOM')

describe('a Redis that fills up', function () {
  this.timeout(60_000)
  let redis: RedisServerProcess
  let admin: Redis
  let connection: Redis
  let queue: Queue
  let serve: Composed
  let work: Composed | undefined
  let blocks: number

  beforeEach(async () => {
    blocks = 0
    redis = await startRedisServer({ maxmemory: '30mb' })
    admin = new Redis(redis.url)
    connection = new Redis(redis.url)
    queue = new Queue(callbackQueueName, { connection, prefix: '{tallyhook:q}' })
    serve = await startComposed(redis.url, { role: 'serve' })
  })
  afterEach(async () => {
    assert.equal((await work?.stop()) ?? true, true)
    assert.equal(await serve.stop(), true)
    work = undefined
    await queue.close()
    connection.disconnect()
    admin.disconnect()
    await redis.stop()
  })

  const used = async () => {
    const info = await admin.info('memory')
    const field = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1])
    return (field('used_memory') - field('mem_not_counted_for_evict')) / field('maxmemory')
  }

  /** Until this share is used. */
  async function fill(share: number): Promise<void> {
    const block = 'x'.repeat(blockBytes)
    while ((await used()) < share) await admin.set(foreign(blocks++), block)
  }

  async function clear(): Promise<void> {
    while (blocks > 0) await admin.unlink(foreign(--blocks))
  }

  async function takeBacklog(count: number): Promise<string[]> {
    const references = await serve.registerSome(count)
    const answers = await Promise.all(references.map((reference) => serve.callBack(reference)))
    assert.ok(answers.every(({ status }) => status === 200))
    assert.ok((await queue.count()) > 0)
    return references
  }

  async function untilFull(): Promise<void> {
    const { redis: state } = await until('fullness', async () => {
      const readiness = await serve.readiness()
      return readiness.status === 503 && readiness
    })
    assert.equal(state.state, 'full')
    assert.match(state.reason ?? '', /^Redis uses \d+ of 31457280 bytes/)
  }

  const isEmpty = async () => {
    const counts = await queue.getJobCounts('wait', 'active', 'delayed', 'failed')
    return Object.values(counts).every((count) => count === 0)
  }

  it('stops taking callbacks and transfers at 85 %, and the backlog drains from there', async () => {
    const references = await takeBacklog(200)
    await fill(0.88)
    await untilFull()
    const { status, ms } = await serve.callBack(references[0] ?? '')
    assert.equal(status, 503)
    assert.ok(ms < 1_000)
    const refused = await serve.register(newReference())
    assert.equal(refused.status, 503)
    assert.equal(((await refused.json()) as { code: string }).code, 'redis-full')

    work = await startComposed(redis.url, { role: 'work' })
    await serve.settled(references)
    await until('an empty queue', isEmpty)
    await untilFull()
    await clear()
    await serve.ready()
  })

  it('fails no job and loses none while it refuses writes, and drains all of them afterwards', async () => {
    const references = await takeBacklog(200)
    // A single one has twelve attempts and no more. BullMQ fetches what was delayed even from a Redis that is full.
    const [group] = await queue.getWaiting(0, 0)
    const [receipt] = takeReceipts(group?.id ?? '', readCallbackJob(group?.data), composedKeyring.open)
    assert.ok(receipt)
    const { name, data, opts } = singleJob(sealReceipt(receipt, composedKeyring))
    await queue.add(name, data, { ...opts, delay: 1 })
    await fill(0.95)
    // Well below what is used, so that no buffer that comes and goes makes room.
    await admin.config('SET', 'maxmemory', '26mb')
    await assert.rejects(admin.set('foreign:more', 'x'), isOutOfMemory)

    work = await startComposed(redis.url, { role: 'work' })
    const { lines } = work.logger
    const count = (event: string) => lines.filter((line) => line.event === event).length
    await until('the job to come and go', () => count('job.put-back') >= 3)
    assert.ok(lines.some(({ event, fields }) => event === 'worker.troubled' && isOutOfMemory(fields.error)))
    assert.ok(count('worker.troubled') < 50, `Redis was asked ${count('worker.troubled')} times in vain`)
    const jobs = await queue.getJobs(['wait', 'delayed', 'active'])
    assert.ok(jobs.some((job) => job.attemptsStarted > 0))
    assert.ok(
      jobs.every((job) => job.attemptsMade === 0),
      'an attempt was used up',
    )
    assert.equal(await queue.getFailedCount(), 0)

    await clear()
    await serve.settled(references)
    await until('an empty queue', isEmpty)
  })
})
