import assert from 'node:assert/strict'
import { createKeys } from '../../src/store/keys.ts'
import { createQuarantine } from '../../src/store/quarantine.ts'
import { createTestClients, uniquePrefix } from '../support/redis.ts'
import { keyring } from '../support/store.ts'

describe('quarantine', () => {
  const clients = createTestClients()
  after(() => clients.closeAll())

  it('keeps what was refused, sealed, with the reason, and the newest thousand or so', async () => {
    const redis = await clients.open()
    const keys = createKeys(uniquePrefix(), 4)
    const quarantine = createQuarantine({ redis, keys, sealer: keyring })
    const refused = {
      account: 'zeno-main',
      reason: 'signature-wrong',
      source: '127.0.0.1',
      receivedAt: 1,
      digest: 'digest-1',
      headers: { 'x-timestamp': 'now' },
      body: Buffer.from('{"planted":true}'),
    }
    await quarantine.keep(refused)
    const [[, [, text = ''] = []] = ['', []]] = await redis.xrange(keys.quarantine('zeno-main'), '-', '+')
    const kept = JSON.parse(text) as { reason: string; bytes: number; body: string }
    assert.equal(kept.reason, 'signature-wrong')
    assert.equal(kept.bytes, refused.body.length)
    assert.ok(!text.includes('planted'))
    assert.deepEqual(keyring.open(kept.body, 'quarantine:digest-1'), refused.body)

    for (let i = 0; i < 25; i++) await Promise.all(Array.from({ length: 50 }, () => quarantine.keep(refused)))
    const length = await redis.xlen(keys.quarantine('zeno-main'))
    assert.ok(length >= 1000 && length < 1200, `${length} were kept`)
  })

  it('notes a large body by its digest alone', async () => {
    const redis = await clients.open()
    const keys = createKeys(uniquePrefix(), 4)
    const quarantine = createQuarantine({ redis, keys, sealer: keyring })
    const body = Buffer.alloc(100_000)
    await quarantine.keep({
      account: 'a',
      reason: 'r',
      source: 's',
      receivedAt: 1,
      digest: 'd',
      headers: {},
      body,
    })
    const [[, [, text = ''] = []] = ['', []]] = await redis.xrange(keys.quarantine('a'), '-', '+')
    assert.ok(text.length < 500)
    assert.equal((JSON.parse(text) as { bytes: number }).bytes, 100_000)
  })
})
