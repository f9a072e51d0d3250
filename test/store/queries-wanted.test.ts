import assert from 'node:assert/strict'
import { createKeys, transferIdOf } from '../../src/store/keys.ts'
import { createQueriesWanted } from '../../src/store/queries-wanted.ts'
import { createTestClients, uniquePrefix } from '../support/redis.ts'

describe('queries wanted', () => {
  const clients = createTestClients()
  after(() => clients.closeAll())

  it('keeps each transfer once for a reason, from when it was first asked for', async () => {
    const redis = await clients.open()
    const keys = createKeys(uniquePrefix(), 4)
    const wanted = createQueriesWanted({ redis, keys })
    const id = transferIdOf('acme', 'ref-1')
    assert.equal(await wanted.want(id, 'unverified', 1_000), 'wanted')
    assert.equal(await wanted.want(id, 'unverified', 2_000), 'wanted-before')
    assert.equal(await wanted.want(id, 'outside-window', 3_000), 'wanted')
    const key = keys.queriesWanted(keys.partitionOf(id))
    assert.deepEqual(await redis.zrange(key, '0', '-1', 'WITHSCORES'), [
      `${id} unverified`,
      '1000',
      `${id} outside-window`,
      '3000',
    ])
  })

  it('takes no more than it is allowed to keep', async () => {
    const redis = await clients.open()
    const keys = createKeys(uniquePrefix(), 1)
    const wanted = createQueriesWanted({ redis, keys, max: 3 })
    const outcomes: string[] = []
    for (let i = 0; i < 5; i++)
      outcomes.push(await wanted.want(transferIdOf('acme', `ref-${i}`), 'unverified', i))
    assert.deepEqual(outcomes, ['wanted', 'wanted', 'wanted', 'full', 'full'])
    assert.equal(await redis.zcard(keys.queriesWanted(0)), 3)
  })
})
