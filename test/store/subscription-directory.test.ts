import assert from 'node:assert/strict'
import type { Subscription } from '../../src/domain/subscription.ts'
import { createSubscriptionDirectory } from '../../src/store/subscription-directory.ts'
import { createMemoryLogger } from '../support/log.ts'
import { ids } from '../support/store.ts'

function subscription(fields: Partial<Subscription> = {}): Subscription {
  return {
    id: ids.subscriptionId(),
    url: 'https://hooks.example/',
    types: [],
    accounts: [],
    secrets: [{ sealed: 'a', createdAt: 0 }],
    live: { run: ids.runId(), from: [] },
    missed: [],
    createdAt: 0,
    updatedAt: 0,
    createdBy: 'ledger',
    sequence: 1,
    ...fields,
  }
}

const disabled = { because: 'gone', at: 0 } as const

function createWorld() {
  const world = {
    now: 0,
    reads: 0,
    all: [] as Subscription[],
    gate: Promise.resolve(),
    logger: createMemoryLogger(),
  }
  const directory = createSubscriptionDirectory({
    async list() {
      world.reads++
      const found = world.all
      await world.gate
      return found
    },
    openSecrets({ secrets }) {
      const [first] = secrets
      if (first?.sealed === 'broken') throw new Error('It does not authenticate.')
      return secrets.map(({ sealed }) => `whsec_${sealed}`)
    },
    clock: () => world.now,
    logger: world.logger,
    refreshMs: 1_000,
  })
  return Object.assign(world, { directory })
}

describe('the directory of subscriptions', () => {
  it('gives those that are enabled, with what they take and what signs', async () => {
    const world = createWorld()
    const one = subscription({ types: ['tallyhook.case.*'] })
    const off = subscription({ disabled })
    world.all = [one, off]
    const [active, ...others] = await world.directory.enabled()
    assert.deepEqual([active?.id, others], [one.id, []])
    assert.deepEqual(active?.endpoint(), { url: one.url, secrets: ['whsec_a'] })
    assert.equal(active?.matches({ type: 'tallyhook.case.opened.v1', account: 'a' }), true)
    assert.equal(active?.matches({ type: 'tallyhook.batch.closed.v1', account: 'a' }), false)
    assert.equal((await world.directory.find(one.id))?.id, one.id)
    assert.equal(await world.directory.find(off.id), undefined)
    assert.deepEqual(await world.directory.all(), [one, off])
  })

  it('is read once for all who ask within a second, and anew after it', async () => {
    const world = createWorld()
    await Promise.all([world.directory.enabled(), world.directory.all(), world.directory.enabled()])
    world.now = 999
    await world.directory.enabled()
    assert.equal(world.reads, 1)
    const one = subscription()
    world.all = [one]
    world.now = 1_000
    assert.equal((await world.directory.enabled()).length, 1)
    assert.equal(world.reads, 2)
  })

  it('is read anew after a clock that was set back', async () => {
    const world = createWorld()
    world.now = 10_000
    await world.directory.enabled()
    world.now = 5_000
    await world.directory.enabled()
    assert.equal(world.reads, 2)
  })

  it('is fresh for who needs it so, also where a reading is under way that began before', async () => {
    const world = createWorld()
    let open = () => {}
    world.gate = new Promise((resolve) => {
      open = resolve
    })
    const before = world.directory.all()
    const one = subscription()
    world.all = [one]
    const fresh = world.directory.fresh()
    open()
    assert.deepEqual(await before, [])
    assert.deepEqual(await fresh, [one])
    assert.deepEqual(await world.directory.all(), [one])
    assert.equal(world.reads, 2)
  })

  it('gives nothing where it cannot be read, and is read again for the next', async () => {
    const world = createWorld()
    world.all = [subscription()]
    await world.directory.enabled()
    world.now = 1_000
    world.gate = Promise.reject(new Error('away'))
    await assert.rejects(world.directory.enabled(), /away/)
    world.gate = Promise.resolve()
    assert.equal((await world.directory.enabled()).length, 1)
  })

  it('leaves out one that cannot be opened, says so once, and delivers to the others', async () => {
    const world = createWorld()
    const broken = subscription({ secrets: [{ sealed: 'broken', createdAt: 0 }] })
    const one = subscription()
    world.all = [broken, one]
    for (world.now = 0; world.now < 5_000; world.now += 1_000)
      assert.deepEqual(
        (await world.directory.enabled()).map(({ id }) => id),
        [one.id],
      )
    const said = world.logger.lines.filter(({ event }) => event === 'subscription.unreadable')
    assert.deepEqual(
      said.map(({ fields }) => fields.subscription),
      [broken.id],
    )
  })
})
