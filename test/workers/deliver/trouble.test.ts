import assert from 'node:assert/strict'
import { enableSubscription } from '../../../src/domain/decide-subscription.ts'
import { AppError } from '../../../src/domain/errors.ts'
import type { RunId } from '../../../src/domain/ids.ts'
import { createDelivering, type Delivering, testSettings } from '../../support/delivering.ts'
import { testSecret } from '../../support/sending.ts'
import {
  answer,
  type Behaviour,
  hang,
  type Subscriber,
  startSubscriber,
  take,
} from '../../support/subscriber.ts'
import { until } from '../../support/until.ts'

/** The same numbers for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296
    return state / 4_294_967_296
  }
}

/** Repeats taken away, each subject's came in order, and none is missing. */
function assertComplete(subscriber: Subscriber, subjects: number, sequences: number): void {
  const all = subscriber.sequences()
  assert.equal(all.size, subjects)
  const wanted = Array.from({ length: sequences }, (_, i) => i + 1)
  for (const [subject, taken] of all) {
    const first = taken.filter((one, i) => taken.indexOf(one) === i)
    assert.deepEqual(first, wanted, subject)
  }
}

describe('deliveries in trouble', () => {
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

  /** The clock runs ahead meanwhile, so that nobody waits for a retry. */
  const complete = (count: number, { passMs = 2_000, everyMs = 10 } = {}) => {
    let lookedAt = 0
    return until(
      `${count} events`,
      () => {
        if (Date.now() - lookedAt >= everyMs) {
          lookedAt = Date.now()
          world.pass(passMs)
        }
        return new Set(subscriber.taken.map(({ id }) => id)).size >= count
      },
      18_000,
    )
  }
  const publishAll = async (subjects: number, sequences: number) => {
    for (let sequence = 1; sequence <= sequences; sequence++) {
      for (let i = 0; i < subjects; i++) await world.publish(`s${i}`, sequence)
    }
  }
  const sum = async (run: RunId) =>
    (await world.runs.progressOf(run)).reduce(
      (all, one) => ({
        delivered: all.delivered + one.delivered,
        skipped: all.skipped + one.skipped,
        waiting: all.waiting + one.waiting,
      }),
      { delivered: 0, skipped: 0, waiting: 0 },
    )

  /** What an endpoint may do, each request differently. */
  function moody(seed: number, hangs: boolean): Behaviour {
    const random = randomOf(seed)
    const tries = new Map<string, number>()
    return (got, res, req) => {
      const mood = random()
      const before = tries.get(got.id) ?? 0
      tries.set(got.id, before + 1)
      // The times between the first tries are short; no test waits for the later ones.
      if (before >= 2) return take(got, res, req)
      if (mood < 0.15) return answer(500)(got, res, req)
      if (mood < 0.18) return answer(429, { 'retry-after': '1' })(got, res, req)
      if (mood < 0.22) return req.socket.destroy()
      if (hangs && mood < 0.225) return hang(got, res, req)
      return take(got, res, req)
    }
  }

  for (const seed of [1, 2, 3]) {
    it(`keeps the order of each intent and loses nothing at an endpoint that fails at random (seed ${seed})`, async () => {
      subscriber.behave(moody(seed, false))
      await world.subscribe(subscriber.url)
      await world.startOne()
      await publishAll(20, 6)
      await complete(120)
      assertComplete(subscriber, 20, 6)
    })
  }

  it('two processes at once: each event goes out once, in order', async () => {
    await world.subscribe(subscriber.url)
    await world.startOne()
    await world.startOne()
    await publishAll(30, 6)
    await complete(180)
    assertComplete(subscriber, 30, 6)
    assert.equal(subscriber.repeats(), 0)
  })

  it('two processes at an endpoint that fails and hangs', async () => {
    subscriber.behave(moody(9, true))
    await world.subscribe(subscriber.url)
    // On the clock that runs ahead a request may take longer, as its line is left alone for so long.
    const fields = { settings: { ...testSettings, timeoutMs: 1_000 }, terms: { timeoutMs: 60_000 } }
    await world.startOne(fields)
    await world.startOne(fields)
    await publishAll(15, 5)
    await complete(75, { passMs: 9_000, everyMs: 300 })
    assertComplete(subscriber, 15, 5)
  })

  it('a process that dies in the middle of a page: another goes on, and nothing is missing', async () => {
    let count = 0
    subscriber.behave((got, res, req) => {
      count++
      return setTimeout(() => take(got, res, req), 5)
    })
    await world.subscribe(subscriber.url)
    await publishAll(60, 4)
    const first = await world.startOne()
    await until('a page under way', () => count > 20)
    first.kill()
    await world.startOne()
    await until('all of it', () => new Set(subscriber.taken.map(({ id }) => id)).size >= 240, 40_000)
    assertComplete(subscriber, 60, 4)
    assert.ok(subscriber.repeats() <= 2 * 128, `${subscriber.repeats()} repeats`)
  }).timeout(60_000)

  it('a stop waits for what is under way, and sends nothing twice afterwards', async () => {
    subscriber.behave((got, res, req) => setTimeout(() => take(got, res, req), 20))
    await world.subscribe(subscriber.url)
    await publishAll(40, 4)
    const first = await world.startOne()
    await until('some', () => subscriber.taken.length > 10)
    await first.stop()
    const before = subscriber.taken.length
    assert.ok(before < 160)
    assert.equal(subscriber.got.length, before)
    await world.startOne()
    await complete(160)
    assertComplete(subscriber, 40, 4)
    assert.equal(subscriber.repeats(), 0)
  })

  it('a stop ends a request that hangs and that its turn no longer waits for', async () => {
    subscriber.behave(hang)
    const { live } = await world.subscribe(subscriber.url)
    const settings = { ...testSettings, timeoutMs: 15_000 }
    const engine = await world.startOne({ settings, terms: { timeoutMs: 600_000, patienceMs: 100 } })
    await world.publish('one')
    const lines = async () =>
      Promise.all([0, 1].map((partition) => world.runs.listLines({ partition, run: live.run }, { limit: 1 })))
    await until('it is let go of', async () => (await lines()).flat()[0]?.line.underWay)
    await until('its turn is over', async () => (await world.queue.getActiveCount()) === 0)
    const before = Date.now()
    await engine.stop()
    const tookMs = Date.now() - before
    assert.ok(tookMs < 6_000, `${tookMs} ms`)
    assert.equal((await lines()).flat()[0]?.line.underWay, undefined, 'It is sent again at once.')
  })

  it('what fails for too long is given up and noted, and what follows is tried', async () => {
    const bad = world.idOf('bad')
    subscriber.behave((got, res, req) =>
      got.subject === bad && got.sequence === 1 ? answer(500)(got, res, req) : take(got, res, req),
    )
    const { live } = await world.subscribe(subscriber.url)
    await world.startOne({ settings: { ...testSettings, retryMs: 60_000 } })
    await world.publish('bad', 1)
    await world.publish('bad', 2)
    await complete(1)
    assert.deepEqual(subscriber.sequences().get(bad), [2])
    await until('the note', async () => (await sum(live.run)).skipped === 1)
    assert.ok(world.logger.lines.some(({ event, level }) => event === 'delivery.skipped' && level === 'warn'))
  })

  it('an endpoint that has taken nothing for days is disabled, and says so', async () => {
    subscriber.behave(answer(500))
    const { id } = await world.subscribe(subscriber.url)
    await world.startOne({ settings: { ...testSettings, disableAfterMs: 3_600_000 } })
    for (let i = 0; i < 20; i++) await world.publish(`r${i}`)
    await until('an open breaker', async () => (await world.endpoints.find(id))?.openUntil)
    world.pass(3_600_000)
    const found = await until('the end', async () => (await world.subscriptions.find(id))?.disabled)
    assert.equal(found.because, 'failing')
    await until('a line in the log', () =>
      world.logger.lines.some(({ event }) => event === 'subscription.disabled'),
    )
  })

  describe('one that was disabled and is enabled', () => {
    async function disabledWithBacklog() {
      subscriber.behave(answer(410))
      const subscription = await world.subscribe(subscriber.url)
      await world.startOne()
      await world.publish('a', 1)
      await until('the end', async () => (await world.subscriptions.find(subscription.id))?.disabled)
      await world.publish('a', 2)
      await world.publish('b', 1)
      subscriber.behave(take)
      await world.endpoints.forget(subscription.id)
      return subscription
    }
    const enable = (
      id: Parameters<Delivering['subscriptions']['find']>[0],
      enabling: Parameters<typeof enableSubscription>[1],
    ) =>
      world.subscriptions.change(id, { source: 'operator' }, (before) => {
        const step = enableSubscription(before, enabling, world.clock())
        return step ? [step] : []
      })

    it('goes on where it stood: nothing is missing', async () => {
      const { id } = await disabledWithBacklog()
      await enable(id, { missed: 'send' })
      await complete(3)
      assert.deepEqual(subscriber.sequences().get(world.idOf('a')), [1, 2])
      assert.deepEqual(subscriber.sequences().get(world.idOf('b')), [1])
    })

    it('or begins at the end: what it passes over is noted, and its lines as skipped', async () => {
      const { id, live } = await disabledWithBacklog()
      const stood = live.from
      const next = { run: world.mintRun(), from: await world.store.log.newest() }
      await enable(id, { missed: 'skip', live: next, stood })
      await world.publish('c', 1)
      await complete(1)
      assert.deepEqual([...subscriber.sequences().keys()], [world.idOf('c')])
      const skipped = async () => {
        const counts = await Promise.all(
          [0, 1].map((partition) => world.redis.xlen(world.keys.skipped(partition, id))),
        )
        return counts.some((count) => count > 0)
      }
      await until('the note', skipped)
      await until(
        'nothing left of the old run',
        async () => (await world.runs.cursors(0)).get(live.run) === undefined,
      )
    })
  })

  it('a replay sends its stretch again, beside what is new, and ends', async () => {
    const { id } = await world.subscribe(subscriber.url)
    await world.startOne()
    const from = await world.store.log.newest()
    for (let i = 0; i < 30; i++) await world.publish(`r${i}`)
    await complete(30)
    const run = world.mintRun()
    const until_ = await world.store.log.newest()
    const replay = {
      id: run,
      subscription: id,
      from,
      until: until_,
      count: 30,
      by: 'test',
      at: world.clock(),
    }
    assert.equal(await world.replays.add(replay), 'added')
    await world.runs.wake(run, world.clock())
    await until('its end', async () => (await world.replays.find(id, run))?.ended)
    assert.equal(subscriber.taken.length, 60)
    assert.equal(subscriber.repeats(), 30)
    assert.equal((await world.replays.find(id, run))?.ended?.because, 'done')
  })

  it('one that is deleted is sent nothing more, and nothing is left of it', async () => {
    subscriber.behave(answer(500))
    const { id, live } = await world.subscribe(subscriber.url)
    await world.startOne()
    for (let i = 0; i < 30; i++) await world.publish(`r${i}`)
    await until('lines', async () => (await sum(live.run)).waiting > 0)
    await world.subscriptions.remove(id, { source: 'operator' })
    const left = async () => {
      const names = await world.redis.keys(`${world.store.prefix}:*`)
      const fields = await Promise.all([0, 1].map((one) => world.redis.hkeys(world.keys.runs(one))))
      return [...names.filter((name) => name.includes(live.run) || name.endsWith(id)), ...fields.flat()]
    }
    await until('nothing left', async () => (await left()).length === 0)
    subscriber.behave(take)
    world.pass(3_600_000)
    await world.publish('x')
    await until('a sweep', async () => (await left()).length === 0)
    assert.equal(subscriber.taken.length, 0)
  })

  it('a run whose place has left the log goes on where it can, and says so', async () => {
    const { id } = await world.subscribe(subscriber.url)
    for (let i = 0; i < 20; i++) await world.publish(`r${i}`)
    for (const partition of [0, 1]) {
      const [entry] = await world.redis
        .xrange(world.keys.events(partition), '-', '+', 'COUNT', 5)
        .then((all) => all.slice(-1))
      await world.redis.xtrim(
        world.keys.events(partition),
        'MINID',
        `${entry?.[0].split('-')[0]}-${Number(entry?.[0].split('-')[1]) + 1}`,
      )
      await world.redis.set(world.keys.logLeft(partition), entry?.[0] ?? '')
    }
    await world.startOne()
    await complete(5)
    const found = await until('the note', async () => {
      const one = await world.subscriptions.find(id)
      return one && one.missed.length > 0 && one
    })
    assert.ok(found.missed.length >= 1)
    assert.ok(world.logger.lines.some(({ event }) => event === 'delivery.log-gap'))
  })

  it('what has left the log is noted before the run passes it, also where that fails at first', async () => {
    const { id } = await world.subscribe(subscriber.url)
    const first = await world.publish('one')
    const partition = world.keys.partitionOf(world.idOf('one'))
    await world.redis.xdel(world.keys.events(partition), first)
    await world.redis.set(world.keys.logLeft(partition), first)
    let fails = 1
    const { change, disable } = world.subscriptions
    await world.startOne({
      subscriptions: {
        disable,
        async change(...asked) {
          if (fails-- > 0) throw new AppError('commit-contended')
          return change(...asked)
        },
      },
    })
    const { missed } = await until('the note', async () => {
      const one = await world.subscriptions.find(id)
      return one && one.missed.length > 0 && one
    })
    assert.deepEqual(
      missed.map(({ from, until }) => [from[partition], until[partition]]),
      [['0-0', first]],
    )
  })

  it('a run that stands where the log never was goes back, and has missed nothing', async () => {
    const lost = `${Date.now() + 30_000}-0`
    const { id } = await world.subscribe(subscriber.url, {
      live: { run: world.mintRun(), from: [lost, lost] },
    })
    // Before anybody follows the log: that there is something has to be found.
    await world.publish('one')
    await world.startOne()
    await complete(1)
    await until('it is told of', () => world.logger.lines.some(({ event }) => event === 'delivery.log-gap'))
    assert.deepEqual((await world.subscriptions.find(id))?.missed, [])
  })
})
