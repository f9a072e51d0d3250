import assert from 'node:assert/strict'
import { eventIdOf } from '../../../src/domain/ids.ts'
import type { Missed, Subscription } from '../../../src/domain/subscription.ts'
import { formatTime } from '../../../src/domain/time.ts'
import { createDeliveryApp, type DeliveryApp } from '../../support/deliveries.ts'
import { createDelivering, type Delivering, testIntervals, testSettings } from '../../support/delivering.ts'
import { testSecret } from '../../support/sending.ts'
import { answer, type Subscriber, startSubscriber, take } from '../../support/subscriber.ts'
import { createSubscriptionApi } from '../../support/subscription-api.ts'
import { until } from '../../support/until.ts'

describe('sending again', () => {
  let world: Delivering
  let app: DeliveryApp
  let subscriber: Subscriber

  beforeEach(async () => {
    world = await createDelivering()
    app = createDeliveryApp(world.store)
    subscriber = await startSubscriber({ secrets: [testSecret] })
  })
  afterEach(async () => {
    await world.close()
    await subscriber.stop()
  })

  const everything = { since: formatTime(0) }
  const taken = (count: number) => until(`${count} deliveries`, () => subscriber.taken.length >= count)
  const refuse = (reference: string) => {
    const subject = world.idOf(reference)
    subscriber.behave((got, res, req) =>
      got.subject === subject ? answer(500)(got, res, req) : take(got, res, req),
    )
  }

  async function publishSome(references: readonly string[], count: number): Promise<void> {
    for (let sequence = 1; sequence <= count; sequence++)
      for (const reference of references) await world.publish(reference, sequence)
  }

  async function statusOf(subscription: Subscription, reference: string): Promise<string | undefined> {
    const event = eventIdOf(world.idOf(reference), 1)
    return (await app.get(subscription, `/deliveries/${event}`)).body.status
  }

  const replayed = (subscription: Subscription, id: string) =>
    until('the end of the replay', async () => {
      const { body } = await app.get(subscription, `/replays/${id}`).expect(200)
      return body.state !== 'running' && body
    })

  /** Given up: the subscriber refused it for longer than it is tried. */
  async function skipOne(): Promise<Subscription> {
    refuse('bad')
    const subscription = await world.subscribe(subscriber.url)
    await world.startOne({ settings: { ...testSettings, retryMs: 1_000 } })
    await publishSome(['good', 'bad'], 1)
    await until('a failure', async () => (await statusOf(subscription, 'bad')) === 'failing')
    world.pass(60_000)
    await until('the end of trying', async () => (await statusOf(subscription, 'bad')) === 'skipped')
    subscriber.behave(take)
    await taken(1)
    return subscription
  }

  it('what was given up is sent by its name, and nothing else with it', async () => {
    const subscription = await skipOne()
    const event = eventIdOf(world.idOf('bad'), 1)
    const { body } = await app.post(subscription, `/deliveries/${event}/resend`).expect(202)
    const { state, delivered } = await replayed(subscription, body.replay.id)
    assert.deepEqual([state, delivered], ['done', 1])
    await app.post(subscription, `/replays/${body.replay.id}/cancel`).expect(200)
    const lines = [...app.logger.lines, ...world.logger.lines].filter(({ event }) =>
      event.startsWith('replay.'),
    )
    assert.deepEqual(
      lines.map(({ event: name, fields }) => [name, fields.eventId]),
      [
        ['replay.started', event],
        ['replay.ended', undefined],
      ],
    )
    assert.deepEqual(
      subscriber.taken.map(({ id }) => id),
      [eventIdOf(world.idOf('good'), 1), event],
    )
    assert.equal(await statusOf(subscription, 'bad'), 'delivered')
    const { body: shown } = await app.get(subscription, `/deliveries/${event}`).expect(200)
    const outcomes = shown.attempts.map(({ outcome, replay }: { outcome: string; replay?: string }) => [
      outcome,
      replay,
    ])
    assert.deepEqual(outcomes.at(0), ['failed', undefined])
    assert.deepEqual(outcomes.at(-1), ['delivered', body.replay.id])
  })

  it('what was given up is sent by a replay', async () => {
    const subscription = await skipOne()
    const { body } = await app.post(subscription, '/replay', everything).expect(202)
    assert.equal(body.count, 2)
    const { delivered, skipped } = await replayed(subscription, body.id)
    assert.deepEqual([delivered, skipped], [2, 0])
    assert.equal(await statusOf(subscription, 'bad'), 'delivered')
  })

  it('a dry run counts exactly what is delivered then, in the order of each intent', async () => {
    const subscription = await world.subscribe(subscriber.url)
    await world.startOne()
    const references = Array.from({ length: 10 }, (_, i) => `r${i}`)
    await publishSome(references, 4)
    await taken(40)
    const dry = await app.post(subscription, '/replay', { ...everything, dryRun: true }).expect(200)
    const { body } = await app.post(subscription, '/replay', everything).expect(202)
    const ended = await replayed(subscription, body.id)
    assert.deepEqual([dry.body.count, ended.delivered, ended.state], [40, 40, 'done'])
    assert.equal(subscriber.taken.length, 80)
    for (const sequences of subscriber.sequences().values())
      assert.deepEqual(sequences, [1, 2, 3, 4, 1, 2, 3, 4])
  })

  it('an intent that fails within a replay holds back only itself, and follows in its order', async () => {
    const subscription = await world.subscribe(subscriber.url)
    await world.startOne()
    await publishSome(['bad', 'x', 'y'], 3)
    await taken(9)
    refuse('bad')
    const { body } = await app.post(subscription, '/replay', everything).expect(202)
    await taken(15)
    const running = await until('a line', async () => {
      const answer = await app.get(subscription, `/replays/${body.id}`).expect(200)
      return answer.body.waiting === 1 && answer.body
    })
    assert.equal(running.state, 'running')
    subscriber.behave(take)
    world.pass(60_000)
    const ended = await replayed(subscription, body.id)
    assert.deepEqual([ended.delivered, ended.waiting], [9, 0])
    assert.deepEqual(subscriber.sequences().get(world.idOf('bad')), [1, 2, 3, 1, 2, 3])
  })

  it('what waits to be tried again is tried at once when somebody asks, in its order', async () => {
    refuse('bad')
    const subscription = await world.subscribe(subscriber.url)
    await world.startOne()
    await publishSome(['bad', 'x'], 3)
    await until('a failure', async () => (await statusOf(subscription, 'bad')) === 'failing')
    subscriber.behave(take)
    const event = eventIdOf(world.idOf('bad'), 2)
    // Its second event: what is before it has to go first.
    await until('a place in the line', async () => {
      const { status, body } = await app.post(subscription, `/deliveries/${event}/resend`)
      return status === 202 && body.as === 'retry'
    })
    await taken(6)
    assert.deepEqual(subscriber.sequences().get(world.idOf('bad')), [1, 2, 3])
  })

  it('what waits while its endpoint is shut is tried when somebody asks, and says when else', async () => {
    subscriber.behave(answer(503, { 'retry-after': '3600' }))
    const subscription = await world.subscribe(subscriber.url)
    await world.startOne()
    await world.publish('one', 1)
    await until('it is shut', async () => (await world.endpoints.find(subscription.id))?.openUntil)
    await until('a failure', async () => (await statusOf(subscription, 'one')) === 'failing')
    const event = eventIdOf(world.idOf('one'), 1)
    const { openUntil = 0 } = (await world.endpoints.find(subscription.id)) ?? {}
    const [partition, run] = [world.keys.partitionOf(world.idOf('one')), subscription.live.run]
    const [kept] = await world.runs.findLines({ partition, run }, [world.idOf('one')])
    assert.ok(kept)
    const lines = [{ ...kept, after: { ...kept.line, nextAt: 1 } }]
    await world.runs.commitLines(
      { partition, run },
      { subscription: subscription.id, lines, notes: [], at: 1 },
    )
    const { body: shown } = await app.get(subscription, `/deliveries/${event}`).expect(200)
    const { body: list } = await app.get(subscription, '/deliveries?status=failing').expect(200)
    assert.deepEqual(
      [shown.nextAttemptAt, list.items[0].nextAttemptAt],
      [formatTime(openUntil), formatTime(openUntil)],
    )
    subscriber.behave(take)
    const { body } = await app.post(subscription, `/deliveries/${event}/resend`).expect(202)
    assert.equal(body.as, 'retry')
    await taken(1)
  })

  it('of all that was missed nothing is sent that lies between', async () => {
    const subscription = await world.subscribe(subscriber.url)
    await world.startOne()
    const missed: Missed[] = []
    for (const name of ['first', 'second']) {
      await publishSome([`before-${name}`], 2)
      const from = await world.store.log.newest()
      await publishSome([name], 3)
      missed.push({ from, until: await world.store.log.newest(), since: 1, till: 2 })
    }
    await taken(10)
    await world.subscriptions.change(subscription.id, { source: 'operator' }, (before) => {
      const sequence = before.sequence + 1
      return [{ after: { ...before, missed, sequence }, fact: { name: 'changed', sequence } }]
    })
    const { body } = await app.post(subscription, '/replay', { missed: 'all' }).expect(202)
    const { delivered, count } = await replayed(subscription, body.id)
    assert.deepEqual([count, delivered], [6, 6])
    for (const name of ['first', 'second'])
      assert.deepEqual(subscriber.sequences().get(world.idOf(name)), [1, 2, 3, 1, 2, 3])
  })

  describe('after a disabling, and an enabling that passes over what was missed', () => {
    async function stand() {
      const api = createSubscriptionApi(world.store)
      const subscription = await world.subscribe(subscriber.url)
      await world.startOne({ intervals: { ...testIntervals, janitorMs: 600_000 } })
      return {
        api,
        subscription,
        enable: () => api.patch(`/${subscription.id}`, { enabled: true }).expect(200),
      }
    }

    it('what had stepped aside is sent again by a replay of what was missed', async () => {
      refuse('bad')
      const { api, subscription, enable } = await stand()
      await world.publish('bad', 1)
      await until('it stepped aside', async () => (await statusOf(subscription, 'bad')) === 'failing')
      await world.publish('good', 1)
      await taken(1)
      await api.patch(`/${subscription.id}`, { enabled: false }).expect(200)
      await world.publish('later', 1)
      subscriber.behave(take)
      const { body: enabled } = await enable()
      const shown = await app.get(subscription, '/deliveries?status=skipped').expect(200)
      assert.equal(shown.body.items.length, 1, 'It is told of at once.')
      assert.equal(
        shown.body.items[0].replay,
        undefined,
        'A live run that was followed by another is no replay.',
      )
      const live = (await world.subscriptions.find(subscription.id))?.live.run ?? subscription.live.run
      const counts = (await world.runs.progressOf(live)).map(({ skipped }) => skipped)
      assert.equal(Math.max(...counts), 1, 'The figures tell of it.')
      assert.equal(enabled.missed.length, 1)
      const { body } = await app.post(subscription, '/replay', { missed: 'all' }).expect(202)
      await replayed(subscription, body.id)
      const sequences = subscriber.sequences()
      assert.deepEqual(sequences.get(world.idOf('bad')), [1])
      assert.deepEqual(sequences.get(world.idOf('later')), [1])
    })

    it('so is the very one that was answered 410', async () => {
      subscriber.behave(answer(410))
      const { subscription, enable } = await stand()
      await world.publish('gone', 1)
      await until('the end', async () => (await world.subscriptions.find(subscription.id))?.disabled)
      subscriber.behave(take)
      await enable()
      const { body } = await app.post(subscription, '/replay', { missed: 'all' }).expect(202)
      assert.equal(body.count, 1)
      await replayed(subscription, body.id)
      assert.deepEqual(subscriber.sequences().get(world.idOf('gone')), [1])
    })

    it('what a replay has delivered meanwhile is not noted as skipped', async () => {
      refuse('bad')
      const { api, subscription, enable } = await stand()
      await world.publish('bad', 1)
      await until('it stepped aside', async () => (await statusOf(subscription, 'bad')) === 'failing')
      subscriber.behave(take)
      const { body } = await app.post(subscription, '/replay', everything).expect(202)
      await replayed(subscription, body.id)
      await api.patch(`/${subscription.id}`, { enabled: false }).expect(200)
      await enable()
      assert.equal(await statusOf(subscription, 'bad'), 'delivered')
    })
  })

  it('one that is cancelled sends no more; what it had tried is noted as skipped', async () => {
    const subscription = await world.subscribe(subscriber.url)
    await world.startOne()
    await publishSome(['bad', 'x'], 2)
    await taken(4)
    refuse('bad')
    const { body } = await app.post(subscription, '/replay', everything).expect(202)
    await taken(6)
    await until('a line', async () => {
      const { body: shown } = await app.get(subscription, `/replays/${body.id}`).expect(200)
      return shown.waiting === 1
    })
    await app.post(subscription, `/replays/${body.id}/cancel`).expect(200)
    const ended = await until('what is left to be skipped', async () => {
      const { body: shown } = await app.get(subscription, `/replays/${body.id}`).expect(200)
      return shown.waiting === 0 && shown
    })
    assert.deepEqual([ended.state, ended.delivered, ended.skipped], ['cancelled', 2, 2])
    subscriber.behave(take)
    const { body: list } = await app.get(subscription, '/deliveries?status=skipped').expect(200)
    assert.equal(list.items.length, 2)
  })

  it('one of a subscription that a person disables ends with it, and does not go on afterwards', async () => {
    refuse('bad')
    const subscription = await world.subscribe(subscriber.url)
    await publishSome(['good', 'bad'], 1)
    await world.startOne()
    const { body } = await app.post(subscription, '/replay', everything).expect(202)
    await until(
      'it waits',
      async () => (await app.get(subscription, `/replays/${body.id}`)).body.waiting === 1,
    )
    await world.subscriptions.disable(subscription.id, { because: 'by-person' })
    assert.equal((await replayed(subscription, body.id)).state, 'disabled')
    await until('what it had tried is noted', async () => {
      return (await app.get(subscription, `/replays/${body.id}`)).body.skipped === 1
    })
  })

  it('one of a subscription that was deleted before it began leaves nothing', async () => {
    const subscription = await world.subscribe(subscriber.url)
    const { body } = await app.post(subscription, '/replay', everything).expect(202)
    await world.subscriptions.remove(subscription.id, { source: 'operator' })
    assert.deepEqual(
      (await world.replays.running()).map(({ id }) => id),
      [body.id],
    )
    await world.startOne()
    await until('nothing is left', async () => {
      const waiting = await Promise.all([0, 1].map(world.runs.waiting))
      return (await world.replays.running()).length === 0 && waiting.flat().length === 0
    })
  })
})
