import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { eventIdOf, type TransferId } from '../../../src/domain/ids.ts'
import { createTimelineRoutes } from '../../../src/http/api/timeline.ts'
import { describeDisbursement } from '../../../src/sandbox/signed-callback.ts'
import { noteDeliveries } from '../../../src/store/deliveries.ts'
import { toCommand } from '../../../src/store/groups.ts'
import { readTogether } from '../../../src/store/together.ts'
import { createTransaction } from '../../../src/store/transaction.ts'
import { createTestCaseParts } from '../../support/case-parts.ts'
import { createTestClients } from '../../support/redis.ts'
import { authenticate, createSmallApi } from '../../support/small-api.ts'
import {
  createTestReconcile,
  createTestStore,
  receiptOf,
  registerIn,
  type TestStore,
} from '../../support/store.ts'
import { subscribe } from '../../support/subscriptions.ts'
import { beneficiary, disbursement, newReference } from '../../support/zenospay.ts'

interface Item {
  kind: string
  name?: string
  sequence?: number
  outcome?: string
  receipt?: string
  because?: { source: string; receipt?: string }
  said?: { amount?: { value: string }; differs?: string[] }
  case?: { code: string; state: string }
}

describe('timeline in the API', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore
  let api: ReturnType<typeof createSmallApi>

  before(async () => {
    redis = await clients.open()
  })
  beforeEach(() => {
    store = createTestStore(redis)
    api = createSmallApi([createTimelineRoutes({ authenticate, ...createTestCaseParts(store) })])
  })
  after(() => clients.closeAll())

  const say = (reference: string, fields: { status: string; amount?: string }) =>
    createTestReconcile(store).applyAll([
      receiptOf(describeDisbursement(disbursement({ reference, ...fields }))),
    ])
  const read = async (id: TransferId, token?: string) => {
    const { status, body } = await api.get(`/transfers/${id}/timeline`, token)
    assert.equal(status, 200, JSON.stringify(body))
    return body as { state: string; held: boolean; items: Item[]; missing: object }
  }

  it('shows in order what was said, what was concluded of it, and who has to decide', async () => {
    const reference = newReference()
    const { id } = await registerIn(store, reference)
    await say(reference, { status: 'pending' })
    await say(reference, { status: 'success' })
    await say(reference, { status: 'success' })
    await say(reference, { status: 'fail' })
    const { items, missing, ...about } = await read(id)
    assert.deepEqual(about, { id, state: 'succeeded', held: true })
    assert.deepEqual(missing, { events: 0, receipts: 0 })
    assert.deepEqual(
      items.map(({ kind, name, outcome, case: one }) => [kind, name ?? outcome ?? one?.code]),
      [
        ['event', 'registered'],
        ['callback', 'applied'],
        ['event', 'processing'],
        ['callback', 'applied'],
        ['event', 'succeeded'],
        ['callback', 'repeat'],
        ['callback', 'held'],
        ['event', 'held'],
        ['case', 'final-state-contradicted'],
      ],
    )
    for (const [i, item] of items.entries()) {
      const receipt = item.because?.receipt
      if (receipt !== undefined) assert.equal(items[i - 1]?.receipt, receipt)
    }
  })

  it('shows to nobody a whole number, and what a callback said only to operators', async () => {
    const reference = newReference()
    const { id } = await registerIn(store, reference)
    await say(reference, { status: 'success', amount: '1.00' })
    const ledger = await read(id, 'viewer')
    assert.ok(ledger.items.every(({ said }) => said === undefined))
    const { items } = await read(id, 'clerk')
    const { said } = items.find(({ kind }) => kind === 'callback') ?? {}
    assert.equal(said?.amount?.value, '1.00')
    assert.deepEqual(said?.differs, ['status', 'amount'])
    assert.ok(!JSON.stringify(items).includes(beneficiary.accountNumber))
  })

  it('shows who was told, and what that came to', async () => {
    const reference = newReference()
    const { id } = await registerIn(store, reference)
    const { id: subscription, live } = await subscribe(store)
    const note = {
      event: eventIdOf(id, 1),
      type: 'tallyhook.transfer.registered.v1',
      subject: id,
      position: '1-0',
      run: live.run,
    }
    const at = Date.now()
    const partition = store.keys.partitionOf(id)
    const transaction = createTransaction()
    const failed = { at, tookMs: 5, status: 500, error: 'status' }
    const notes = [
      { ...note, number: 1, outcome: 'failed' as const, attempt: failed },
      { ...note, number: 2, outcome: 'delivered' as const, attempt: { at: at + 1, tookMs: 5, status: 204 } },
    ]
    noteDeliveries(transaction, store.keys, partition, subscription, notes, at)
    await readTogether(redis, [toCommand(transaction)])
    const deliveries = (await read(id)).items.filter(({ kind }) => kind === 'delivery')
    const shown = { kind: 'delivery', subscription, event: note.event }
    assert.deepEqual(
      deliveries.map(({ at: _, ...rest }: Item & { at?: string }) => rest),
      [
        { ...shown, outcome: 'failed', attempt: 1, status: 500, error: 'status' },
        { ...shown, outcome: 'delivered', attempt: 2, status: 204 },
      ],
    )
  })

  it('asks for a scope, knows what is there, and takes no other method', async () => {
    const { id } = await registerIn(store, newReference())
    assert.equal((await api.get(`/transfers/${id}/timeline`, 'other')).status, 403)
    for (const path of [`/batches/${id}`, '/transfers/tr-1', `/transfers/tr-${'0'.repeat(26)}`])
      assert.equal((await api.get(`${path}/timeline`)).status, 404, path)
    const wrong = await api.post(`/transfers/${id}/timeline`, {})
    assert.deepEqual([wrong.status, wrong.headers.allow], [405, 'GET, HEAD'])
  })
})
