import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { AppError } from '../../src/domain/errors.ts'
import { createKeys } from '../../src/store/keys.ts'
import { checkFixed } from '../../src/store/meta.ts'
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
        { partitions: 8, indexCheck: 'i', sealChecks: {} },
        { partitions: 16, indexCheck: 'i', sealChecks: {} },
      ),
      /first used with 8/,
    )
  })

  it('the seal keys: none may be missing or be another', async () => {
    const first = { partitions: 8, indexCheck: 'i', sealChecks: { k1: 'a' } }
    assert.match(await refusal(first, { partitions: 8, indexCheck: 'i', sealChecks: {} }), /k1 is missing/)
    assert.match(
      await refusal(first, { partitions: 8, indexCheck: 'i', sealChecks: { k1: 'b' } }),
      /k1 is not the one/,
    )
  })

  it('the index key', async () => {
    const first = { partitions: 8, indexCheck: 'i', sealChecks: {} }
    assert.match(await refusal(first, { ...first, indexCheck: 'j' }), /^seal\.indexKey: /)
  })

  it('a start that is refused leaves nothing behind that the next one could stumble over', async () => {
    const keys = createKeys(uniquePrefix(), 8)
    const first = { partitions: 8, indexCheck: 'i', sealChecks: { k1: 'a' } }
    await checkFixed(redis, keys, first)
    await assert.rejects(checkFixed(redis, keys, { ...first, sealChecks: { k2: 'b' } }))
    await checkFixed(redis, keys, first)
  })

  it('a new seal key may join', async () => {
    const keys = createKeys(uniquePrefix(), 8)
    await checkFixed(redis, keys, { partitions: 8, indexCheck: 'i', sealChecks: { k1: 'a' } })
    await checkFixed(redis, keys, { partitions: 8, indexCheck: 'i', sealChecks: { k2: 'b', k1: 'a' } })
  })
})
