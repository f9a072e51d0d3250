import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { describeDisbursement } from '../../src/sandbox/signed-callback.ts'
import { createLogLeaving } from '../../src/store/log-leaving.ts'
import { createReadTrail } from '../../src/store/trail.ts'
import { batchesOf, requestOf } from '../support/batches.ts'
import { leave } from '../support/leave.ts'
import { createTestClients } from '../support/redis.ts'
import {
  createTestReconcile,
  createTestStore,
  findTransfer,
  readAllEvents,
  receiptOf,
  registerIn,
  type TestStore,
} from '../support/store.ts'
import { disbursement, newReference } from '../support/zenospay.ts'

describe('trail', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore

  before(async () => {
    redis = await clients.open()
  })
  beforeEach(() => {
    store = createTestStore(redis, 2)
  })
  after(() => clients.closeAll())

  const say = (reference: string, status: string) =>
    createTestReconcile(store).applyAll([
      receiptOf(describeDisbursement(disbursement({ reference, status }))),
    ])

  it('finds the events of each intent among those of all others, in order', async () => {
    const references = Array.from({ length: 20 }, newReference)
    for (const reference of references) await registerIn(store, reference)
    for (const status of ['pending', 'success', 'fail'])
      for (const reference of references) await say(reference, status)
    await batchesOf(store, redis).register(await requestOf(store, 'b-1', ['r-1', 'r-2']))
    const all = await readAllEvents(store)
    const subjects = [...new Set(all.map(({ intent }) => intent.id))]
    assert.equal(subjects.length, 23)
    for (const id of subjects) {
      const expected = all.filter(({ intent }) => intent.id === id)
      const intent = await store.intents.find(id)
      assert.ok(intent)
      assert.deepEqual(await createReadTrail(store)(intent, 100), { events: expected, missing: 0 })
    }
  })

  it('goes on in the archive where the log was let go of, also of what has left itself', async () => {
    const reference = newReference()
    const { id } = await registerIn(store, reference)
    await say(reference, 'pending')
    await say(reference, 'success')
    const all = await readAllEvents(store)
    assert.equal(all.length, 3)
    const intent = await findTransfer(store, id)
    const read = createReadTrail(store)
    await letGo(2)
    assert.deepEqual(await read(intent, 100), { events: all, missing: 0 })
    await letGo(1)
    await leave(store, id)
    assert.deepEqual(await read(await findTransfer(store, id), 100), { events: all, missing: 0 })
  })

  it('says how many it did not find, and shows the newest', async () => {
    const reference = newReference()
    const { id } = await registerIn(store, reference)
    for (const status of ['pending', 'success']) await say(reference, status)
    const { events, missing } = await createReadTrail(store)(await findTransfer(store, id), 1)
    assert.deepEqual([events.map(({ fact }) => fact.name), missing], [['succeeded'], 2])
    for (let partition = 0; partition < 2; partition++)
      await redis.xtrim(store.keys.events(partition), 'MAXLEN', 1)
    const cut = await createReadTrail(store)(await findTransfer(store, id), 100)
    assert.deepEqual([cut.events.map(({ fact }) => fact.name), cut.missing], [['succeeded'], 2])
  })

  /** The oldest of its partition go into the archive. */
  async function letGo(count: number): Promise<void> {
    const leaving = createLogLeaving(store)
    for (let partition = 0; partition < 2; partition++) {
      const old = await leaving.readOlder(partition, Date.now() + 60_000, count)
      if (!old) continue
      await store.archive.append(old.lines)
      assert.ok(await leaving.trim(partition, old.last))
    }
  }
})
