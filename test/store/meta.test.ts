import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { AppError } from '../../src/domain/errors.ts'
import { createKeys } from '../../src/store/keys.ts'
import { checkFixed, noteAccounts, readSealing, retireSealKeys } from '../../src/store/meta.ts'
import { createTestClients, uniquePrefix } from '../support/redis.ts'

describe('what must stay the same between starts', () => {
  const clients = createTestClients()
  let redis: Redis
  before(async () => {
    redis = await clients.open()
  })
  after(() => clients.closeAll())

  async function refusal(
    first: Parameters<typeof checkFixed>[2],
    second: Parameters<typeof checkFixed>[2],
  ): Promise<string> {
    const keys = createKeys(uniquePrefix(), first.partitions)
    await checkFixed(redis, keys, first)
    await checkFixed(redis, keys, first)
    const error = await checkFixed(redis, keys, second).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    assert.ok(error instanceof AppError && error.code === 'invalid-configuration', 'It was let through.')
    return error.detail
  }

  it('the number of partitions', async () => {
    assert.match(
      await refusal(
        { partitions: 8, indexCheck: 'i', sealChecks: {}, sealsWith: 'k1' },
        { partitions: 16, indexCheck: 'i', sealChecks: {}, sealsWith: 'k1' },
      ),
      /first used with 8/,
    )
  })

  it('the seal keys: none may be missing or be another', async () => {
    const first = { partitions: 8, indexCheck: 'i', sealChecks: { k1: 'a' }, sealsWith: 'k1' }
    assert.match(
      await refusal(first, { partitions: 8, indexCheck: 'i', sealChecks: {}, sealsWith: 'k1' }),
      /k1 is missing/,
    )
    assert.match(
      await refusal(first, { partitions: 8, indexCheck: 'i', sealChecks: { k1: 'b' }, sealsWith: 'k1' }),
      /k1 is not the one/,
    )
  })

  it('the form of what is kept: an older one is not read as if it were this one', async () => {
    const keys = createKeys(uniquePrefix(), 8)
    const fixed = { partitions: 8, indexCheck: 'i', sealChecks: { k1: 'a' }, sealsWith: 'k1' }
    await redis.hset(keys.meta, { partitions: '8', index: 'i', 'seal:k1': 'a', sealing: 'k1' })
    const before = await redis.hgetall(keys.meta)
    await assert.rejects(
      checkFixed(redis, keys, fixed),
      /kept things in another form \(an earlier one; .* reads 4\)/,
    )
    assert.deepEqual(await redis.hgetall(keys.meta), before)
    await redis.hset(keys.meta, 'form', '2')
    await assert.rejects(checkFixed(redis, keys, fixed), /\(2; this version reads 4\)/)
    await redis.hset(keys.meta, 'form', '3')
    await checkFixed(redis, keys, fixed)
    assert.equal(await redis.hget(keys.meta, 'form'), '4', 'an earlier version is refused from now on')
    await redis.hset(keys.meta, 'form', '5')
    await assert.rejects(checkFixed(redis, keys, fixed), /\(5; this version reads 4\)/)
  })

  it('notes every account that there ever was, and writes nothing where none is new', async () => {
    const keys = createKeys(uniquePrefix(), 8)
    await noteAccounts(redis, keys, ['a', 'b'])
    await noteAccounts(redis, keys, ['b', 'c'])
    assert.deepEqual((await redis.smembers(keys.accounts)).sort(), ['a', 'b', 'c'])
  })

  it('the index key', async () => {
    const first = { partitions: 8, indexCheck: 'i', sealChecks: {}, sealsWith: 'k1' }
    assert.match(await refusal(first, { ...first, indexCheck: 'j' }), /^seal\.indexKey: /)
  })

  it('a start that is refused leaves nothing behind that the next one could stumble over', async () => {
    const keys = createKeys(uniquePrefix(), 8)
    const first = { partitions: 8, indexCheck: 'i', sealChecks: { k1: 'a' }, sealsWith: 'k1' }
    await checkFixed(redis, keys, first)
    await assert.rejects(checkFixed(redis, keys, { ...first, sealChecks: { k2: 'b' }, sealsWith: 'k1' }))
    await checkFixed(redis, keys, first)
  })

  it('a new seal key may join', async () => {
    const keys = createKeys(uniquePrefix(), 8)
    await checkFixed(redis, keys, {
      partitions: 8,
      indexCheck: 'i',
      sealChecks: { k1: 'a' },
      sealsWith: 'k1',
    })
    await checkFixed(redis, keys, {
      partitions: 8,
      indexCheck: 'i',
      sealChecks: { k2: 'b', k1: 'a' },
      sealsWith: 'k2',
    })
  })

  describe('after resealing', () => {
    const old = { partitions: 8, indexCheck: 'i', sealChecks: { k1: 'a' }, sealsWith: 'k1' }
    const both = { ...old, sealChecks: { k2: 'b', k1: 'a' }, sealsWith: 'k2' }
    const next = { ...old, sealChecks: { k2: 'b' }, sealsWith: 'k2' }

    it('a start without the older key is let through, and not before', async () => {
      const keys = createKeys(uniquePrefix(), 8)
      await checkFixed(redis, keys, old)
      assert.equal(await readSealing(redis, keys), 'k1')
      await checkFixed(redis, keys, both)
      assert.equal(await readSealing(redis, keys), 'k2')
      await assert.rejects(checkFixed(redis, keys, next), /k1 is missing/)
      assert.deepEqual(await retireSealKeys(redis, keys, 'k2'), ['k1'])
      await checkFixed(redis, keys, next)
    })

    it('one that still has the older key configured does not ask for it again, unless it seals with it', async () => {
      const keys = createKeys(uniquePrefix(), 8)
      await checkFixed(redis, keys, both)
      await retireSealKeys(redis, keys, 'k2')
      await checkFixed(redis, keys, both)
      await checkFixed(redis, keys, next)
      await checkFixed(redis, keys, { ...both, sealsWith: 'k1' })
      await assert.rejects(checkFixed(redis, keys, next), /k1 is missing/)
    })
  })
})
