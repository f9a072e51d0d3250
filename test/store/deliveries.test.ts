import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import type { DeliveryNote, DeliveryOutcome } from '../../src/domain/delivery.ts'
import { eventIdOf, type SubscriptionId } from '../../src/domain/ids.ts'
import type { Subscription } from '../../src/domain/subscription.ts'
import { encodeNotes } from '../../src/store/codec/deliveries.ts'
import { noteDeliveries } from '../../src/store/deliveries.ts'
import { createDeliveriesOf } from '../../src/store/deliveries-of.ts'
import { createDeliveryHistory } from '../../src/store/delivery-history.ts'
import { transferIdOf } from '../../src/store/ids.ts'
import { commitCommand } from '../../src/store/scripts.ts'
import { readTogether } from '../../src/store/together.ts'
import { createTransaction, readTransaction } from '../../src/store/transaction.ts'
import { createTestClients } from '../support/redis.ts'
import { createTestStore, day, ids, type TestStore } from '../support/store.ts'
import { until } from '../support/until.ts'

describe('what was tried for a subscription', () => {
  const clients = createTestClients()
  const limits = { historyMs: 14 * day, logMs: 90 * day }
  let redis: Redis
  let store: TestStore
  let subscription: SubscriptionId
  let now: number
  const run = ids.runId()

  before(async () => {
    redis = await clients.open()
  })
  beforeEach(() => {
    store = createTestStore(redis)
    subscription = ids.subscriptionId()
    now = Date.now()
  })
  after(() => clients.closeAll())

  const historyOf = (fields: { scannedMax?: number } = {}) =>
    createDeliveryHistory({ redis, keys: store.keys, clock: () => now, limits, ...fields })

  function noteOf(name: string, outcome: DeliveryOutcome = 'delivered', sequence = 1): DeliveryNote {
    const subject = transferIdOf('acme', name)
    const attempt = { at: now - 40, tookMs: 12, status: outcome === 'delivered' ? 200 : 500 }
    return {
      event: eventIdOf(subject, sequence),
      type: 'tallyhook.transfer.succeeded.v1',
      subject,
      position: `${now}-0`,
      run,
      number: 1,
      outcome,
      attempt: outcome === 'delivered' ? attempt : { ...attempt, error: 'status', excerpt: 'no' },
    }
  }

  /** Each where its subject lives, as a turn notes it. */
  async function note(...notes: DeliveryNote[]): Promise<void> {
    for (const partition of new Set(notes.map(({ subject }) => store.keys.partitionOf(subject)))) {
      const own = notes.filter(({ subject }) => store.keys.partitionOf(subject) === partition)
      const transaction = createTransaction()
      noteDeliveries(transaction, store.keys, partition, subscription, own, now, limits)
      const call = transaction.toCall()
      const [answer] = await readTogether(redis, [
        [commitCommand, call.keys.length, ...call.keys, ...call.args],
      ])
      assert.equal(readTransaction(answer).outcome, 'written')
    }
  }

  async function serverMs(): Promise<number> {
    const [seconds = 0, micros = 0] = (await redis.time()).map(Number)
    return seconds * 1000 + Math.floor(micros / 1000)
  }

  async function readAll(request: object = {}, limit = 3): Promise<string[]> {
    const seen: string[] = []
    for (let after: string | undefined; ; ) {
      const page = await historyOf().list({ subscription, of: 'deliveries', after, limit, ...request })
      seen.push(...page.notes.map(({ event }) => event))
      if (page.next === null) return seen
      assert.ok(page.notes.length <= limit)
      after = page.next
    }
  }

  it('comes back as it was noted', async () => {
    const failed = { ...noteOf('a', 'failed', 7), number: 3 }
    const passedOver: DeliveryNote = { ...noteOf('a', 'skipped', 8), number: 0 }
    delete passedOver.attempt
    await note(failed, passedOver, { ...noteOf('a'), run: ids.runId() })
    const { notes } = await historyOf().list({ subscription, of: 'deliveries', limit: 10 })
    assert.deepEqual(notes.slice(1), [
      { ...passedOver, at: now },
      { ...failed, at: now },
    ])
  })

  it('a page of the log is one entry, and a delivered event takes under a hundred bytes of it', async () => {
    const notes = Array.from({ length: 128 }, (_, i) => noteOf('one', 'delivered', i + 1))
    await note(...notes)
    const partition = store.keys.partitionOf(transferIdOf('acme', 'one'))
    assert.equal(await redis.xlen(store.keys.deliveries(partition, subscription)), 1)
    assert.ok(encodeNotes(notes, now).length < 128 * 100)
  })

  it('is read newest first over all partitions, page after page, and once each', async () => {
    const names = Array.from({ length: 20 }, (_, i) => `t${i}`)
    for (const name of names) {
      // Those of one millisecond have no order between partitions.
      const noted = await serverMs()
      await until('the next millisecond', async () => (await serverMs()) > noted)
      await note(noteOf(name))
    }
    const expected = names.map((name) => noteOf(name).event).reverse()
    assert.equal(new Set(names.map((name) => store.keys.partitionOf(transferIdOf('acme', name)))).size, 4)
    assert.deepEqual(await readAll(), expected)
    assert.deepEqual(await readAll({}, 1), expected)
    assert.deepEqual(await readAll({}, 100), expected)
  })

  it('pages end within an entry, and go on there', async () => {
    await note(...Array.from({ length: 10 }, (_, i) => noteOf('same', 'delivered', i + 1)))
    const subject = transferIdOf('acme', 'same')
    assert.deepEqual(
      await readAll(),
      Array.from({ length: 10 }, (_, i) => eventIdOf(subject, 10 - i)),
    )
  })

  it('is told apart by outcome, subject and event', async () => {
    await note(noteOf('a', 'failed'), noteOf('b'), noteOf('a', 'delivered', 2))
    const subject = transferIdOf('acme', 'a')
    assert.deepEqual(await readAll({ outcome: 'failed' }), [eventIdOf(subject, 1)])
    assert.deepEqual(await readAll({ subject }), [eventIdOf(subject, 2), eventIdOf(subject, 1)])
    assert.deepEqual(await readAll({ subject, event: eventIdOf(subject, 2) }), [eventIdOf(subject, 2)])
  })

  it('looks at so much for one page; the next goes on where it stopped', async () => {
    await note(noteOf('a', 'failed'))
    await note(...Array.from({ length: 30 }, (_, i) => noteOf(`b${i}`)))
    const request = { subscription, of: 'deliveries', outcome: 'failed', limit: 10 } as const
    const first = await historyOf({ scannedMax: 25 }).list(request)
    assert.deepEqual(first.notes, [])
    assert.ok(first.next)
    const second = await historyOf({ scannedMax: 25 }).list({ ...request, after: first.next })
    assert.equal(second.notes.length, 1)
    assert.equal(second.next, null)
  })

  it('is shown for as long as it is to be kept, what was given up for as long as the log', async () => {
    await note(noteOf('a'), noteOf('b', 'skipped'))
    now += limits.historyMs + 1
    assert.deepEqual(await readAll(), [])
    const given = await historyOf().list({ subscription, of: 'skipped', limit: 10 })
    assert.deepEqual(
      given.notes.map(({ event }) => event),
      [noteOf('b').event],
    )
    now += limits.logMs
    assert.deepEqual((await historyOf().list({ subscription, of: 'skipped', limit: 10 })).notes, [])
  })

  it('takes no more memory than its cap, and goes when nothing is added for as long as it is kept', async () => {
    await Promise.all(Array.from({ length: 900 }, (_, i) => note(noteOf('a', 'delivered', i + 1))))
    const partition = store.keys.partitionOf(transferIdOf('acme', 'a'))
    const key = store.keys.deliveries(partition, subscription)
    const count = await redis.xlen(key)
    // Redis trims whole nodes, of about a hundred entries at most.
    assert.ok(count >= 500 && count <= 620, String(count))
    const ttl = await redis.pttl(key)
    assert.ok(ttl > 0 && ttl <= limits.historyMs)
  })

  it('of one event every attempt is found, oldest first, and what was given up once', async () => {
    await note(noteOf('a', 'failed'))
    now += 1_000
    await note({ ...noteOf('a', 'failed'), number: 2 }, noteOf('a', 'delivered', 2))
    now += 1_000
    await note({ ...noteOf('a', 'skipped'), number: 3 })
    const subject = transferIdOf('acme', 'a')
    const found = await historyOf().attemptsOf(subscription, eventIdOf(subject, 1), subject)
    assert.deepEqual(
      found.map(({ number, outcome }) => [number, outcome]),
      [
        [1, 'failed'],
        [2, 'failed'],
        [3, 'skipped'],
      ],
    )
  })

  it('of one intent it is found over all subscriptions', async () => {
    await note(noteOf('a', 'failed'), noteOf('a', 'delivered', 2), noteOf('b'))
    const list = async () => [subscription, ids.subscriptionId()].map((id) => ({ id }) as Subscription)
    const deliveriesOf = createDeliveriesOf({ subscriptions: { list }, history: historyOf() })
    const subject = transferIdOf('acme', 'a')
    assert.deepEqual(
      (await deliveriesOf(subject, 10)).map((one) => [
        one.subscription,
        one.notes.map(({ outcome }) => outcome),
      ]),
      [[subscription, ['delivered', 'failed']]],
    )
  })

  describe('refuses', () => {
    const forms: Record<string, unknown> = {
      'a cursor that is none': 'not-base64!',
      'a cursor of another list': ['skipped', 'begin', 'begin', 'begin', 'begin'],
      'a cursor of another number of partitions': ['deliveries', 'begin'],
      'a cursor with a place that is none': ['deliveries', 'begin', 'begin', 'begin', 'a-b/1'],
      'a cursor that is no list': { after: 1 },
    }
    for (const [name, form] of Object.entries(forms)) {
      it(name, async () => {
        const after =
          typeof form === 'string' ? form : Buffer.from(JSON.stringify(form)).toString('base64url')
        await assert.rejects(historyOf().list({ subscription, of: 'deliveries', after, limit: 1 }), {
          code: 'invalid-cursor',
        })
      })
    }
  })
})
