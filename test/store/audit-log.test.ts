import assert from 'node:assert/strict'
import type { AuditedAction } from '../../src/domain/audit.ts'
import type { RedisClient } from '../../src/redis/client.ts'
import { createChain } from '../../src/store/audit-chain.ts'
import { createAuditLog } from '../../src/store/audit-log.ts'
import { createAuditReading } from '../../src/store/audit-reading.ts'
import { createKeys } from '../../src/store/keys.ts'
import { loadScripts } from '../../src/store/scripts.ts'
import { createTestClients, uniquePrefix } from '../support/redis.ts'

describe('the audit log', () => {
  const clients = createTestClients()
  let redis: RedisClient
  let now: number
  let keys: ReturnType<typeof createKeys>
  const chain = createChain(new Uint8Array(32).fill(7))

  before(async () => {
    redis = await clients.open()
    loadScripts(redis)
  })
  after(() => clients.closeAll())
  beforeEach(() => {
    now = 1_000
    keys = createKeys(uniquePrefix(), 2)
  })

  const openLog = () => createAuditLog({ redis, keys, chain, clock: () => now })
  const reading = (scannedMax?: number) =>
    createAuditReading({ redis, keys, chain, ...(scannedMax && { scannedMax }) })
  const resolve = (target: string, who = 'night'): AuditedAction => ({
    who,
    via: 'token',
    action: 'case.resolve',
    target,
    reason: 'the bank said so',
  })

  async function act(target: string, log = openLog()): Promise<void> {
    await log.end(await log.ask(resolve(target)), { outcome: 'done', status: 200 })
  }

  it('tells of an action once, when it was asked and how it ended', async () => {
    const log = openLog()
    const asked = await log.ask(resolve('case-1'))
    const open = await reading().list({ limit: 10 })
    assert.deepEqual(
      open.entries.map(({ number, phase, outcome }) => [number, phase, outcome]),
      [[1, 'asked', undefined]],
    )
    now = 2_000
    await log.end(asked, { outcome: 'done', status: 200, before: { state: 'open' } })
    const { entries } = await reading().list({ limit: 10 })
    assert.deepEqual(entries, [
      {
        ...resolve('case-1'),
        number: 2,
        phase: 'ended',
        asked: 1,
        askedAt: 1_000,
        at: 2_000,
        outcome: 'done',
        status: 200,
        before: { state: 'open' },
      },
    ])
  })

  it('an action that was cut off stays in sight as one that has not ended, on whichever page', async () => {
    await openLog().ask(resolve('cut-off'))
    for (let i = 0; i < 5; i++) await act(`case-${i}`)
    const targets: (string | undefined)[] = []
    let before: number | undefined
    do {
      const page = await reading().list({ limit: 2, before })
      targets.push(...page.entries.map(({ target }) => target))
      before = page.next ?? undefined
    } while (before !== undefined)
    assert.deepEqual(targets, ['case-4', 'case-3', 'case-2', 'case-1', 'case-0', 'cut-off'])
  })

  it('is one chain whoever writes, and however many at once', async () => {
    const logs = [openLog(), openLog(), openLog()]
    await Promise.all(Array.from({ length: 60 }, (_, i) => act(`case-${i}`, logs[i % 3])))
    const verdict = await reading().verify()
    assert.ok(verdict.outcome === 'intact')
    assert.equal(verdict.entries, 120)
    const { entries } = await reading().list({ limit: 100 })
    assert.equal(new Set(entries.map(({ target }) => target)).size, 60)
  })

  it('finds who, what and to what, in pages that look at a bounded number', async () => {
    for (let i = 0; i < 4; i++) await act(`case-${i}`)
    await openLog().note({ ...resolve('case-9', 'day'), action: 'account.pause' }, { outcome: 'refused' })
    const found = async (wanted: object) =>
      (await reading().list({ limit: 10, ...wanted })).entries.map(({ target }) => target)
    assert.deepEqual(await found({ who: 'day' }), ['case-9'])
    assert.deepEqual(await found({ action: 'account.pause' }), ['case-9'])
    assert.deepEqual(await found({ target: 'case-2' }), ['case-2'])
    assert.deepEqual(await found({ who: 'nobody' }), [])
    const page = await reading(2).list({ limit: 10, who: 'nobody' })
    assert.equal(page.entries.length, 0)
  })

  it('shows what was changed, taken out, put in or cut off', async () => {
    for (let i = 0; i < 3; i++) await act(`case-${i}`)
    const whole = await reading().verify()
    assert.ok(whole.outcome === 'intact' && whole.head.number === 6)
    const entries = await redis.xrange(keys.audit, '-', '+')
    const restore = async (changed: typeof entries) => {
      await redis.del(keys.audit)
      for (const [id, fields] of changed) await redis.xadd(keys.audit, id, ...fields)
    }
    const at = async () => {
      const verdict = await reading().verify()
      return verdict.outcome === 'broken' ? verdict.at : undefined
    }

    await restore(
      entries.map(([id, f]) => [id, id === '4-0' ? f.map((t) => t.replace('night', 'other')) : f]),
    )
    assert.equal(await at(), 4)
    await restore(entries.filter(([id]) => id !== '3-0'))
    assert.equal(await at(), 3)
    await restore(entries.slice(0, 5))
    assert.equal(await at(), 6)
    await restore([...entries.slice(0, 4), ['5-0', entries[5]?.[1] ?? []], ['6-0', entries[4]?.[1] ?? []]])
    assert.equal(await at(), 5)
    await restore([])
    assert.equal(await at(), 1)
    await restore(entries)
    assert.equal(await at(), undefined)

    // Without the key nobody makes a mark; with the head set back the newest are gone unseen, but not by who noted it.
    const [, last] = entries
    await restore(entries.slice(0, 2))
    await redis.set(keys.auditHead, `2 ${last?.[1][3]}`)
    assert.equal((await reading().verify()).outcome, 'intact')
    const noted = await reading().verify(whole.head)
    assert.equal(noted.outcome, 'broken')
  })

  it('lets go of what is too old, and what is left can still be verified', async () => {
    for (let i = 0; i < 3; i++) await act(`case-${i}`)
    await openLog().ask(resolve('cut-off'))
    now = 50_000
    await act('young')
    assert.equal(await reading().trim(10_000), 7)
    assert.equal(await reading().trim(10_000), 0)
    const verdict = await reading().verify()
    assert.ok(verdict.outcome === 'intact')
    assert.deepEqual([verdict.entries, verdict.from], [2, 8])
    assert.deepEqual(
      (await reading().list({ limit: 10 })).entries.map(({ target }) => target),
      ['young'],
    )
    await act('next')
    assert.equal((await reading().verify()).outcome, 'intact')
    await redis.xdel(keys.audit, '8-0')
    assert.equal((await reading().verify()).outcome, 'broken')
  })
})
