import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { eventIdOf } from '../../../src/domain/ids.ts'
import type { Subscription } from '../../../src/domain/subscription.ts'
import { createDeliveryApp, type DeliveryApp } from '../../support/deliveries.ts'
import { createTestClients } from '../../support/redis.ts'
import { createTestStore, ids, type TestStore } from '../../support/store.ts'
import { newReference } from '../../support/zenospay.ts'

describe('deliveries in the API', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore
  let app: DeliveryApp
  let subscription: Subscription

  before(async () => {
    redis = await clients.open()
  })
  beforeEach(async () => {
    store = createTestStore(redis)
    app = createDeliveryApp(store)
    subscription = await app.subscribe()
  })
  after(() => clients.closeAll())

  const failed = {
    outcome: 'failed',
    attempt: { at: 1_000, tookMs: 31.4, status: 503, error: 'status', excerpt: 'away' },
  } as const

  it('shows what was tried, with the answers', async () => {
    const one = await app.publish(newReference())
    await app.note(subscription, one, failed)
    const { body } = await app.get(subscription, '/deliveries').expect(200)
    assert.deepEqual(body, {
      items: [
        {
          event: eventIdOf(one.subject, 1),
          type: 'tallyhook.transfer.registered.v1',
          subject: one.subject,
          status: 'failed',
          attempt: 1,
          at: '1970-01-01T00:00:01.000Z',
          latencyMs: 31,
          response: { status: 503, excerpt: 'away' },
          error: 'status',
        },
      ],
      next: null,
    })
  })

  it('tells apart by status, event and subject', async () => {
    const [a, b, c, d] = await Promise.all(Array.from({ length: 4 }, () => app.publish(newReference())))
    assert.ok(a && b && c && d)
    await app.note(subscription, a)
    await app.note(subscription, b, { outcome: 'skipped' })
    await app.note(subscription, c, { ...failed, line: { last: failed.attempt } })
    const replay = ids.runId()
    const later = {
      position: `${Date.now()}-9`,
      id: eventIdOf(d.subject, 2),
      type: 'tallyhook.transfer.held.v1',
    }
    const first = {
      position: d.position,
      id: eventIdOf(d.subject, 1),
      type: 'tallyhook.transfer.registered.v1',
    }
    await app.parts.replays.add({
      ...{ id: replay, subscription: subscription.id, from: [], until: [], count: 1, by: 'me', at: 1 },
    })
    await app.note(subscription, d, { ...failed, run: replay, line: { events: [first, later] } })

    const list = async (query: string) => {
      const { body } = await app.get(subscription, `/deliveries?${query}`).expect(200)
      return body.items.map((one: { event: string; replay?: string }) => [one.event, one.replay])
    }
    assert.deepEqual(await list('status=delivered'), [[eventIdOf(a.subject, 1), undefined]])
    assert.deepEqual(await list('status=skipped'), [[eventIdOf(b.subject, 1), undefined]])
    assert.deepEqual(
      new Map(await list('status=failing')),
      new Map([
        [eventIdOf(c.subject, 1), undefined],
        [eventIdOf(d.subject, 1), replay],
      ]),
    )
    assert.deepEqual(await list('status=waiting'), [[later.id, replay]])
    assert.deepEqual(await list(`status=waiting&subject=${d.subject}`), [[later.id, replay]])
    assert.deepEqual(await list(`status=waiting&subject=${c.subject}`), [])
    assert.deepEqual(await list(`subject=${c.subject}`), [[eventIdOf(c.subject, 1), undefined]])
    assert.deepEqual(await list(`event=${eventIdOf(a.subject, 1)}`), [[eventIdOf(a.subject, 1), undefined]])
    assert.equal((await list('limit=100')).length, 4)
  })

  it('what waits is paged as well, within a line and from run to run', async () => {
    const events = await Promise.all(Array.from({ length: 6 }, () => app.publish(newReference())))
    const wanted: string[] = []
    for (const one of events) {
      const waiting = [1, 2, 3].map((sequence) => ({
        position: one.position,
        id: eventIdOf(one.subject, sequence),
        type: 'tallyhook.transfer.registered.v1',
      }))
      wanted.push(...waiting.slice(1).map(({ id }) => id))
      await app.note(subscription, one, { ...failed, line: { events: waiting } })
    }
    const seen: string[] = []
    for (let after = ''; ; ) {
      const { body } = await app.get(subscription, `/deliveries?status=waiting&limit=1${after}`).expect(200)
      seen.push(...body.items.map((one: { event: string }) => one.event))
      if (body.next === null) break
      after = `&after=${body.next}`
    }
    assert.deepEqual(seen.toSorted(), wanted.toSorted())
  })

  it('shows one event with every attempt and when it is tried next', async () => {
    const one = await app.publish(newReference())
    const nextAt = Date.now() + 60_000
    await app.note(subscription, one, failed)
    await app.note(subscription, one, { ...failed, number: 2, line: { attempts: 2, nextAt } })
    const event = eventIdOf(one.subject, 1)
    const { body } = await app.get(subscription, `/deliveries/${event}`).expect(200)
    assert.equal(body.status, 'failing')
    assert.equal(body.nextAttemptAt, new Date(nextAt).toISOString())
    assert.deepEqual(
      body.attempts.map(({ number, outcome }: { number: number; outcome: string }) => [number, outcome]),
      [
        [1, 'failed'],
        [2, 'failed'],
      ],
    )
  })

  it('sends again what was given up, by a replay of this event alone', async () => {
    const before = await app.publish(newReference())
    const one = await app.publish(newReference())
    await app.note(subscription, one, { ...failed, outcome: 'skipped' })
    const event = eventIdOf(one.subject, 1)
    const { body } = await app.post(subscription, `/deliveries/${event}/resend`).expect(202)
    assert.equal(body.as, 'replay')
    assert.equal(body.replay.event, event)
    const replay = await app.parts.replays.find(subscription.id, body.replay.id)
    const newest = await store.log.newest()
    assert.equal(replay?.until[one.partition], one.position)
    for (const [partition, until] of (replay?.until ?? []).entries()) {
      const from: string = replay?.from[partition] ?? ''
      if (partition !== one.partition) assert.deepEqual([from, until], [newest[partition], newest[partition]])
      // The log goes through where it begins: there, and nowhere else, may a walk begin.
      else assert.deepEqual((await store.log.readPartition(partition, from, 1))[0]?.position, one.position)
    }
    assert.ok(before)
    assert.deepEqual(await app.parts.runs.due(one.partition, Date.now(), 10), [body.replay.id])
  })

  it('what waits to be tried again is tried now, and no replay passes by what comes before it', async () => {
    const one = await app.publish(newReference())
    await app.note(subscription, one, { ...failed, line: {} })
    const event = eventIdOf(one.subject, 1)
    const { body } = await app.post(subscription, `/deliveries/${event}/resend`).expect(202)
    assert.deepEqual(body, { as: 'retry' })
    const { live } = subscription
    assert.deepEqual(await app.parts.runs.due(one.partition, Date.now(), 10), [live.run])
    const [line] = await app.parts.runs.findLines({ run: live.run, partition: one.partition }, [one.subject])
    assert.ok(line && line.line.nextAt <= Date.now())
    assert.deepEqual(await app.parts.replays.list(subscription.id), [])
  })

  it('refuses what cannot be sent again, and says why', async () => {
    const one = await app.publish(newReference())
    const event = eventIdOf(one.subject, 1)
    const unknown = await app.post(subscription, `/deliveries/${event}/resend`).expect(404)
    assert.match(unknown.body.detail, /Nothing is known of this event/)
    await app.note(subscription, { ...one, position: '5-0' }, { outcome: 'skipped' })
    const left = await app.post(subscription, `/deliveries/${event}/resend`).expect(410)
    assert.equal(left.body.code, 'cursor-expired')
    await app.disable(subscription.id)
    const disabled = await app.post(subscription, `/deliveries/${event}/resend`).expect(409)
    assert.equal(disabled.body.code, 'subscription-disabled')
  })

  describe('bad input', () => {
    const queries: Record<string, string> = {
      'status=done': 'invalid-request',
      'event=ev-1': 'invalid-request',
      'event=ev-tr-00000000000000000000000000-1&subject=tr-00000000000000000000000001': 'invalid-request',
      'subject=someone': 'invalid-request',
      'limit=0': 'invalid-request',
      'colour=red': 'invalid-request',
      'after=rubbish': 'invalid-cursor',
      'status=waiting&after=rubbish': 'invalid-cursor',
    }
    for (const [query, code] of Object.entries(queries)) {
      it(`${query} is refused`, async () => {
        const { body } = await app.get(subscription, `/deliveries?${query}`).expect(422)
        assert.equal(body.code, code)
      })
    }

    it('a cursor of one list is refused by another', async () => {
      for (let i = 0; i < 2; i++) await app.note(subscription, await app.publish(newReference()))
      const { body } = await app.get(subscription, '/deliveries?limit=1').expect(200)
      await app.get(subscription, `/deliveries?limit=1&after=${body.next}`).expect(200)
      for (const status of ['waiting', 'skipped'])
        await app.get(subscription, `/deliveries?status=${status}&after=${body.next}`).expect(422)
    })

    it('nobody without the scope, and nothing of what is not there', async () => {
      await app.get(subscription, '/deliveries', 'ledger').expect(403)
      await app.get({ id: ids.subscriptionId() }, '/deliveries').expect(404)
      await app.get({ id: 'su-1' }, '/deliveries').expect(404)
      await app.get(subscription, '/deliveries/ev-1').expect(404)
      await app.post(subscription, '/deliveries').expect(405)
    })
  })
})
