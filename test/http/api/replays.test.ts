import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import type { RunId } from '../../../src/domain/ids.ts'
import { replayMatcherOf } from '../../../src/domain/replay.ts'
import type { Positions, Replay, Subscription } from '../../../src/domain/subscription.ts'
import { formatTime } from '../../../src/domain/time.ts'
import { decodeCursor, encodeCursor } from '../../../src/events/cursor.ts'
import { createPublishedLog } from '../../../src/events/published.ts'
import { createLogLeaving } from '../../../src/store/log-leaving.ts'
import { createDeliveryApp, type DeliveryApp, testEpoch } from '../../support/deliveries.ts'
import { createTestClients } from '../../support/redis.ts'
import { createTestStore, ids, type TestStore } from '../../support/store.ts'
import { until } from '../../support/until.ts'
import { newReference } from '../../support/zenospay.ts'

describe('replays in the API', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore
  let app: DeliveryApp

  before(async () => {
    redis = await clients.open()
  })
  beforeEach(() => {
    store = createTestStore(redis)
    app = createDeliveryApp(store)
  })
  after(() => clients.closeAll())

  const transfers = ['tallyhook.transfer.*']
  const publishSome = (count: number) =>
    Promise.all(Array.from({ length: count }, () => app.publish(newReference())))

  /** As a run walks: what of its stretch it takes, in each partition. */
  async function walk(replay: Replay, subscription: Subscription): Promise<string[]> {
    const published = createPublishedLog({ log: store.log, openAllSecrets: store.vault.openAllSecrets })
    const takes = replayMatcherOf(replay, subscription)
    const sent: string[] = []
    for (const [partition, end] of replay.until.entries()) {
      const from = replay.from[partition] ?? end
      if (from === end) continue
      for (const event of await published.readAfter(partition, from, 1_000)) {
        if (takes(event)) sent.push(event.id)
        if (event.position === end) break
      }
    }
    return sent
  }

  async function findReplay({ id }: Subscription, run: RunId): Promise<Replay> {
    const found = await app.parts.replays.find(id, run)
    assert.ok(found)
    return found
  }

  /** A moment of the server's clock at which nothing is written. */
  async function serverMs(): Promise<number> {
    const [seconds = 0, micros = 0] = (await redis.time()).map(Number)
    return seconds * 1000 + Math.floor(micros / 1000)
  }
  async function nextMs(): Promise<number> {
    const now = await serverMs()
    await until('the next millisecond', async () => (await serverMs()) > now + 1)
    return now + 1
  }

  it('a dry run counts what is sent then, by time, and sends nothing', async () => {
    const subscription = await app.subscribe({ types: transfers })
    await publishSome(3)
    const since = await nextMs()
    await publishSome(5)
    const till = await nextMs()
    await publishSome(2)
    const asked = { since: formatTime(since), till: formatTime(till) }
    const dry = await app.post(subscription, '/replay', { ...asked, dryRun: true }).expect(200)
    assert.equal(dry.body.count, 5)
    assert.deepEqual(await app.parts.replays.list(subscription.id), [])
    const { body, headers } = await app.post(subscription, '/replay', asked).expect(202)
    assert.equal(headers.location, `/v1/subscriptions/${subscription.id}/replays/${body.id}`)
    assert.deepEqual([body.count, body.from, body.until], [5, dry.body.from, dry.body.until])
    assert.equal((await walk(await findReplay(subscription, body.id), subscription)).length, 5)
    for (let partition = 0; partition < 4; partition++)
      assert.deepEqual(await app.parts.runs.due(partition, Date.now(), 10), [body.id])
  })

  it('by cursor, of both versions, and to a cursor', async () => {
    const subscription = await app.subscribe({ types: transfers })
    await publishSome(2)
    const from = await store.log.newest()
    await publishSome(4)
    const end = await store.log.newest()
    await publishSome(3)
    const first = (positions: Positions) =>
      Buffer.from(JSON.stringify([1, ...positions])).toString('base64url')
    const second = (positions: Positions) => encodeCursor(positions, testEpoch)
    for (const encode of [first, second]) {
      const dry = { after: encode(from), until: encode(end), dryRun: true }
      const { body } = await app.post(subscription, '/replay', dry).expect(200)
      assert.equal(body.count, 4)
      assert.deepEqual(decodeCursor(body.from, 4).positions, from)
      const open = await app.post(subscription, '/replay', { after: encode(from), dryRun: true }).expect(200)
      assert.equal(open.body.count, 7)
    }
  })

  it('what was missed: one stretch, or all of them in one walk and nothing between', async () => {
    const stretches: { from: Positions; until: Positions; since: number; till: number }[] = []
    for (const count of [3, 2]) {
      const from = await store.log.newest()
      await publishSome(count)
      stretches.push({ from, until: await store.log.newest(), since: 1_000, till: 2_000 })
      await publishSome(4)
    }
    const subscription = await app.subscribe({ types: transfers, missed: stretches })
    const count = async (missed: unknown) =>
      (await app.post(subscription, '/replay', { missed, dryRun: true }).expect(200)).body.count
    assert.deepEqual([await count(0), await count(1), await count('all')], [3, 2, 5])
    const { body } = await app.post(subscription, '/replay', { missed: 'all' }).expect(202)
    assert.equal((await walk(await findReplay(subscription, body.id), subscription)).length, 5)
    const none = await app.post(subscription, '/replay', { missed: 2 }).expect(422)
    assert.deepEqual(
      none.body.errors.map(({ path, code }: { path: string; code: string }) => [path, code]),
      [['missed', 'no-such-stretch']],
    )
  })

  it('takes what the subscription takes, or less', async () => {
    const subscription = await app.subscribe({ types: transfers })
    const since = formatTime(0)
    await publishSome(2)
    const count = async (types?: string[]) =>
      (await app.post(subscription, '/replay', { since, types, dryRun: true }).expect(200)).body.count
    assert.equal(await count(), 2)
    assert.equal(await count(['tallyhook.transfer.succeeded.v1']), 0)
    // What it does not take is not sent because somebody asks for it.
    assert.equal(await count(['tallyhook.subscription.*']), 0)
    const other = await app.subscribe({ accounts: ['another'] })
    const { body } = await app.post(other, '/replay', { since, dryRun: true }).expect(200)
    assert.equal(body.count, 0)
  })

  it('is looked at, listed and cancelled', async () => {
    const subscription = await app.subscribe()
    const [one] = await publishSome(1)
    assert.ok(one)
    const started = await app.post(subscription, '/replay', { since: formatTime(0) }).expect(202)
    const { id } = started.body
    await app.note(subscription, one, { run: id })
    await app.note(subscription, one, { run: id, outcome: 'failed', line: {} })
    const running = await app.get(subscription, `/replays/${id}`).expect(200)
    const { state, delivered, skipped, waiting, createdBy } = running.body
    assert.deepEqual([state, delivered, skipped, waiting, createdBy], ['running', 1, 0, 1, 'risk'])
    const cancelled = await app.post(subscription, `/replays/${id}/cancel`).expect(200)
    assert.equal(cancelled.body.state, 'cancelled')
    assert.equal(cancelled.body.delivered, 1)
    assert.ok(cancelled.body.endedAt)
    assert.deepEqual((await app.post(subscription, `/replays/${id}/cancel`).expect(200)).body, cancelled.body)
    const { body } = await app.get(subscription, '/replays').expect(200)
    assert.deepEqual(body, { items: [cancelled.body], next: null })
  })

  it('five at once, and none to a subscription that is disabled', async () => {
    const subscription = await app.subscribe()
    const asked = { since: formatTime(0) }
    for (let i = 0; i < 5; i++) await app.post(subscription, '/replay', asked).expect(202)
    const { body } = await app.post(subscription, '/replay', asked).expect(409)
    assert.equal(body.code, 'too-many-replays')
    const other = await app.subscribe()
    await app.disable(other.id)
    const disabled = await app.post(other, '/replay', asked).expect(409)
    assert.equal(disabled.body.code, 'subscription-disabled')
    await app.post(other, '/replay', { ...asked, dryRun: true }).expect(200)
  })

  describe('what is not there any more', () => {
    it('a stretch that has left the log is refused with where to begin', async () => {
      const subscription = await app.subscribe({ types: transfers })
      const first = await app.publish(newReference())
      const behind = await store.log.oldest()
      await publishSome(12)
      await createLogLeaving(store).trim(first.partition, first.position)
      const requests = [{ since: formatTime(0) }, { after: encodeCursor(behind, testEpoch) }]
      for (const request of requests) {
        const { body } = await app.post(subscription, '/replay', { ...request, dryRun: true }).expect(410)
        assert.equal(body.code, 'cursor-expired')
        assert.deepEqual(decodeCursor(body.begin, 4).positions, await store.log.oldest())
        const again = { after: body.begin, dryRun: true }
        assert.equal((await app.post(subscription, '/replay', again).expect(200)).body.count, 12)
      }
    })

    it('a cursor of another log, or of a place that this one does not go through', async () => {
      const subscription = await app.subscribe()
      const { partition } = await app.publish(newReference())
      const newest = await store.log.newest()
      const other = Buffer.from('a former ').toString('base64url')
      const lost = newest.map((each, i) => (i === partition ? '1000-5' : each))
      const ahead = newest.map((each, i) => (i === partition ? `${Date.now() + 60_000}-0` : each))
      const positions = [lost, ahead].map((each) => encodeCursor(each, testEpoch))
      for (const after of [encodeCursor(newest, other), ...positions]) {
        const { body } = await app.post(subscription, '/replay', { after, dryRun: true }).expect(410)
        assert.equal(body.code, 'cursor-superseded')
        assert.ok(body.begin)
      }
    })
  })

  describe('bad input', () => {
    const bodies: [string, object, string[]][] = [
      ['no beginning', {}, ['one-of']],
      ['two beginnings', { since: formatTime(0), missed: 'all' }, ['one-of']],
      ['two ends', { since: formatTime(0), till: formatTime(1), until: 'x' }, ['one-of']],
      ['an end of what was missed', { missed: 0, till: formatTime(1) }, ['one-of']],
      ['no time', { since: 'yesterday' }, ['invalid-time']],
      ['a day that is none', { since: '2027-02-31T00:00:00Z' }, ['invalid-time']],
      ['an end before the beginning', { since: formatTime(2), till: formatTime(1) }, ['before-since']],
      ['types that are none', { since: formatTime(0), types: ['tallyhook.refund.*'] }, ['unknown-type']],
      ['no types', { since: formatTime(0), types: [] }, ['too-small']],
      ['unknown fields', { since: formatTime(0), dry: true }, ['unknown-field']],
      ['a place that is none', { missed: -1 }, ['too-small']],
      ['a cursor that is none', { after: 'rubbish' }, ['invalid-cursor']],
      ['an end that is none', { since: formatTime(0), until: 'rubbish' }, ['invalid-cursor']],
    ]
    for (const [name, body, codes] of bodies) {
      it(`${name}: 422`, async () => {
        const subscription = await app.subscribe()
        const answer = await app.post(subscription, '/replay', body).expect(422)
        assert.deepEqual(
          answer.body.errors.map(({ code }: { code: string }) => code),
          codes,
        )
      })
    }

    it('nobody without the scope, and nothing of what is not there', async () => {
      const subscription = await app.subscribe()
      await app.post(subscription, '/replay', { since: formatTime(0) }, 'ledger').expect(403)
      await app.get(subscription, `/replays/${ids.runId()}`).expect(404)
      await app.get(subscription, '/replays/live').expect(404)
      await app.post(subscription, `/replays/${ids.runId()}/cancel`).expect(404)
      await app.get(subscription, '/replay').expect(405)
      await app.post({ id: ids.subscriptionId() }, '/replay', { since: formatTime(0) }).expect(404)
    })
  })
})
