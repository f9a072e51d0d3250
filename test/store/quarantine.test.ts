import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Redis } from 'ioredis'
import { createIdMaker } from '../../src/domain/ids.ts'
import { createKeys, type Keys } from '../../src/store/keys.ts'
import { createQuarantine, type Quarantine } from '../../src/store/quarantine.ts'
import { loadScripts } from '../../src/store/scripts.ts'
import { createTestClients, uniquePrefix } from '../support/redis.ts'
import { keyring } from '../support/store.ts'

const dayMs = 86_400_000

describe('quarantine', () => {
  const clients = createTestClients()
  let redis: Redis
  let keys: Keys
  let now: number
  let quarantine: Quarantine

  before(async () => {
    redis = await clients.open()
  })
  beforeEach(() => {
    keys = createKeys(uniquePrefix(), 4)
    now = Date.now()
    const ids = createIdMaker(() => now, randomBytes)
    const limits = { keep: 5, days: 30 }
    const scripts = loadScripts(redis)
    quarantine = createQuarantine({ redis, scripts, keys, sealer: keyring, ids, limits, clock: () => now })
  })
  after(() => clients.closeAll())

  const refused = (digest: string, fields: object = {}) => ({
    account: 'zeno-main',
    reason: 'signature-wrong',
    source: '127.0.0.1',
    receivedAt: now,
    digest,
    path: '/callbacks/zeno-main',
    headers: { 'x-timestamp': 'now', authorization: 'Bearer planted', cookie: 'planted-cookie' },
    body: Buffer.from('{"planted":true}'),
    ...fields,
  })
  const accounts = ['zeno-main', 'other']
  const digests = async (limit = 100) =>
    (await quarantine.list({ accounts, limit })).entries.map(({ digest }) => digest)

  it('keeps what was refused with the reason, and everything that came over the wire sealed', async () => {
    await quarantine.keep(refused('d1'))
    const [entry] = (await quarantine.list({ accounts, limit: 10 })).entries
    assert.ok(entry)
    assert.match(entry.id, /^rc-/)
    const { reason, source, receivedAt, digest, bytes } = entry
    assert.deepEqual(
      [reason, source, receivedAt, digest, bytes],
      ['signature-wrong', '127.0.0.1', now, 'd1', 16],
    )
    const everything = JSON.stringify(await redis.hgetall(keys.quarantine('zeno-main')))
    assert.ok(!everything.includes('planted') && !everything.includes('Bearer'))
    const opened = quarantine.open(entry)
    assert.equal(opened?.body.toString(), '{"planted":true}')
    assert.equal(opened?.path, '/callbacks/zeno-main')
    assert.deepEqual(opened?.headers, { 'x-timestamp': 'now', authorization: 'Bearer planted' })
    assert.deepEqual(await quarantine.find(entry.id, accounts), entry)
  })

  it('does not open an entry under another id', async () => {
    await quarantine.keep(refused('d1'))
    await quarantine.keep(refused('d2'))
    const [second, first] = (await quarantine.list({ accounts, limit: 10 })).entries
    assert.ok(first?.sealed && second)
    const { sealed } = first
    assert.throws(() => quarantine.open({ ...second, sealed }), /cannot-unseal/)
  })

  it('keeps the newest of each account', async () => {
    for (let i = 0; i < 8; i++) await quarantine.keep(refused(`d${i}`))
    await quarantine.keep(refused('other', { account: 'other' }))
    assert.deepEqual(await digests(), ['other', 'd7', 'd6', 'd5', 'd4', 'd3'])
    assert.equal(await redis.hlen(keys.quarantine('zeno-main')), 5)
    assert.equal(await redis.zcard(keys.quarantineIndex('zeno-main')), 5)
  })

  it('lets go of what is too old: at the next one, and by itself', async () => {
    await quarantine.keep(refused('old'))
    const [old] = (await quarantine.list({ accounts, limit: 1 })).entries
    assert.ok(old)
    now += 29 * dayMs
    await quarantine.keep(refused('young'))
    assert.deepEqual(await digests(), ['young', 'old'])
    now += 2 * dayMs
    assert.deepEqual(await digests(), ['young'])
    assert.equal(await quarantine.find(old.id, accounts), undefined)
    await quarantine.keep(refused('youngest'))
    assert.equal(await redis.hexists(keys.quarantine('zeno-main'), old.id), 0)
    for (const key of [keys.quarantine('zeno-main'), keys.quarantineIndex('zeno-main')]) {
      const left = await redis.pttl(key)
      assert.ok(left > 29 * dayMs && left <= 30 * dayMs, String(left))
    }
  })

  it('shows page after page, each entry once', async () => {
    for (let i = 0; i < 4; i++) {
      await quarantine.keep(refused(`a${i}`))
      await quarantine.keep(refused(`b${i}`, { account: 'other' }))
    }
    const seen: string[] = []
    for (let after: string | undefined; ; ) {
      const page = await quarantine.list({ accounts, after, limit: 3 })
      seen.push(...page.entries.map(({ digest }) => digest))
      if (page.next === null) break
      after = page.next
    }
    assert.deepEqual(seen, ['b3', 'a3', 'b2', 'a2', 'b1', 'a1', 'b0', 'a0'])
  })

  it('notes a large body by its digest alone', async () => {
    await quarantine.keep(refused('large', { body: Buffer.alloc(16 * 1024 + 1) }))
    const [entry] = (await quarantine.list({ accounts, limit: 1 })).entries
    assert.ok(entry)
    assert.equal(entry.bytes, 16 * 1024 + 1)
    assert.equal(quarantine.open(entry), undefined)
    await quarantine.keep(refused('whole', { body: Buffer.alloc(16 * 1024) }))
    const [whole] = (await quarantine.list({ accounts, limit: 1 })).entries
    assert.equal(whole && quarantine.open(whole)?.body.length, 16 * 1024)
  })

  it('lets no more than a few wait, and forgets one that was taken out', async () => {
    await Promise.all(Array.from({ length: 200 }, (_, i) => quarantine.keep(refused(`d${i}`))))
    assert.equal((await digests())[0], 'd63')
    const [entry] = (await quarantine.list({ accounts, limit: 1 })).entries
    assert.ok(entry)
    await quarantine.remove(entry)
    assert.equal(await quarantine.find(entry.id, accounts), undefined)
    assert.equal((await digests())[0], 'd62')
  })
})
