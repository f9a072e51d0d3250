import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { collectionSchema } from '../../../src/events/collection-resource.ts'
import { createCollectionRoutes } from '../../../src/http/api/collections.ts'
import { createCollections } from '../../../src/store/collections.ts'
import { collectionIdOf } from '../../../src/store/ids.ts'
import { account, createSayingReconcile, payInOf } from '../../support/coupons.ts'
import { leave } from '../../support/leave.ts'
import { createTestClients } from '../../support/redis.ts'
import { authenticate, createSmallApi } from '../../support/small-api.ts'
import { createTestStore, type TestStore } from '../../support/store.ts'
import { newReference } from '../../support/zenospay.ts'

describe('pay-ins in the API', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore
  let api: ReturnType<typeof createSmallApi>
  let transaction: string

  before(async () => {
    redis = await clients.open()
  })
  beforeEach(() => {
    store = createTestStore(redis)
    transaction = newReference()
    const collections = createCollections({ ...store, redis })
    api = createSmallApi([createCollectionRoutes({ ...store, authenticate, collections })])
  })
  after(() => clients.closeAll())

  const payIn = (...args: Parameters<typeof payInOf>) =>
    createSayingReconcile(store).applyOne(payInOf(...args))
  const idOf = () => collectionIdOf(account, transaction)

  it('shows one by its id, by the provider’s number and by our reference', async () => {
    await payIn(transaction, { rrn: '4711' })
    const shown = await api.get(`/collections/${idOf()}`, 'viewer')
    assert.equal(shown.status, 200)
    const { createdAt, updatedAt, ...rest } = collectionSchema.strict().parse(shown.body)
    assert.ok(createdAt && updatedAt)
    assert.deepEqual(rest, {
      id: idOf(),
      account,
      reference: 'order-1',
      held: false,
      sequence: 1,
      providerReference: transaction,
      amount: { value: '10000.00', currency: 'IDR' },
      fee: { value: '50.00', currency: 'IDR' },
      net: { value: '9950.00', currency: 'IDR' },
      channel: 'BCA',
      rrn: '4711',
      customer: { name: 'Budi' },
      state: 'completed',
      completedAt: '2026-01-09T17:55:00.000Z',
    })
    for (const query of [`transaction=${transaction}`, 'reference=order-1'])
      assert.deepEqual(
        (await api.get(`/collections?account=${account}&${query}`)).body,
        { items: [shown.body], next: null },
        query,
      )
    for (const query of ['transaction=order-1', `reference=${transaction}`])
      assert.deepEqual((await api.get(`/collections?account=${account}&${query}`)).body.items, [], query)
  })

  it('lists several of one reference, page by page', async () => {
    for (let i = 0; i < 3; i++) await payIn(newReference(), { occurredAt: 1_000 * i })
    const path = `/collections?account=${account}&reference=order-1`
    const first = (await api.get(`${path}&limit=2`)).body
    const second = (await api.get(`${path}&limit=2&after=${first.next}`)).body
    const times = [...first.items, ...second.items].map(({ completedAt }) => Date.parse(completedAt))
    assert.deepEqual([times, second.next], [[2_000, 1_000, 0], null])
  })

  it('never leaves one out that the archive has and does not give out', async () => {
    await payIn(transaction)
    await leave(store, idOf())
    const path = `/collections?account=${account}&reference=order-1`
    assert.equal((await api.get(path)).body.items.length, 1)
    store.archive.away = true
    const response = await api.get(path)
    assert.equal(response.status, 503)
    assert.equal(response.body.code, 'archive-unavailable')
  })

  it('shows a hold with its case', async () => {
    await payIn(transaction)
    await payIn(transaction, { minor: 1n })
    const { body } = await api.get(`/collections/${idOf()}`)
    assert.deepEqual([body.held, body.hold.reason], [true, 'amount-differs'])
    assert.match(body.hold.case, /^case-/)
    assert.deepEqual(body.amount, { value: '10000.00', currency: 'IDR' })
    collectionSchema.strict().parse(body)
  })

  it('shows that the customer was erased', async () => {
    await payIn(transaction)
    await store.vault.forget((await store.intents.find(idOf()))?.personal.person ?? '')
    for (const path of [`/collections/${idOf()}`, `/collections?account=${account}&reference=order-1`]) {
      const { body } = await api.get(path)
      assert.deepEqual((body.items?.[0] ?? body).customer, { erased: true }, path)
    }
  })

  it('keeps the customer out of Redis in the clear', async () => {
    await payIn(transaction, { customerName: 'Some Body' })
    const dumps = await Promise.all(
      (await redis.keys(`${store.prefix}:*`)).map((key) => redis.dumpBuffer(key)),
    )
    assert.ok(dumps.every((dump) => !dump?.includes('Some Body')))
  })

  it('asks for the scope, knows its methods, and refuses what is no question', async () => {
    await payIn(transaction)
    assert.equal((await api.get(`/collections/${idOf()}`, 'other')).status, 403)
    assert.equal((await api.get('/collections?account=a&reference=b', 'other')).status, 403)
    assert.equal((await api.post('/collections', {})).headers.allow, 'GET, HEAD')
    assert.equal((await api.post(`/collections/${idOf()}`, {})).headers.allow, 'GET, HEAD')
    for (const id of ['pi-1', `tr-${idOf().slice(3)}`, collectionIdOf(account, 'nothing')])
      assert.equal((await api.get(`/collections/${id}`)).status, 404, id)
    for (const query of [
      'account=a',
      'reference=b',
      'account=a&reference=b&transaction=c',
      'account=a&reference=b&after=x',
      'account=a&reference=b&limit=0',
      'account=a&reference=b&limit=1001',
      'account=a&reference=b&what=1',
    ])
      assert.equal((await api.get(`/collections?${query}`)).status, 422, query)
    const { errors } = (await api.get('/collections?account=a')).body
    assert.deepEqual(
      errors.map(({ path }: { path: string }) => path),
      ['transaction', 'reference'],
    )
  })
})
