import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import {
  changeSubscription,
  createSubscription,
  disableSubscription,
  enableSubscription,
  rotateSecret,
} from '../../src/domain/decide-subscription.ts'
import { AppError } from '../../src/domain/errors.ts'
import type { SubscriptionId } from '../../src/domain/ids.ts'
import { commitCommand } from '../../src/store/scripts.ts'
import { dumpRedis } from '../support/plain.ts'
import { createTestClients } from '../support/redis.ts'
import { createTestStore, ids, readLog, type TestStore } from '../support/store.ts'
import { createTestSubscriptions, subscribe, testSecret } from '../support/subscriptions.ts'

const byLedger = { source: 'operator', by: 'ledger' } as const

describe('subscriptions on Redis', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore
  before(async () => {
    redis = await clients.open()
  })
  beforeEach(() => {
    store = createTestStore(redis)
  })
  after(() => clients.closeAll())

  const eventsOf = async (id: SubscriptionId) =>
    (await readLog(store)).flatMap((event) =>
      'subscription' in event && event.subscription.id === id ? [event] : [],
    )
  const code = (expected: string) => (error: unknown) => error instanceof AppError && error.code === expected

  it('are found and listed, oldest first, wherever they lie', async () => {
    const subscriptions = createTestSubscriptions(store)
    let now = 1_000
    const made = []
    for (let i = 0; i < 10; i++) made.push(await subscribe(store, {}, () => now++))
    assert.deepEqual(await subscriptions.list(), made)
    for (const one of made) assert.deepEqual(await subscriptions.find(one.id), one)
    assert.equal(await subscriptions.find(ids.subscriptionId()), undefined)
    assert.ok(new Set(made.map(({ id }) => store.keys.partitionOf(id))).size > 1)
  })

  it('publish each change in the step that makes it, with the state after it', async () => {
    const { id } = await subscribe(store)
    const subscriptions = createTestSubscriptions(store)
    const seen: string[] = []
    const listener = await clients.open()
    await listener.subscribe(store.keys.wakeChannel)
    listener.on('message', (_, message: string) => seen.push(message))
    const changed = await subscriptions.change(id, { ...byLedger, reason: 'moved' }, (before) => {
      const moved = changeSubscription(before, { url: 'https://b.example/' }, 2_000)
      const disabled =
        moved && disableSubscription(moved.after, { because: 'by-person', by: 'ledger' }, 2_000)
      return moved && disabled ? [moved, disabled] : []
    })
    assert.deepEqual(changed?.facts, [
      { name: 'changed', sequence: 2 },
      { name: 'disabled', sequence: 3 },
    ])
    const events = await eventsOf(id)
    assert.deepEqual(
      events.map(({ fact, subscription, because }) => [
        fact.name,
        fact.sequence,
        subscription.sequence,
        subscription.url,
        subscription.disabled?.because,
        because.reason,
      ]),
      [
        ['created', 1, 1, 'https://hooks.example/', undefined, undefined],
        ['changed', 2, 2, 'https://b.example/', undefined, 'moved'],
        ['disabled', 3, 3, 'https://b.example/', 'by-person', 'moved'],
      ],
    )
    await listener.ping()
    assert.deepEqual(seen, [String(store.keys.partitionOf(id))])
  })

  it('write and publish nothing where nothing changes', async () => {
    const { id } = await subscribe(store)
    const changed = await createTestSubscriptions(store).change(id, byLedger, () => [])
    assert.deepEqual([changed?.facts, changed?.after.sequence], [[], 1])
    assert.equal((await eventsOf(id)).length, 1)
  })

  it('hold both of two changes at once, and lose none of many', async () => {
    const { id } = await subscribe(store)
    const subscriptions = createTestSubscriptions(store)
    await Promise.all([
      subscriptions.change(id, byLedger, (before) => {
        const step = changeSubscription(before, { url: 'https://b.example/' }, 2_000)
        return step ? [step] : []
      }),
      subscriptions.change(id, byLedger, (before) => {
        const step = changeSubscription(before, { types: ['tallyhook.case.*'] }, 2_000)
        return step ? [step] : []
      }),
    ])
    const after = await subscriptions.find(id)
    assert.deepEqual(
      [after?.url, after?.types, after?.sequence],
      ['https://b.example/', ['tallyhook.case.*'], 3],
    )
    await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        subscriptions.change(id, byLedger, (before) => {
          const step = changeSubscription(before, { accounts: [...before.accounts, `a${i}`] }, 3_000)
          return step ? [step] : []
        }),
      ),
    )
    assert.equal((await subscriptions.find(id))?.accounts.length, 8)
    assert.deepEqual(
      (await eventsOf(id)).map(({ fact }) => fact.sequence),
      Array.from({ length: 11 }, (_, i) => i + 1),
    )
  })

  it('are given up on where one never rests', async () => {
    const { id } = await subscribe(store)
    const client = Object.create(redis, {
      defineCommand: { value: () => {} },
      [commitCommand]: { value: () => Promise.resolve([[1, 'other']]) },
    }) as Redis
    const subscriptions = createTestSubscriptions({ ...store, redis: client })
    await assert.rejects(
      subscriptions.change(id, byLedger, (before) => [
        rotateSecret(before, { sealed: 'x', overlapMs: 0 }, 2_000),
      ]),
      code('commit-contended'),
    )
  })

  it('are at most so many', async () => {
    const subscriptions = createTestSubscriptions(store, { max: 3 })
    const step = () =>
      createSubscription(
        {
          id: ids.subscriptionId(),
          url: 'https://hooks.example/',
          types: [],
          accounts: [],
          live: { run: ids.runId(), from: [] },
          createdBy: 'ledger',
          secret: 'sealed',
        },
        1,
      )
    for (let i = 0; i < 3; i++) await subscriptions.create(step(), byLedger)
    await assert.rejects(subscriptions.create(step(), byLedger), code('too-many-subscriptions'))
    const [first] = await subscriptions.list()
    assert.ok(first && (await subscriptions.remove(first.id, byLedger)))
    await subscriptions.create(step(), byLedger)
  })

  it('begin anew with how their endpoint fares in the step that enables them', async () => {
    const { id } = await subscribe(store)
    const subscriptions = createTestSubscriptions(store)
    const home = store.keys.endpoints(store.keys.partitionOf(id))
    await redis.hset(home, id, '{"v":1,"failures":99,"failingSince":1,"subjects":[],"opened":9}')
    await subscriptions.disable(id, { because: 'failing' })
    assert.equal(await redis.hexists(home, id), 1)
    await subscriptions.change(id, byLedger, (before) => {
      const step = enableSubscription(before, { missed: 'send' }, 6_000)
      return step ? [step] : []
    })
    assert.equal(await redis.hexists(home, id), 0)
  })

  it('leave nothing but the events when they are deleted', async () => {
    const { id } = await subscribe(store)
    const home = store.keys.endpoints(store.keys.partitionOf(id))
    await redis.hset(home, id, '{"v":1}')
    const subscriptions = createTestSubscriptions(store)
    assert.equal(await subscriptions.remove(id, byLedger), true)
    assert.equal(await subscriptions.find(id), undefined)
    assert.equal(await redis.hexists(home, id), 0)
    assert.deepEqual(
      (await eventsOf(id)).map(({ fact }) => fact.name),
      ['created', 'deleted'],
    )
    assert.equal(await subscriptions.remove(id, byLedger), false)
    assert.equal(await subscriptions.change(id, byLedger, () => []), undefined)
    assert.equal(await subscriptions.disable(id, { because: 'gone' }), 'unchanged')
  })

  it('are disabled once by what the deliveries came to, and not by what an older run came to', async () => {
    const { id, live } = await subscribe(store)
    const subscriptions = createTestSubscriptions(store, { clock: () => 5_000 })
    assert.equal(await subscriptions.disable(id, { because: 'gone', ifLive: ids.runId() }), 'unchanged')
    const both = await Promise.all([
      subscriptions.disable(id, { because: 'failing', ifLive: live.run }),
      subscriptions.disable(id, { because: 'gone', ifLive: live.run }),
    ])
    assert.deepEqual(both.sort(), ['disabled', 'unchanged'])
    const [, event] = await eventsOf(id)
    assert.equal(event?.because.source, 'deliveries')
    assert.equal(event?.because.reason, event?.subscription.disabled?.because)
    await subscriptions.change(id, byLedger, (before) => {
      const step = enableSubscription(before, { missed: 'send' }, 6_000)
      return step ? [step] : []
    })
    assert.equal((await subscriptions.find(id))?.disabled, undefined)
  })

  describe('their secrets', () => {
    it('rest sealed, for their own subscription alone', async () => {
      const one = await subscribe(store)
      const other = await subscribe(store, { secret: 'whsec_other' })
      const subscriptions = createTestSubscriptions(store)
      assert.deepEqual(subscriptions.openSecrets(one), [testSecret])
      const texts = [...(await dumpRedis(store, store.prefix)).values()].join('\n')
      for (const secret of [testSecret, testSecret.slice('whsec_'.length)]) assert.ok(!texts.includes(secret))
      assert.throws(
        () => subscriptions.openSecrets({ id: other.id, secrets: one.secrets }),
        code('cannot-unseal'),
      )
    })

    it('never come into an event, not even sealed', async () => {
      const { id } = await subscribe(store)
      const subscriptions = createTestSubscriptions(store)
      const sealed = subscriptions.sealSecret(id, 'whsec_next')
      await subscriptions.change(id, byLedger, (before) => [
        rotateSecret(before, { sealed, overlapMs: 1_000_000 }, Date.now()),
      ])
      assert.equal((await subscriptions.find(id))?.secrets.length, 2)
      const events = JSON.stringify(await readLog(store))
      assert.doesNotMatch(events, /secrets|sealed|s1\.test|whsec/)
      assert.match(events, /hooks\.example/)
    })

    it('are used until their time is over and not a moment longer', async () => {
      let now = 1_000
      const { id } = await subscribe(store, { secret: 'whsec_0' }, () => now)
      const subscriptions = createTestSubscriptions(store, { clock: () => now })
      const sealed = subscriptions.sealSecret(id, 'whsec_1')
      await subscriptions.change(id, byLedger, (before) => [
        rotateSecret(before, { sealed, overlapMs: 500 }, now),
      ])
      const open = async () => {
        const found = await subscriptions.find(id)
        return found && subscriptions.openSecrets(found)
      }
      now = 1_499
      assert.deepEqual(await open(), ['whsec_1', 'whsec_0'])
      now = 1_500
      assert.deepEqual(await open(), ['whsec_1'])
      assert.equal((await subscriptions.find(id))?.secrets.length, 2)
      await subscriptions.disable(id, { because: 'gone' })
      assert.equal((await subscriptions.find(id))?.secrets.length, 1)
    })
  })
})
