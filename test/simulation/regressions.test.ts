/** Histories that went wrong once, each as short as it can be, and some that say what everybody expects. */
import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { createTestClients } from '../support/redis.ts'
import type { Operation } from './plan.ts'
import { shrink } from './shrink.ts'
import type { TransferWords } from './words.ts'
import { playWorld } from './world.ts'

describe('histories by name', () => {
  const clients = createTestClients()
  let redis: Redis
  before(async () => {
    redis = await clients.open()
  })
  after(() => clients.closeAll())

  const replay = (seed: number, operations: Operation[]) => playWorld(redis, { seed, operations })
  const said = (words: Omit<TransferWords, 'kind' | 'to'>): Operation => ({
    do: 'callback',
    words: { kind: 'transfer', to: 't0', ...words },
  })
  const worked: Operation[] = [{ do: 'work', from: 0, count: 8 }, { do: 'drain' }]
  const registered: Operation[] = [{ do: 'register', name: 't0' }, { do: 'drain' }]

  it('one that waits for a person, delivered again after it was sent twice, waits still', async () => {
    const { outcomes } = await replay(1, [
      ...registered,
      said({ status: 'succeeded', off: 7 }),
      ...worked,
      said({ status: 'succeeded', off: 0 }),
      ...worked,
      said({ status: 'succeeded', off: 0, at: 103 }),
      ...worked,
      { do: 'redeliver', of: 1 },
      ...worked,
    ])
    assert.deepEqual(outcomes, { held: 1, 'awaits-person': 1, repeat: 1 })
  })

  it('and is applied when a person has kept ours', async () => {
    const { outcomes } = await replay(2, [
      ...registered,
      said({ status: 'succeeded', off: 7 }),
      ...worked,
      said({ status: 'succeeded', off: 0 }),
      said({ status: 'succeeded', off: 0, at: 103 }),
      ...worked,
      { do: 'resolve', of: 0, receipt: 0, action: 'keep-ours' },
      { do: 'drain' },
    ])
    assert.deepEqual(outcomes, { held: 1, applied: 1, repeat: 1 })
  })

  it('a success that came as too old is believed when it is said anew', async () => {
    const { outcomes } = await replay(3, [
      ...registered,
      said({ status: 'processing', at: 105 }),
      ...worked,
      said({ status: 'succeeded', off: 0, at: 101 }),
      ...worked,
      said({ status: 'succeeded', off: 0, at: 106 }),
      ...worked,
    ])
    assert.deepEqual(outcomes, { applied: 2, stale: 1 })
  })

  it('one that leaves out what another had is no mutation', async () => {
    const { outcomes } = await replay(4, [
      ...registered,
      said({ status: 'succeeded', off: 0, person: 'spelled', number: 'own' }),
      said({ status: 'succeeded', number: 'own' }),
      ...worked,
    ])
    assert.deepEqual(outcomes, { applied: 1, repeat: 1 })
  })

  it('a worker that dies after each step leaves nothing undone', async () => {
    for (let steps = 0; steps < 8; steps++) {
      const before = Array.from({ length: steps }, (): Operation => ({ do: 'step', of: 0, fate: 'ok' }))
      const { outcomes } = await replay(100 + steps, [
        ...registered,
        said({ status: 'succeeded', off: 0, number: 'own' }),
        { do: 'work', from: 0, count: 1 },
        ...before,
        { do: 'step', of: 0, fate: 'die-after' },
      ])
      assert.deepEqual(outcomes, { applied: 1 })
    }
  })

  it('a failing history shrinks to what it fails of', async () => {
    const whole = Array.from({ length: 100 }, (_, i) => i)
    const tried: number[] = []
    const short = await shrink(whole, async (some) => {
      tried.push(some.length)
      return some.includes(17) && some.includes(64) && some.includes(65)
    })
    assert.deepEqual(short, [17, 64, 65])
    assert.ok(tried.length < 200, `${tried.length} tries`)
  })
})
