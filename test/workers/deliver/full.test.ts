import assert from 'node:assert/strict'
import { turnJob } from '../../../src/queue/catalogue.ts'
import { createDelivering, type Delivering } from '../../support/delivering.ts'
import { type RedisServerProcess, startRedisServer } from '../../support/redis-server.ts'
import { type Subscriber, startSubscriber, take } from '../../support/subscriber.ts'
import { until } from '../../support/until.ts'

describe('deliveries on a Redis that is full', function () {
  this.timeout(60_000)
  let redis: RedisServerProcess
  let world: Delivering
  let subscriber: Subscriber

  beforeEach(async () => {
    redis = await startRedisServer()
    world = await createDelivering(2, { kind: 'url', url: redis.url })
    subscriber = await startSubscriber()
  })
  afterEach(async () => {
    await world.close()
    await subscriber.stop()
    await redis.stop()
  })

  const fill = () => world.redis.config('SET', 'maxmemory', '1mb')
  const clear = () => world.redis.config('SET', 'maxmemory', '256mb')
  it('nothing is sent that could not be written down, and all of it when there is room', async () => {
    await world.subscribe(subscriber.url)
    for (let i = 0; i < 30; i++) await world.publish(`r${i}`)
    // The turns are there already; the claim of each cursor is refused.
    const [{ id, live } = assert.fail()] = await world.subscriptions.list()
    await world.queue.addBulk([0, 1].map((partition) => turnJob(live.run, id, partition)))
    await fill()
    await world.startOne()
    await until('trouble', () => world.logger.lines.some(({ level }) => level === 'warn'))
    assert.equal(subscriber.got.length, 0)
    await clear()
    await until('all of them', () => subscriber.taken.length >= 30)
    assert.equal(subscriber.repeats(), 0)
  })

  it('what was taken while it filled up is written when there is room, and is not sent again', async () => {
    let filled: Promise<unknown> | undefined
    subscriber.behave(async (got, res, req) => {
      filled ??= fill()
      await filled
      take(got, res, req)
    })
    await world.subscribe(subscriber.url)
    for (let i = 0; i < 30; i++) await world.publish(`r${i}`)
    await world.startOne()
    // Those of the pages that were under way; nothing more while it is full.
    await until('the pages', () => subscriber.taken.length > 0)
    await clear()
    await until('all of them', () => subscriber.taken.length >= 30)
    await until('the counts', async () => {
      const [{ live } = assert.fail()] = await world.subscriptions.list()
      const progress = await world.runs.progressOf(live.run)
      return progress.reduce((sum, one) => sum + one.delivered, 0) === 30
    })
    assert.equal(subscriber.repeats(), 0)
  })
})
