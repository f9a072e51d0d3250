import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import type { BatchId } from '../../src/domain/ids.ts'
import { describeDisbursement } from '../../src/sandbox/signed-callback.ts'
import { createDueBatches } from '../../src/store/due-batches.ts'
import { memberIdOf } from '../../src/store/ids.ts'
import { createMembers } from '../../src/store/members.ts'
import { type AuditDeps, createAudit } from '../../src/workers/audit.ts'
import { batchesOf, requestOf } from '../support/batches.ts'
import { createMemoryLogger } from '../support/log.ts'
import { createTestClients } from '../support/redis.ts'
import {
  createTestReconcile,
  createTestStore,
  openReceiptOf,
  readAllEvents,
  type TestStore,
} from '../support/store.ts'
import { disbursement, testAccount } from '../support/zenospay.ts'

const account = testAccount.id
const hour = 60 * 60_000

describe('the audit', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore
  let logger: ReturnType<typeof createMemoryLogger>
  let now: number
  let id: BatchId
  before(async () => {
    redis = await clients.open()
  })
  beforeEach(async () => {
    store = createTestStore(redis)
    logger = createMemoryLogger()
    now = Date.now()
    const request = await requestOf(store, 'b-1', ['r-1', 'r-2', 'r-3'])
    id = request.id
    await batchesOf(store, redis).register(request)
  })
  after(() => clients.closeAll())

  const auditOf = (fields: Partial<AuditDeps> = {}) =>
    createAudit({
      intents: store.intents,
      members: createMembers(store),
      due: createDueBatches(store),
      everyMs: hour,
      clock: () => now,
      logger,
      ...fields,
    })
  const succeed = (reference: string) =>
    createTestReconcile(store).applyOne(
      openReceiptOf(describeDisbursement(disbursement({ reference, inquiryId: `of-${reference}` }))),
    )
  const drifts = async () =>
    (await readAllEvents(store))
      .filter(({ fact }) => fact.name === 'drifted')
      .map(({ because }) => because.source)

  it('finds books that are right to be right, and looks again after a while', async () => {
    const audit = auditOf()
    assert.equal(await audit(), 1)
    assert.equal(await audit(), 0)
    await succeed('r-1')
    now += hour + 1
    assert.equal(await audit(), 1)
    assert.deepEqual(await drifts(), [])
    assert.deepEqual(logger.lines, [])
  })

  for (const [title, corrupt] of [
    ['a count that is one too many', () => redis.hincrby(store.keys.totals(id), 'n:registered', 1)],
    ['an amount that is a cent short', () => redis.hincrby(store.keys.totals(id), 'm:registered', -1)],
    ['a transfer that is gone', () => redis.del(store.keys.intent(memberIdOf(id, 'r-2')))],
  ] as const) {
    it(`says of ${title}, once, with a case and an error in the log`, async () => {
      await corrupt()
      await auditOf()()
      now += hour + 1
      await auditOf()()
      assert.deepEqual(await drifts(), ['audit'])
      const { cases } = await store.cases.list({ account, limit: 10 })
      assert.deepEqual(
        cases.map(({ kind, code }) => `${kind} ${code}`),
        ['drifted own-books'],
      )
      assert.deepEqual(
        logger.lines.map(({ level, event }) => `${level} ${event}`),
        ['error batch.drifted'],
      )
    })
  }

  it('says it anew where it is wrong in another way', async () => {
    await redis.hincrby(store.keys.totals(id), 'n:registered', 1)
    await auditOf()()
    now += hour + 1
    await redis.hincrby(store.keys.totals(id), 'n:registered', 1)
    await auditOf()()
    assert.deepEqual(await drifts(), ['audit', 'audit'])
  })

  it('takes what moves while it reads for no drift', async () => {
    const members = createMembers(store)
    let moved = false
    const audit = auditOf({
      members: {
        async summarise(batch) {
          const all = await members.summarise(batch)
          if (!moved) await succeed('r-2')
          moved = true
          return all
        },
      },
    })
    assert.equal(await audit(), 1)
    assert.deepEqual(await drifts(), [])
  })

  it('comes to every batch, and lets go of one that has left', async () => {
    for (let n = 2; n < 8; n++)
      await batchesOf(store, redis).register(await requestOf(store, `b-${n}`, [`x-${n}`]))
    await redis.del(store.keys.intent(id))
    const audit = auditOf()
    let looked = 0
    for (let round = 0; round < 7; round++) looked += await audit()
    assert.equal(looked, 7)
    const places = await Promise.all([0, 1, 2, 3].map((p) => redis.zrange(store.keys.audits(p), '0', '-1')))
    assert.equal(places.flat().length, 6)
    assert.ok(!places.flat().includes(id))
  })
})
