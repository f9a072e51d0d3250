import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import type { Collection } from '../../src/domain/collection.ts'
import type { Receipt } from '../../src/domain/receipt.ts'
import { createCollections } from '../../src/store/collections.ts'
import { aliasIdOf, collectionIdOf } from '../../src/store/ids.ts'
import { createLinks } from '../../src/store/links.ts'
import { createFinishLinks } from '../../src/workers/finish-links.ts'
import type { Reconcile } from '../../src/workers/reconcile.ts'
import { account, createSayingReconcile, payInOf } from '../support/coupons.ts'
import { createMemoryLogger } from '../support/log.ts'
import { createTestClients } from '../support/redis.ts'
import { createTestStore, readAllEvents, readLog, type TestStore } from '../support/store.ts'
import { newReference } from '../support/zenospay.ts'

describe('pay-ins', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore
  let reconcile: Reconcile
  let transaction: string

  before(async () => {
    redis = await clients.open()
  })
  beforeEach(() => {
    store = createTestStore(redis, 8)
    reconcile = createSayingReconcile(store)
    transaction = newReference()
  })
  after(() => clients.closeAll())

  const outcomeOf = async (receipt: Receipt) => (await reconcile.applyOne(receipt)).outcome
  const factsOf = async () => (await readAllEvents(store)).map(({ fact }) => fact.name)
  const idOf = () => collectionIdOf(account, transaction)
  const repeatsOf = () => redis.hgetall(store.keys.repeats(store.keys.partitionOf(idOf())))
  async function find(): Promise<Collection> {
    const found = await store.intents.find(idOf())
    assert.ok(found?.kind === 'collection')
    return found
  }
  const list = async (reference: string, after?: string, limit = 10) => {
    const collections = createCollections({ ...store, redis })
    const page = await collections.list({ account, reference, after, limit })
    return { transactions: page.collections.map((one) => one.transaction), next: page.next }
  }

  it('the first callback makes it, and it is completed once', async () => {
    const receipt = payInOf(transaction, { reference: 'order-1' })
    assert.equal(await outcomeOf(receipt), 'applied')
    assert.equal(await outcomeOf(receipt), 'applied', 'delivered again')
    const { kind, state, reference, amount, fee, net, channel, rrn, sequence, completedAt } = await find()
    assert.deepEqual(
      { kind, state, reference, amount, fee, net, channel, rrn, sequence, completedAt },
      {
        kind: 'collection',
        state: 'completed',
        reference: 'order-1',
        amount: { minor: 1000000n, currency: 'IDR' },
        fee: { minor: 5000n, currency: 'IDR' },
        net: { minor: 995000n, currency: 'IDR' },
        channel: 'BCA',
        rrn: undefined,
        sequence: 1,
        completedAt: Date.parse('2026-01-10T00:55:00+07:00'),
      },
    )
    assert.deepEqual(await store.vault.openSecrets(await find()), { customerName: 'Budi' })
    assert.deepEqual(await factsOf(), ['completed'])
    assert.ok(await redis.zscore(store.keys.final(store.keys.partitionOf(idOf()), account), idOf()))
  })

  it('many that arrive together make one', async () => {
    const receipts = Array.from({ length: 12 }, () => payInOf(transaction))
    await Promise.all([
      reconcile.applyAll(receipts.slice(0, 4)),
      reconcile.applyAll(receipts.slice(3, 6)),
      ...receipts.slice(6).map((receipt) => reconcile.applyOne(receipt)),
    ])
    assert.deepEqual(await factsOf(), ['completed'])
    assert.deepEqual(await repeatsOf(), { [`${account} re-sent`]: '11' })
  })

  for (const [what, fields] of [
    ['in a new envelope', {}],
    ['at another time', { occurredAt: 1 }],
    ['with the name spelt otherwise', { customerName: 'BUDI' }],
    ['without a name', { customerName: undefined }],
    ['with a number of the bank network', { rrn: '123' }],
    ['without its fee', { fee: undefined }],
  ] as const) {
    it(`the same again ${what} is a repeat`, async () => {
      await reconcile.applyOne(payInOf(transaction))
      assert.equal(await outcomeOf(payInOf(transaction, fields)), 'repeat')
      assert.deepEqual(await factsOf(), ['completed'])
      assert.deepEqual(await repeatsOf(), { [`${account} re-sent`]: '1' })
    })
  }

  for (const [reason, fields] of [
    ['amount-differs', { minor: 1000001n }],
    ['amount-differs', { fee: 5001n }],
    ['currency-differs', { currency: 'USD' }],
    ['reference-differs', { reference: 'order-2' }],
  ] as const) {
    it(`the same with another ${Object.keys(fields)[0]} holds it, with both receipts in a case`, async () => {
      const first = payInOf(transaction, { reference: 'order-1' })
      await reconcile.applyOne(first)
      const second = payInOf(transaction, { reference: 'order-1', ...fields })
      assert.equal(await outcomeOf(second), 'held')
      const held = await find()
      assert.equal(held.hold?.reason, reason)
      assert.deepEqual([held.amount.minor, held.reference], [1000000n, 'order-1'])
      const [opened] = (await store.cases.list({ state: 'open', limit: 10 })).cases
      assert.ok(opened?.kind === 'held')
      assert.deepEqual([opened.known, opened.receipts], [first.id, [second.id]])
      assert.deepEqual(await factsOf(), ['completed', 'held'])
      assert.deepEqual(await repeatsOf(), { [`${account} mutated`]: '1' })
      assert.equal((await readLog(store)).filter((event) => 'case' in event).length, 1)
    })
  }

  describe('under one reference', () => {
    it('are listed newest first, page by page', async () => {
      const made: string[] = []
      for (let i = 0; i < 5; i++) {
        made.unshift(newReference())
        await reconcile.applyOne(payInOf(made[0] ?? '', { reference: 'rent', occurredAt: 1_000 * i }))
      }
      await reconcile.applyOne(payInOf(transaction, { reference: 'other' }))
      assert.deepEqual(await list('rent'), { transactions: made, next: null })
      const seen: string[] = []
      for (let after: string | undefined; ; ) {
        const page = await list('rent', after, 2)
        seen.push(...page.transactions)
        if (page.next === null) break
        after = page.next
      }
      assert.deepEqual(seen, made)
      assert.deepEqual(await list('nothing'), { transactions: [], next: null })
    })

    it('one whose process died before it was listed is listed by the next sweep', async () => {
      const links = createLinks({ redis, keys: store.keys })
      const all = async () =>
        (await Promise.all(Array.from({ length: 8 }, (_, partition) => links.listDue(partition)))).flat()
      await redis.set(store.keys.listed(aliasIdOf('collections', account, 'rent')), 'in the way')
      await reconcile.applyOne(payInOf(transaction, { reference: 'rent' }))
      assert.equal((await find()).state, 'completed', 'what is committed is committed')
      assert.equal((await all()).length, 1)
      await redis.del(store.keys.listed(aliasIdOf('collections', account, 'rent')))
      const finish = createFinishLinks({
        partitions: 8,
        links,
        intents: store.intents,
        clock: Date.now,
        logger: createMemoryLogger(),
      })
      assert.equal(await finish(), 1)
      assert.equal(await finish(), 0)
      assert.deepEqual(await all(), [])
      assert.deepEqual((await list('rent')).transactions, [transaction])
    })
  })
})
