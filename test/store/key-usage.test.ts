import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { createKeyUsage, startUsageFlush } from '../../src/store/key-usage.ts'
import { createKeys } from '../../src/store/keys.ts'
import { loadScripts } from '../../src/store/scripts.ts'
import { createTestClients, uniquePrefix } from '../support/redis.ts'
import { until } from '../support/until.ts'

describe('key usage', () => {
  const clients = createTestClients()
  let redis: Redis
  before(async () => {
    redis = await clients.open()
  })
  after(() => clients.closeAll())

  const create = (prefix = uniquePrefix()) =>
    createKeyUsage({ redis, scripts: loadScripts(redis), keys: createKeys(prefix, 4) })

  it('adds up what several processes counted, and keeps the latest time', async () => {
    const prefix = uniquePrefix()
    const one = create(prefix)
    const other = create(prefix)
    one.note('a', 'new', 3000)
    one.note('a', 'new', 2000)
    one.note('a', 'old', 10)
    other.note('a', 'new', 1000)
    other.note('b', 'new', 5)
    one.noteRefusal('a', 'signature-wrong', 7)
    await one.flush()
    await other.flush()
    await one.flush()
    assert.deepEqual(await one.keysOf('a'), [
      { name: 'new', count: 3, lastAt: 3000 },
      { name: 'old', count: 1, lastAt: 10 },
    ])
    assert.deepEqual(await one.keysOf('b'), [{ name: 'new', count: 1, lastAt: 5 }])
    assert.deepEqual(await one.refusalsOf('a'), [{ name: 'signature-wrong', count: 1, lastAt: 7 }])
    assert.deepEqual(await one.keysOf('c'), [])
  })

  it('writes by itself, and the rest at the stop', async () => {
    const usage = create()
    const flush = startUsageFlush(usage, 5, (error) => assert.fail(String(error)))
    usage.note('a', 'k', 1)
    await until('the write', async () => (await usage.keysOf('a')).length === 1)
    await flush.stop()

    const last = startUsageFlush(usage, 3_600_000, (error) => assert.fail(String(error)))
    usage.note('a', 'k', 2)
    await last.stop()
    assert.deepEqual(await usage.keysOf('a'), [{ name: 'k', count: 2, lastAt: 2 }])
  })

  it('survives a Redis that is away: what was counted is lost, and the next is not', async () => {
    const usage = createKeyUsage({
      redis,
      scripts: { ...loadScripts(redis), countUse: async () => Promise.reject(new Error('away')) },
      keys: createKeys(uniquePrefix(), 4),
    })
    const failures: unknown[] = []
    const flush = startUsageFlush(usage, 3_600_000, (error) => failures.push(error))
    usage.note('a', 'k', 1)
    await flush.stop()
    assert.equal(failures.length, 1)
  })
})
