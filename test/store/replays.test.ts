import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import type { SubscriptionId } from '../../src/domain/ids.ts'
import type { Replay } from '../../src/domain/subscription.ts'
import { createReplays, type Replays, runningMax } from '../../src/store/replays.ts'
import { createTestClients } from '../support/redis.ts'
import { createTestStore, ids, type TestStore } from '../support/store.ts'

describe('replays', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore
  let replays: Replays
  let subscription: SubscriptionId
  const positions = ['0-0', '0-0', '0-0', '0-0']

  before(async () => {
    redis = await clients.open()
  })
  beforeEach(() => {
    store = createTestStore(redis)
    replays = createReplays({ redis, keys: store.keys, clock: () => 5_000 })
    subscription = ids.subscriptionId()
  })
  after(() => clients.closeAll())

  function replayOf(fields: Partial<Replay> = {}): Replay {
    const at = 1_000
    return {
      id: ids.runId(),
      subscription,
      from: positions,
      until: positions,
      count: 3,
      by: 'me',
      at,
      ...fields,
    }
  }

  async function added(fields?: Partial<Replay>): Promise<Replay> {
    const replay = replayOf(fields)
    assert.equal(await replays.add(replay), 'added')
    return replay
  }

  it('are listed newest first, each subscription its own', async () => {
    const [first, second] = [await added(), await added()]
    const other = await added({ subscription: ids.subscriptionId() })
    assert.deepEqual(await replays.list(subscription), [second, first])
    assert.deepEqual(await replays.find(subscription, first.id), first)
    assert.equal(await replays.find(subscription, other.id), undefined)
    const running = (await replays.running()).map(({ id }) => id).sort()
    assert.deepEqual(running, [first.id, second.id, other.id].sort())
  })

  it('five of one subscription run at once, also when they come together', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => replays.add(replayOf())))
    assert.equal(answers.filter((one) => one === 'added').length, runningMax)
    assert.equal(await replays.add(replayOf({ subscription: ids.subscriptionId() })), 'added')
    const [one] = await replays.list(subscription)
    assert.ok(one)
    await replays.end(subscription, one.id, 'done')
    assert.equal(await replays.add(replayOf()), 'added')
  })

  it('end once', async () => {
    const { id } = await added()
    const ended = { at: 5_000, because: 'cancelled' }
    const answers = await Promise.all([
      replays.end(subscription, id, 'cancelled'),
      replays.end(subscription, id, 'cancelled'),
    ])
    for (const one of answers) assert.deepEqual(one?.replay.ended, ended)
    assert.deepEqual(answers.map((one) => one?.isNew).sort(), [false, true])
    assert.deepEqual((await replays.end(subscription, id, 'done'))?.replay.ended, ended)
    assert.deepEqual(await replays.running(), [])
    assert.equal(await replays.end(subscription, ids.runId(), 'done'), undefined)
  })

  it('all end as their subscription is disabled', async () => {
    await added()
    const { id } = await added()
    await replays.end(subscription, id, 'done')
    await replays.endAll(subscription, 'disabled')
    assert.deepEqual(
      (await replays.list(subscription)).map(({ ended }) => ended?.because),
      ['done', 'disabled'],
    )
  })

  it('of those that have ended the newest twenty are kept', async () => {
    const all: string[] = []
    for (let i = 0; i < 23; i++) {
      const { id } = await added()
      all.push(id)
      await replays.end(subscription, id, 'done')
    }
    const running = await added()
    const kept = (await replays.list(subscription)).map(({ id }) => id)
    assert.deepEqual(kept, [running.id, ...all.slice(-20).reverse()])
  })

  it('go with their subscription', async () => {
    await added()
    await replays.remove(subscription)
    assert.deepEqual(await replays.list(subscription), [])
    assert.deepEqual(await redis.hkeys(store.keys.replays(store.keys.partitionOf(subscription))), [])
  })
})
