import assert from 'node:assert/strict'
import { createDelivering, type Delivering, testSettings } from '../../support/delivering.ts'
import { testSecret } from '../../support/sending.ts'
import { answer, hang, type Subscriber, startSubscriber, take } from '../../support/subscriber.ts'
import { until } from '../../support/until.ts'

describe('deliveries', () => {
  let world: Delivering
  let subscriber: Subscriber

  beforeEach(async () => {
    world = await createDelivering()
    subscriber = await startSubscriber({ secrets: [testSecret] })
  })
  afterEach(async () => {
    await world.close()
    await subscriber.stop()
  })

  const taken = (count: number) =>
    until(`${count} deliveries`, () => subscriber.taken.length >= count && subscriber.taken)
  const progress = async (run: Parameters<Delivering['runs']['progressOf']>[0]) =>
    (await world.runs.progressOf(run)).reduce(
      (sum, one) => ({
        delivered: sum.delivered + one.delivered,
        failed: sum.failed + one.failed,
        skipped: sum.skipped + one.skipped,
        waiting: sum.waiting + one.waiting,
      }),
      { delivered: 0, failed: 0, skipped: 0, waiting: 0 },
    )

  it('sends what is new, once, signed, in the order of each intent', async () => {
    const { live } = await world.subscribe(subscriber.url)
    await world.startOne()
    for (let sequence = 1; sequence <= 5; sequence++) {
      for (const reference of ['a', 'b', 'c', 'd']) await world.publish(reference, sequence)
    }
    await taken(20)
    for (const sequences of subscriber.sequences().values()) assert.deepEqual(sequences, [1, 2, 3, 4, 5])
    assert.equal(subscriber.repeats(), 0)
    assert.ok(subscriber.got.every(({ genuine }) => genuine))
    await until('the cursor', async () => (await progress(live.run)).delivered === 20)
  })

  it('sends what was published while nobody delivered', async () => {
    await world.subscribe(subscriber.url)
    for (let i = 0; i < 300; i++) await world.publish(`r${i}`)
    await world.startOne()
    await taken(300)
    assert.equal(subscriber.repeats(), 0)
  })

  it('an intent that fails holds back only itself, and follows in its order', async () => {
    const bad = world.idOf('bad')
    subscriber.behave((got, res, req) =>
      got.subject === bad ? answer(500)(got, res, req) : take(got, res, req),
    )
    const { live } = await world.subscribe(subscriber.url)
    await world.startOne()
    for (let sequence = 1; sequence <= 3; sequence++) {
      for (const reference of ['bad', 'x', 'y']) await world.publish(reference, sequence)
    }
    await taken(6)
    assert.equal(subscriber.sequences().get(bad), undefined)
    await until('a line', async () => (await progress(live.run)).waiting === 1)
    subscriber.behave(take)
    world.pass(10_000)
    await taken(9)
    assert.deepEqual(subscriber.sequences().get(bad), [1, 2, 3])
    assert.equal(subscriber.repeats(), 0)
    await until('no line', async () => (await progress(live.run)).waiting === 0)
  })

  it('a request that hangs holds up only its own intent', async () => {
    const bad = world.idOf('bad')
    subscriber.behave((got, res, req) => (got.subject === bad ? hang(got, res, req) : take(got, res, req)))
    await world.subscribe(subscriber.url)
    await world.startOne()
    await world.publish('bad', 1)
    for (let sequence = 1; sequence <= 20; sequence++) {
      for (const reference of ['bad2', 'x', 'y', 'z']) await world.publish(reference, sequence)
    }
    await taken(80)
    assert.equal(subscriber.got.filter(({ subject }) => subject === bad).length, 1)
  })

  it('an endpoint that answers 410 is disabled at once', async () => {
    subscriber.behave(answer(410))
    const { id } = await world.subscribe(subscriber.url)
    await world.startOne()
    await world.publish('a')
    const found = await until('the end', async () => {
      const one = await world.subscriptions.find(id)
      return one?.disabled && one
    })
    assert.equal(found.disabled?.because, 'gone')
    const count = subscriber.got.length
    await world.publish('b')
    await until('a sweep', () => world.logger.lines.some(({ event }) => event === 'subscription.disabled'))
    assert.equal(subscriber.got.length, count)
  })

  it('Retry-After is heeded: nothing is sent until then', async () => {
    subscriber.behave(answer(503, { 'retry-after': '120' }))
    const { id } = await world.subscribe(subscriber.url)
    await world.startOne()
    await world.publish('a')
    await until('an open breaker', async () => (await world.endpoints.find(id))?.openUntil)
    subscriber.behave(take)
    await world.publish('b')
    world.pass(60_000)
    assert.equal(subscriber.taken.length, 0)
    world.pass(70_000)
    await taken(2)
  })

  it('a breaker opens, tries with one event, and closes; nothing is lost, and few lines are made', async () => {
    subscriber.behave(answer(500))
    const { id, live } = await world.subscribe(subscriber.url)
    await world.startOne()
    for (let i = 0; i < 200; i++) await world.publish(`r${i}`)
    await until('an open breaker', async () => (await world.endpoints.find(id))?.openUntil)
    const { waiting } = await progress(live.run)
    assert.ok(waiting <= 10 + 2 * testSettings.concurrency, `${waiting} lines`)
    const before = subscriber.got.length
    world.pass(10_000)
    await until('a probe', () => subscriber.got.length > before)
    await until('open again', async () => (await world.endpoints.find(id))?.opened === 2)
    assert.equal(subscriber.got.length, before + 1)
    subscriber.behave(take)
    world.pass(60_000)
    await taken(200)
    assert.equal(subscriber.repeats(), 0)
    assert.equal((await world.endpoints.find(id))?.openUntil, undefined)
    assert.ok(world.logger.lines.some(({ event }) => event === 'delivery.breaker-closed'))
  })
})
