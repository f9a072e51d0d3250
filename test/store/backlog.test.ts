import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { caseIdOfReceipt } from '../../src/domain/ids.ts'
import { createReadBacklog } from '../../src/store/backlog.ts'
import { createTestCases } from '../support/cases.ts'
import { createTestClients } from '../support/redis.ts'
import { ids } from '../support/store.ts'

describe('what waits in the store', () => {
  const clients = createTestClients()
  let redis: Redis
  before(async () => {
    redis = await clients.open()
  })
  after(() => clients.closeAll())

  const failureOf = (account: string) => ({
    account,
    receipt: ids.receiptId(),
    code: 'callback-not-understood' as const,
    reason: 'No APIv3 key opens it.',
  })

  it('is nothing at first', async () => {
    const { keys } = createTestCases(redis)
    assert.deepEqual(await createReadBacklog({ redis, keys })(['zeno']), {
      parked: [],
      ready: 0,
      quarantined: [{ account: 'zeno', count: 0 }],
      casesOpen: [],
    })
  })

  it('has the cases that are open, by account and kind, and no longer those that are resolved', async () => {
    const { keys, cases } = createTestCases(redis)
    const read = createReadBacklog({ redis, keys })
    const failures = [failureOf('one'), failureOf('one'), failureOf('one'), failureOf('other')]
    for (const failure of failures) await cases.open(failure)
    const counts = async () => (await read([])).casesOpen.toSorted((a, b) => (a.account < b.account ? -1 : 1))
    const kind = 'callback-not-applied'
    assert.deepEqual(await counts(), [
      { account: 'one', kind, count: 3 },
      { account: 'other', kind, count: 1 },
    ])
    const [first, , , last] = failures
    await cases.settle(first?.receipt ?? assert.fail())
    await cases.resolve(caseIdOfReceipt(last?.receipt ?? assert.fail()), {
      resolution: 'by-person',
      resolvedBy: 'test',
      resolvedBecause: 'dealt with',
    })
    assert.deepEqual(await counts(), [{ account: 'one', kind, count: 2 }])
  })

  it('has what is parked, of all partitions together, and what is ready', async () => {
    const { keys } = createTestCases(redis)
    await redis.hset(keys.parkedCounts(0), 'one', 2, 'other', 1)
    await redis.hset(keys.parkedCounts(3), 'one', 5)
    await redis.hset(keys.ready(1), 'a', '{}', 'b', '{}')
    const { parked, ready } = await createReadBacklog({ redis, keys })([])
    assert.deepEqual(parked, [
      { account: 'one', count: 7 },
      { account: 'other', count: 1 },
    ])
    assert.equal(ready, 2)
  })
})
