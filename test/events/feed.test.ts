import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { cloudEventSchema, matchTypes } from '../../src/events/catalogue.ts'
import { couponSchema } from '../../src/events/coupon-resource.ts'
import type { FeedRequest } from '../../src/events/feed.ts'
import { transferSchema } from '../../src/events/transfer-resource.ts'
import { createSayingReconcile, payInOf, registerCouponIn, useOf } from '../support/coupons.ts'
import { type FollowedFeed, followFeed, readPage } from '../support/feed.ts'
import { createTestClients } from '../support/redis.ts'
import { createTestStore, registerIn, type TestStore } from '../support/store.ts'
import { until } from '../support/until.ts'
import { beneficiary, newReference } from '../support/zenospay.ts'

describe('event feed', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore
  let followed: FollowedFeed

  before(async () => {
    redis = await clients.open()
  })
  beforeEach(async () => {
    store = createTestStore(redis)
    followed = await followFeed(store, clients)
  })
  afterEach(() => followed.stop())
  after(() => clients.closeAll())

  const read = (request: Partial<FeedRequest> = {}) => readPage(followed.feed, request)

  async function publish(count: number): Promise<string[]> {
    const subjects: string[] = []
    for (let i = 0; i < count; i++) {
      subjects.push((await registerIn(store, newReference())).id)
    }
    return subjects
  }

  it('shows events as CloudEvents, with the whole resource', async () => {
    await publish(1)
    const [event] = (await read()).events
    const parsed = cloudEventSchema.parse(JSON.parse(JSON.stringify(event)))
    const object = transferSchema.parse(parsed.data.object)
    assert.equal(parsed.type, 'tallyhook.transfer.registered.v1')
    assert.equal(parsed.source, '/accounts/zeno-test')
    assert.equal(parsed.subject, object.id)
    assert.equal(parsed.sequence, 1)
    assert.equal(parsed.previousid, undefined)
    assert.deepEqual(object.amount, { value: '25000.00', currency: 'IDR' })
    assert.deepEqual(parsed.data.because, { source: 'registration' })
  })

  it('is one list, oldest first, over all partitions', async () => {
    const subjects: string[] = []
    for (let i = 0; i < 30; i++) {
      subjects.push(...(await publish(1)))
      // Within one millisecond the partitions have no order among each other.
      const published = Date.now()
      await until('the next millisecond', () => Date.now() > published)
    }
    const { events } = await read()
    assert.deepEqual(
      events.map(({ subject }) => subject),
      subjects,
    )
  })

  it('pages without a gap and without a repeat, whatever the page', async () => {
    const subjects = await publish(25)
    for (const limit of [1, 3, 7, 25, 100]) {
      const seen: string[] = []
      let after: string | undefined
      for (;;) {
        const page = await read({ limit, after })
        seen.push(...page.events.map(({ subject }) => subject))
        after = page.next
        if (page.events.length === 0) break
      }
      assert.deepEqual([...seen].sort(), [...subjects].sort(), `limit ${limit}`)
    }
  })

  it('gives a cursor also when there is nothing, which goes on later', async () => {
    const empty = await read()
    assert.deepEqual(empty.events, [])
    const [subject] = await publish(1)
    const page = await read({ after: empty.next })
    assert.deepEqual(
      page.events.map((event) => event.subject),
      [subject],
    )
    assert.deepEqual((await read({ after: page.next })).events, [])
  })

  it('filters by type and account, and its cursor moves past what did not match', async () => {
    await publish(5)
    const other = await read({ account: 'another' })
    assert.deepEqual(other.events, [])
    assert.deepEqual((await read({ after: other.next })).events, [])
    assert.equal((await read({ types: matchTypes('tallyhook.transfer.registered.v1') })).events.length, 5)
    assert.equal((await read({ types: matchTypes('tallyhook.transfer.*') })).events.length, 5)
    assert.equal((await read({ types: matchTypes('tallyhook.transfer.failed.v1') })).events.length, 0)
    assert.deepEqual(matchTypes('nothing.of.ours'), [])
  })

  it('leaves out what is personal once its key is thrown away, and shows the rest', async () => {
    const { personal } = await registerIn(store, newReference())
    const before = transferSchema.parse((await read()).events[0]?.data.object)
    assert.deepEqual(before.beneficiary, beneficiary)
    await store.vault.forget(personal.person)
    const after = transferSchema.parse((await read()).events[0]?.data.object)
    assert.deepEqual(after, { ...before, beneficiary: { erased: true } })
  })

  it('shows coupons, pay-ins and cases as their own types', async () => {
    const reconcile = createSayingReconcile(store)
    await registerCouponIn(store, newReference(), { couponNumber: 'c-1' })
    await reconcile.applyOne(useOf('c-1', 't-1', 300n))
    await reconcile.applyOne(useOf('c-1', 't-1', 301n))
    await reconcile.applyOne(payInOf('p-1'))
    const { events } = await read()
    for (const event of events) cloudEventSchema.parse(JSON.parse(JSON.stringify(event)))
    const typesOf = (noun: string) =>
      events.flatMap(({ type }) => (type.startsWith(`tallyhook.${noun}.`) ? [type.split('.')[2]] : []))
    assert.deepEqual(typesOf('coupon'), ['registered', 'granted', 'used', 'held'])
    assert.deepEqual(typesOf('collection'), ['completed'])
    assert.deepEqual(typesOf('case'), ['opened'])
    const used = couponSchema
      .strict()
      .parse(JSON.parse(JSON.stringify(events.find(({ type }) => type.endsWith('.used.v1'))?.data.object)))
    assert.deepEqual(used.consumed, { value: '3.00', currency: 'CNY' })
  })

  it('wakes who waits as soon as something is published', async () => {
    const { next } = await read()
    const startedAt = Date.now()
    const waiting = read({ after: next, waitMs: 15_000 })
    const [subject] = await publish(1)
    assert.deepEqual(
      (await waiting).events.map((event) => event.subject),
      [subject],
    )
    assert.ok(Date.now() - startedAt < 900, 'sooner than a blind look')
  })

  it('answers empty when the wait is over or the reader is gone', async () => {
    assert.deepEqual((await read({ waitMs: 50 })).events, [])
    const gone = new AbortController()
    const waiting = read({ waitMs: 60_000, signal: gone.signal })
    gone.abort()
    assert.deepEqual((await waiting).events, [])
  })
})
