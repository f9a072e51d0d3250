import assert from 'node:assert/strict'
import { findWeaknesses, isFull, type RedisSettings, readMemoryUse } from '../../src/queue/durability.ts'

const strong: RedisSettings = {
  appendonly: 'yes',
  appendfsync: 'always',
  'no-appendfsync-on-rewrite': 'no',
  maxmemory: '104857600',
  'maxmemory-policy': 'noeviction',
}
const always = { fsync: 'always', replicas: 0, onWeaker: 'refuse' } as const

describe('durability of Redis settings', () => {
  it('finds nothing where nothing can be lost', () => {
    assert.deepEqual(findWeaknesses(strong, always), [])
  })

  const weaker: [RedisSettings, RegExp][] = [
    [{ appendonly: 'no' }, /appendonly must be yes/],
    [{ appendfsync: 'everysec' }, /appendfsync must be always/],
    [{ appendfsync: 'no' }, /appendfsync must be always/],
    [{ 'no-appendfsync-on-rewrite': 'yes' }, /no-appendfsync-on-rewrite must be no/],
    [{ 'maxmemory-policy': 'allkeys-lru' }, /must be noeviction/],
    [{ maxmemory: '0' }, /maxmemory must be set/],
  ]
  for (const [change, finding] of weaker) {
    it(`finds ${JSON.stringify(change)}`, () => {
      assert.match(findWeaknesses({ ...strong, ...change }, always).join(), finding)
    })
  }

  it('allows a second of loss where the configuration says so, and no more', () => {
    const policy = { fsync: 'everysec', replicas: 0, onWeaker: 'refuse' } as const
    assert.deepEqual(findWeaknesses({ ...strong, appendfsync: 'everysec' }, policy), [])
    assert.deepEqual(findWeaknesses(strong, policy), [])
    assert.match(findWeaknesses({ ...strong, appendfsync: 'no' }, policy).join(), /appendfsync/)
  })

  it('does not take a server that cannot be asked for a safe one', () => {
    assert.match(findWeaknesses({}, always).join(), /cannot be checked/)
  })

  it('is full above 85 % of maxmemory, not counting the buffers', () => {
    const use = (used: number, buffers: number) =>
      readMemoryUse(
        `# Memory\r\nused_memory:${used}\r\nmaxmemory:1000\r\nmem_not_counted_for_evict:${buffers}\r\n`,
      )
    assert.equal(isFull(use(851, 0)), true)
    assert.equal(isFull(use(850, 0)), false)
    assert.equal(isFull(use(900, 100)), false)
    assert.equal(isFull({ usedBytes: 10, maxBytes: 0 }), false)
  })
})
