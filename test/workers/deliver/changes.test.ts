import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { changeSubscription, enableSubscription } from '../../../src/domain/decide-subscription.ts'
import { createDelivering, type Delivering, testIntervals } from '../../support/delivering.ts'
import { testSecret } from '../../support/sending.ts'
import { answer, type Behaviour, type Subscriber, startSubscriber, take } from '../../support/subscriber.ts'
import { until } from '../../support/until.ts'

/** What a person changes is heeded while much is being sent, and not after it. */
describe('a change while events are on their way', () => {
  let world: Delivering
  let subscriber: Subscriber

  beforeEach(async () => {
    world = await createDelivering(1)
    subscriber = await startSubscriber({ secrets: [testSecret] })
  })
  afterEach(async () => {
    await world.close()
    await subscriber.stop()
  })

  const count = 60
  const slowly: Behaviour = async (got, res, req) => {
    await sleep(50)
    take(got, res, req)
  }
  const byPerson = { because: 'by-person' } as const
  const waiting = async (run: Parameters<Delivering['runs']['listLines']>[0]['run']) => {
    const [line] = await world.runs.listLines({ run, partition: 0 }, { limit: 1 })
    return line?.line
  }

  async function lineOf(url: string) {
    subscriber.behave(answer(500))
    const subscription = await world.subscribe(url)
    await world.startOne()
    for (let sequence = 1; sequence <= count; sequence++) await world.publish('one', sequence)
    const { run } = subscription.live
    await until('all in a line', async () => (await waiting(run))?.events.length === count)
    return { ...subscription, run }
  }

  it('a line of a subscription that is disabled is sent no further', async () => {
    const { id, run } = await lineOf(subscriber.url)
    subscriber.behave(slowly)
    world.pass(10_000)
    await until('some are taken', () => subscriber.taken.length >= 3)
    await world.subscriptions.disable(id, byPerson)
    // Between two lots of a line that is gone on with it is not marked for a moment.
    let looks = 0
    const left = await until('nobody sends of it', async () => {
      const line = await waiting(run)
      looks = line?.underWay ? 0 : looks + 1
      return looks > 20 && { events: [], ...line }
    })
    assert.ok(left.events.length > count / 2, `${left.events.length} wait`)
    assert.equal(subscriber.taken.length + left.events.length, count)
  })

  it('a line goes on at the new URL', async () => {
    const other = await startSubscriber({ secrets: [testSecret] })
    try {
      const { id } = await lineOf(subscriber.url)
      subscriber.behave(slowly)
      world.pass(10_000)
      await until('some are taken', () => subscriber.taken.length >= 3)
      await world.subscriptions.change(id, { source: 'operator' }, (before) => {
        const step = changeSubscription(before, { url: other.url }, Date.now())
        return step ? [step] : []
      })
      await until('all of it', () => subscriber.taken.length + other.taken.length >= count)
      assert.ok(other.taken.length > count / 2, `${other.taken.length} at the new one`)
    } finally {
      await other.stop()
    }
  })

  describe('410 that is answered late', () => {
    const late = () => {
      const pending: (() => void)[] = []
      const behaviour: Behaviour = (got, res, req) => {
        if (got.index > 0) take(got, res, req)
        else pending.push(() => void answer(410)(got, res, req))
      }
      return { behaviour, answer: () => pending.pop()?.() }
    }

    it('by the URL before says nothing of the new one', async () => {
      const other = await startSubscriber({ secrets: [testSecret] })
      try {
        const gone = late()
        subscriber.behave(gone.behaviour)
        const { id, live } = await world.subscribe(subscriber.url)
        await world.startOne()
        await world.publish('one')
        await until('it is on its way', () => subscriber.got.length === 1)
        await world.subscriptions.change(id, { source: 'operator' }, (before) => {
          const step = changeSubscription(before, { url: other.url }, Date.now())
          return step ? [step] : []
        })
        gone.answer()
        await until('it is noted', async () => (await world.runs.progressOf(live.run))[0]?.failed)
        await world.publish('two')
        await until('the new one is sent to', () => other.taken.length > 0)
        assert.equal((await world.subscriptions.find(id))?.disabled, undefined)
      } finally {
        await other.stop()
      }
    })

    it('to a run that was followed by another says nothing of that one', async () => {
      const gone = late()
      subscriber.behave(gone.behaviour)
      const { id, live } = await world.subscribe(subscriber.url)
      await world.startOne()
      await world.publish('one')
      await until('it is on its way', () => subscriber.got.length === 1)
      await world.subscriptions.disable(id, byPerson)
      const from = await world.store.log.newest()
      await world.subscriptions.change(id, { source: 'operator' }, (before) => {
        const next = { run: world.mintRun(), from }
        const step = enableSubscription(before, { missed: 'skip', live: next, stood: live.from }, Date.now())
        return step ? [step] : []
      })
      await world.publish('two')
      await until('the new run sends', () => subscriber.taken.length === 1)
      gone.answer()
      await until('it is noted', async () => (await world.endpoints.find(id))?.lastFailure)
      await world.publish('three')
      await until('the new run goes on', () => subscriber.taken.length === 2)
      assert.equal((await world.subscriptions.find(id))?.disabled, undefined)
    })
  })

  it('a turn of a subscription that is disabled is over', async () => {
    subscriber.behave(slowly)
    const { id, live } = await world.subscribe(subscriber.url)
    for (let sequence = 1; sequence <= count; sequence++) await world.publish('one', sequence)
    await world.startOne()
    await until('some are taken', () => subscriber.taken.length >= 3)
    await world.subscriptions.disable(id, byPerson)
    await until('it is written', async () => (await world.runs.progressOf(live.run))[0]?.delivered)
    assert.ok(subscriber.got.length < count / 2, `${subscriber.got.length} were sent`)
  })

  it('an endpoint that begins anew is sent to at once, though it was just seen to be shut', async () => {
    subscriber.behave(answer(503, { 'retry-after': '3600' }))
    const { id, live } = await world.subscribe(subscriber.url)
    await world.startOne({ intervals: { ...testIntervals, behindMs: 600_000 } })
    await world.publish('one')
    await until('it is shut', async () => (await world.endpoints.find(id))?.openUntil)
    await world.publish('two')
    subscriber.behave(take)
    // As somebody who gives it another URL.
    await world.endpoints.forget(id)
    await world.runs.wake(live.run, world.clock())
    await until('the next event', () => subscriber.taken.length > 0, 5_000)
  })
})
