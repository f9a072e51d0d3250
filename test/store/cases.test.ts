import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import type { ByPerson, Failure } from '../../src/domain/case.ts'
import { AppError } from '../../src/domain/errors.ts'
import { caseIdOfReceipt } from '../../src/domain/ids.ts'
import { type Cases, createCases } from '../../src/store/cases.ts'
import { createKeys, type Keys } from '../../src/store/keys.ts'
import { commitCommand, loadScripts } from '../../src/store/scripts.ts'
import { createTestClients, uniquePrefix } from '../support/redis.ts'
import { ids } from '../support/store.ts'

const byOps: ByPerson = { resolution: 'by-person', resolvedBy: 'ops', resolvedBecause: 'paid by hand' }

describe('cases', () => {
  const clients = createTestClients()
  let redis: Redis
  let keys: Keys
  let cases: Cases
  let now: number

  before(async () => {
    redis = await clients.open()
    loadScripts(redis)
  })
  beforeEach(() => {
    now = 1_800_000_000_000
    // In one partition, so that the limit is one.
    keys = createKeys(uniquePrefix(), 1)
    cases = createCases({ redis, keys, clock: () => now, resolvedMax: 3 })
  })
  after(() => clients.closeAll())

  const failureOf = (account = 'wx-test'): Failure => ({
    account,
    receipt: ids.receiptId(),
    code: 'callback-not-understood',
    reason: 'No APIv3 key opens it.',
  })
  async function opened(account?: string): Promise<Failure & { id: ReturnType<typeof caseIdOfReceipt> }> {
    const failure = failureOf(account)
    await cases.open(failure)
    now++
    return { ...failure, id: caseIdOfReceipt(failure.receipt) }
  }
  const idsOf = async (asked: Partial<Parameters<Cases['list']>[0]> = {}) =>
    (await cases.list({ limit: 100, ...asked })).cases.map(({ id }) => id)

  it('are opened once, however often and however many at once', async () => {
    const failure = failureOf()
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => cases.open(failure)))
    assert.equal(outcomes.filter((outcome) => outcome === 'opened').length, 1)
    const id = caseIdOfReceipt(failure.receipt)
    const one = { ...failure, id, kind: 'callback-not-applied', state: 'open', openedAt: now, sequence: 1 }
    now += 5
    assert.equal(await cases.open(failure), 'open-before')
    assert.deepEqual((await cases.list({ limit: 10 })).cases, [one])
    assert.deepEqual(await cases.find(id), one)
    assert.equal(await cases.find(caseIdOfReceipt(ids.receiptId())), undefined)
    assert.equal(await redis.zcard(keys.casesIn(0, 'wx-test', 'open')), 1)
  })

  it('say what their receipt failed of last, in their old place', async () => {
    const first = await opened()
    const second = await opened()
    assert.equal(await cases.open({ ...first, code: 'cannot-unseal', reason: 'No key.' }), 'open-before')
    assert.deepEqual(await idsOf(), [second.id, first.id])
    assert.equal((await cases.find(first.id))?.reason, 'No key.')
  })

  it('move from one state to the other and back', async () => {
    const { id, ...failure } = await opened()
    assert.equal((await cases.resolve(id, byOps))?.outcome, 'resolved')
    assert.deepEqual([await idsOf({ state: 'open' }), await idsOf({ state: 'resolved' })], [[], [id]])
    assert.equal((await cases.resolve(id, byOps))?.outcome, 'resolved-before')
    assert.equal((await cases.resolve(id, { ...byOps, resolvedBy: 'other' }))?.outcome, 'resolved-otherwise')
    assert.equal(await cases.settle(failure.receipt), 'nothing-open')

    assert.equal(await cases.open({ ...failure, reason: 'Again.' }), 'opened')
    assert.deepEqual([await idsOf({ state: 'open' }), await idsOf({ state: 'resolved' })], [[id], []])
    assert.equal(await cases.settle(failure.receipt), 'resolved')
    const settled = await cases.find(id)
    assert.ok(settled?.state === 'resolved')
    assert.equal(settled.resolution, 'applied')
  })

  it('are settled only where there are some, and resolved only where they are', async () => {
    assert.equal(await cases.settle(ids.receiptId()), 'nothing-open')
    assert.equal(await cases.resolve(caseIdOfReceipt(ids.receiptId()), byOps), undefined)
    assert.deepEqual(await redis.keys(`${keys.meta.split(':')[0]}:*`), [])
  })

  it('are kept while they are open; of the resolved ones the newest of each account', async () => {
    const kept = await opened('other')
    await cases.resolve(kept.id, byOps)
    const all = []
    for (let i = 0; i < 7; i++) all.push(await opened())
    // The oldest is resolved last: it is the resolution's age that counts.
    const order = [all[1], all[2], all[3], all[4], all[0]]
    for (const one of order) {
      assert.ok(one)
      await cases.resolve(one.id, byOps)
      now++
    }
    assert.deepEqual(await idsOf({ account: 'wx-test', state: 'open' }), [all[6]?.id, all[5]?.id])
    assert.deepEqual(await idsOf({ account: 'wx-test', state: 'resolved' }), [
      all[0]?.id,
      all[4]?.id,
      all[3]?.id,
    ])
    assert.equal(await redis.hlen(keys.cases(0)), 6)
    assert.deepEqual(await idsOf({ account: 'other' }), [kept.id])
  })

  it('are listed page after page, each once, over accounts and states, also of the same millisecond', async () => {
    const all: string[] = []
    for (let i = 0; i < 4; i++) {
      for (const account of ['wx-test', 'other']) {
        const failure = failureOf(account)
        await cases.open(failure)
        all.push(caseIdOfReceipt(failure.receipt))
      }
    }
    const [first] = (await cases.list({ account: 'other', limit: 1 })).cases
    assert.ok(first)
    await cases.resolve(first.id, byOps)
    const seen: string[] = []
    for (let after: string | undefined; ; ) {
      const page = await cases.list({ after, limit: 3 })
      seen.push(...page.cases.map(({ id }) => id))
      if (page.next === null) break
      assert.equal(page.cases.length, 3)
      after = page.next
    }
    assert.deepEqual(seen, all.sort().reverse())
  })

  it('are not written over what somebody else made of them meanwhile, and give up on one that never rests', async () => {
    const failure = failureOf()
    let races = 1
    const quicker: Redis = Object.create(redis, {
      [commitCommand]: { value: async () => (races-- > 0 ? [[1, '']] : [[0]]) },
    })
    const racing = createCases({ redis: quicker, keys, clock: () => now })
    assert.equal(await racing.open(failure), 'opened')
    assert.equal(races, -1)
    races = Number.POSITIVE_INFINITY
    await assert.rejects(
      racing.open(failure),
      (error) => error instanceof AppError && error.code === 'commit-contended',
    )
  })
})
