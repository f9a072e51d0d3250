import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { describeDisbursement } from '../../src/sandbox/signed-callback.ts'
import { transferIdOf } from '../../src/store/ids.ts'
import { requery } from '../../src/store/requery.ts'
import { createTestClients } from '../support/redis.ts'
import {
  createTestReconcile,
  createTestStore,
  receiptOf,
  registerIn,
  type TestStore,
} from '../support/store.ts'
import { disbursement, newReference, testAccount } from '../support/zenospay.ts'

describe('requery', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore
  const clock = () => 1_000

  before(async () => {
    redis = await clients.open()
  })
  beforeEach(() => {
    store = createTestStore(redis)
  })
  after(() => clients.closeAll())

  const watched = async (account = testAccount.id) => {
    const found = await Promise.all(
      Array.from({ length: store.keys.partitions }, (_, partition) =>
        redis.zrange(store.keys.watch(partition, account), 0, '-1', 'WITHSCORES'),
      ),
    )
    return new Map(
      found.flat().flatMap((id, i, all) => (i % 2 === 0 ? [[id, Number(all[i + 1])] as const] : [])),
    )
  }

  async function apply(reference: string, status: string): Promise<void> {
    const inquiryId = `inquiry-${reference}`
    const body = describeDisbursement(disbursement({ reference, status, inquiryId }))
    await createTestReconcile(store).applyOne(receiptOf(body))
  }

  it('wants everything asked about that is not settled, also where the index has lost it', async () => {
    const references = Array.from({ length: 600 }, newReference)
    for (const reference of references) await registerIn(store, reference)
    const [settled = '', held = '', ...pending] = references
    await apply(settled, 'success')
    await apply(held, 'success')
    await apply(held, 'fail')
    for (let partition = 0; partition < store.keys.partitions; partition += 2)
      await redis.del(store.keys.watch(partition, testAccount.id))
    const before = await watched()

    const looked = await requery({ ...store, clock }, { mode: 'look' })
    assert.deepEqual(looked, {
      seen: 600,
      unsettled: 599,
      accounts: { [testAccount.id]: 599 },
      held: 1,
    })
    assert.deepEqual(await watched(), before)

    assert.deepEqual(await requery({ ...store, clock }, { mode: 'ask' }), looked)
    const after = await watched()
    assert.equal(after.size, 599)
    for (const reference of [held, ...pending])
      assert.equal(after.get(transferIdOf(testAccount.id, reference)), 1_000, reference)
  })

  it('asks about one account where it is told so, and puts nothing off that is wanted sooner', async () => {
    const [one, other] = [newReference(), newReference()]
    await registerIn(store, one)
    await registerIn(store, other, { account: 'other' })
    const id = transferIdOf(testAccount.id, one)
    await store.intents.ask({ id, account: testAccount.id }, 5)
    const result = await requery({ ...store, clock }, { account: testAccount.id, mode: 'ask' })
    assert.deepEqual([result.seen, result.unsettled], [1, 1])
    const after = await watched()
    assert.equal(after.get(id), 5)
    assert.ok(((await watched('other')).get(transferIdOf('other', other)) ?? 0) > 1_000)
  })
})
