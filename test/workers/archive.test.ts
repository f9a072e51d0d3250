import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { openDriftCase } from '../../src/domain/case.ts'
import { registerBatch } from '../../src/domain/decide-batch.ts'
import { type Step, step } from '../../src/domain/decision.ts'
import { AppError } from '../../src/domain/errors.ts'
import type { BatchId, IntentId, ReceiptId } from '../../src/domain/ids.ts'
import type { Intent } from '../../src/domain/intent.ts'
import type { Receipt } from '../../src/domain/receipt.ts'
import type { AccountProvider } from '../../src/providers/provider.ts'
import { createZenospay } from '../../src/providers/zenospay/index.ts'
import { describeDisbursement } from '../../src/sandbox/signed-callback.ts'
import { decodeStored, summaryOf } from '../../src/store/codec/codec.ts'
import { batchIdOf, transferIdOf } from '../../src/store/ids.ts'
import { createLease } from '../../src/store/lease.ts'
import { createLeaving, type Leaving } from '../../src/store/leaving.ts'
import { createLogLeaving } from '../../src/store/log-leaving.ts'
import { createOpenBody, createReceiptFinder } from '../../src/store/receipts.ts'
import { createTransferSearch } from '../../src/store/transfer-search.ts'
import { type Archived, createArchiveSweep } from '../../src/workers/archive.ts'
import type { Reconcile } from '../../src/workers/reconcile.ts'
import { createTestFeed } from '../support/feed.ts'
import { createTestClients } from '../support/redis.ts'
import {
  createTestReconcile,
  createTestStore,
  day,
  digestPerson,
  findTransfer,
  ids,
  keyring,
  readAllEvents,
  receiptOf,
  registerIn,
  registrationOf,
  type TestStore,
} from '../support/store.ts'
import { disbursement, newReference, testAccount } from '../support/zenospay.ts'

const account = testAccount.id
const zenospay = createZenospay(testAccount)
/** As if Zenospay told of returns. */
const returning: AccountProvider = {
  ...zenospay,
  translate(body) {
    const text = body.toString()
    const translation = zenospay.translate(Buffer.from(text.replace('"returned"', '"success"')))
    if (text.includes('"returned"') && translation.outcome === 'understood')
      Object.assign(translation.observation, { status: 'returned' })
    return translation
  },
}
const providers = new Map([[account, returning]])
const onFailure = (error: unknown) => {
  throw error
}
const never = new AbortController().signal

describe('the archive sweep', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore
  let reconcile: Reconcile
  /** Ahead of the clock on the wall, by which the log is numbered. */
  let ahead: number
  const clock = () => Date.now() + ahead

  before(async () => {
    redis = await clients.open()
  })
  beforeEach(async () => {
    ahead = 0
    store = createTestStore(redis)
    reconcile = createTestReconcile(store, { clock, providers })
    await redis.sadd(store.keys.accounts, account)
  })
  after(() => clients.closeAll())

  function createSweep({ finalDays = 90, receiptDays = 90, logDays = 1000, ...parts }: SweepFields = {}) {
    const { keys, archive } = store
    return createArchiveSweep({
      partitions: keys.partitions,
      leaving: createLeaving({ redis, keys }),
      log: createLogLeaving({ redis, keys }),
      archive,
      leaseOf: (partition) => createLease(redis, keys.archiving(partition), ids.jobId(), 60_000),
      retentionOf: () => ({ finalMs: finalDays * day, receiptMs: receiptDays * day }),
      logMs: logDays * day,
      clock,
      onFailure,
      ...parts,
    })
  }
  interface SweepFields {
    finalDays?: number
    receiptDays?: number
    logDays?: number
    leaving?: Leaving
    onFailure?: (error: unknown, about: object) => void
  }
  const sweep = (fields?: SweepFields): Promise<Archived> => createSweep(fields)(never)

  const callback = (reference: string, fields: Parameters<typeof disbursement>[0] = {}): Receipt =>
    receiptOf(
      describeDisbursement(disbursement({ reference, inquiryId: `inquiry-${reference}`, ...fields })),
      {
        receivedAt: clock(),
      },
    )
  const idOf = (reference: string) => transferIdOf(account, reference)

  /** A transfer that is settled by a callback. */
  async function settled(): Promise<{ reference: string; id: IntentId; receipt: Receipt }> {
    const reference = newReference()
    await registerIn(store, reference)
    const receipt = callback(reference)
    await reconcile.applyOne(receipt)
    return { reference, id: idOf(reference), receipt }
  }

  async function storedAt(id: IntentId) {
    const text = await redis.get(store.keys.intent(id))
    return text === null ? undefined : decodeStored(id, text)
  }

  const linesOf = (kind: string) => store.archive.lines.filter((line) => line.kind === kind)

  it('moves what was settled long enough ago, and leaves what stands for it', async () => {
    const { id, receipt } = await settled()
    const pending = newReference()
    await registerIn(store, pending)
    const before = await findTransfer(store, id)
    const kept = await store.intents.findReceipt(id, receipt.id)

    ahead = 89 * day
    assert.deepEqual(await sweep(), { intents: 0, receipts: 0, events: 0 })
    ahead = 91 * day
    assert.deepEqual(await sweep(), { intents: 1, receipts: 1, events: 0 })
    assert.deepEqual(await sweep(), { intents: 0, receipts: 0, events: 0 })

    const { keys } = store
    const partition = keys.partitionOf(id)
    const left = await storedAt(id)
    assert.ok(left?.form === 'tombstone')
    assert.deepEqual(summaryOf(left)?.amount, before.amount)
    assert.equal(summaryOf(left)?.state, 'succeeded')
    assert.equal(
      await redis.exists(keys.heard(id), keys.receipt(partition, receipt.id), keys.final(partition, account)),
      0,
    )
    assert.equal(await redis.zscore(keys.watch(partition, account), id), null)
    // All that was known of it is known still.
    assert.deepEqual(await findTransfer(store, id), before)
    assert.deepEqual(await store.intents.findReceipt(id, receipt.id), kept)
    const found = await createReceiptFinder(store).find(receipt.id)
    assert.deepEqual(found, { where: 'store', receipt: kept })
    assert.deepEqual(
      kept && (await createOpenBody({ ...store, sealer: keyring })(kept)),
      Buffer.from(keyring.open(receipt.body, `receipt:${receipt.id}`)),
    )
    assert.ok((await storedAt(idOf(pending)))?.form === 'record')
  })

  it('is still found by the number that was paid', async () => {
    const { id } = await settled()
    ahead = 91 * day
    await sweep()
    const search = createTransferSearch({ ...store, digestNumber: digestPerson })
    const { transfers } = await search.search({ number: '0000000000', limit: 10 })
    assert.deepEqual(
      transfers.map((one) => one.id),
      [id],
    )
  })

  it('never moves what is held or in a case', async () => {
    const { reference, id } = await settled()
    await reconcile.applyOne(callback(reference, { status: 'fail' }))
    assert.ok((await findTransfer(store, id)).hold)
    const other = await settled()
    const intent = await findTransfer(store, other.id)
    const drift = { code: 'own-books', reason: 'r', sequence: intent.sequence, receipts: [] } as const
    await store.intents.commit({
      before: intent,
      steps: [],
      because: { source: 'query' },
      case: { after: openDriftCase(intent, { ...drift, receipts: [] }, Date.now()) },
      at: Date.now(),
    })
    ahead = 1000 * day
    assert.equal((await sweep({ logDays: 4000 })).intents, 0)
  })

  it('leaves a second line and nothing else when it dies between the archive and Redis', async () => {
    const { id } = await settled()
    const before = await findTransfer(store, id)
    ahead = 91 * day
    const leaving = {
      ...createLeaving(store),
      leave: () => Promise.reject(new Error('killed')),
    }
    await assert.rejects(sweep({ leaving }), /killed/)
    assert.equal((await storedAt(id))?.form, 'record')
    assert.equal((await sweep()).intents, 1)
    assert.equal(linesOf('transfer').length, 2)
    assert.deepEqual(await findTransfer(store, id), before)
  })

  it('does not take away what changed after it was archived', async () => {
    const { reference, id } = await settled()
    ahead = 91 * day
    const real = createLeaving(store)
    const late = callback(reference, { updatedAt: Date.parse('2025-01-11T00:00:00+07:00') })
    const leaving: Leaving = {
      ...real,
      async leave(leavers) {
        // The record stays as it is; only its memory grows.
        assert.equal((await reconcile.applyOne(late)).outcome, 'repeat')
        return real.leave(leavers)
      },
    }
    assert.equal((await sweep({ leaving })).intents, 0)
    assert.equal((await storedAt(id))?.form, 'record')
    assert.ok(await store.intents.findReceipt(id, late.id))
    assert.equal((await sweep()).intents, 1)
    assert.equal((await sweep()).intents, 0)
    assert.ok(await store.intents.findReceipt(id, late.id))
  })

  it('lets nobody change what left meanwhile by what they knew of it before', async () => {
    const { id } = await settled()
    const before = await findTransfer(store, id)
    ahead = 91 * day
    await sweep()
    const returned = step('returned', before, { ...before, state: 'returned' as const }, clock())
    const because = { source: 'query' } as const
    const stale = await store.intents.commit({ before, steps: [returned], because, at: clock() })
    assert.equal(stale.outcome, 'moved-on')
    assert.equal((await storedAt(id))?.form, 'tombstone')
  })

  it('archives once where several do it', async () => {
    for (let i = 0; i < 10; i++) await settled()
    ahead = 91 * day
    const counts = await Promise.all([sweep(), sweep(), sweep()])
    assert.equal(
      counts.reduce((sum, { intents }) => sum + intents, 0),
      10,
    )
    assert.equal(linesOf('transfer').length, 10)
  })

  it('goes on behind those that have to stay, however many they are', async () => {
    const { reference, id } = await settled()
    for (let i = 0; i < 70; i++) {
      const intent = await findTransfer(store, (await settled()).id)
      const about = {
        code: 'own-books',
        reason: 'r',
        sequence: intent.sequence,
        receipts: [] as never[],
      } as const
      const after = openDriftCase(intent, about, Date.now())
      await store.intents.commit({
        before: intent,
        steps: [],
        because: { source: 'query' },
        case: { after },
        at: Date.now(),
      })
    }
    const last = await settled()
    ahead = 91 * day
    assert.equal((await sweep()).intents, 2)
    for (const each of [id, last.id]) assert.equal((await storedAt(each))?.form, 'tombstone')
    assert.ok(reference)
  })

  describe('what left', () => {
    let left: Awaited<ReturnType<typeof settled>>
    beforeEach(async () => {
      left = await settled()
      ahead = 91 * day
      await sweep()
    })

    it('is the same when it is registered again, and is never paid twice', async () => {
      const again = await registrationOf(store, left.reference)
      const other = await registrationOf(store, left.reference, { contentDigest: 'other' })
      const answer = await store.register(again)
      assert.equal(answer.outcome, 'exists')
      assert.equal(answer.outcome === 'exists' && answer.intent.state, 'succeeded')
      const conflict = (error: unknown) => error instanceof AppError && error.code === 'reference-conflict'
      await assert.rejects(store.register(other), conflict)
      store.archive.away = true
      await assert.rejects(store.register(other), conflict)
      await assert.rejects(
        store.register(again),
        (error) => error instanceof AppError && error.code === 'archive-unavailable',
      )
      assert.equal((await storedAt(left.id))?.form, 'tombstone')
    })

    it('comes back with its memory when it is returned months later, and leaves again in its time', async () => {
      const before = await findTransfer(store, left.id)
      const returned = callback(left.reference, { status: 'returned' })
      assert.equal((await reconcile.applyOne(returned)).outcome, 'applied')
      const after = await findTransfer(store, left.id)
      assert.deepEqual([after.state, after.sequence], ['returned', before.sequence + 1])
      assert.equal((await storedAt(left.id))?.form, 'record')
      assert.deepEqual(
        (await redis.hkeys(store.keys.heard(left.id))).sort(),
        [left.receipt.id, returned.id].sort(),
      )
      assert.ok(await store.intents.findReceipt(left.id, left.receipt.id), 'The one that left before.')
      assert.equal((await sweep()).intents, 0)
      ahead += 91 * day
      assert.deepEqual(await sweep(), { intents: 1, receipts: 1, events: 0 })
      assert.deepEqual(await findTransfer(store, left.id), after)
      for (const { id } of [returned, left.receipt]) assert.ok(await store.intents.findReceipt(left.id, id))
    })

    it('tells repeats apart all the same', async () => {
      const body = keyring.open(left.receipt.body, `receipt:${left.receipt.id}`)
      const windowMsOf = () => 120 * day
      const remembering = createTestReconcile(store, { clock, providers, windowMsOf })
      assert.equal((await remembering.applyOne(receiptOf(body, { receivedAt: clock() }))).outcome, 'repeat')
      const counts = await redis.hgetall(store.keys.repeats(store.keys.partitionOf(left.id)))
      assert.deepEqual(counts, { [`${account} identical`]: '1' })
    })

    it('is held when it is contradicted, with both sides', async () => {
      const outcome = await reconcile.applyOne(callback(left.reference, { amount: '1.00' }))
      assert.equal(outcome.outcome, 'held')
      const [loaded] = await store.intents.load([left.id])
      assert.ok(loaded?.outcome === 'found' && loaded.case?.kind === 'held')
      assert.equal(loaded.case.known, left.receipt.id)
      ahead += 1000 * day
      assert.equal((await sweep({ logDays: 4000 })).intents, 0)
    })

    it('is decided on by two at once as by one', async () => {
      const one = callback(left.reference, { status: 'returned' })
      const outcomes = await Promise.all([reconcile.applyOne(one), reconcile.applyOne(one)])
      assert.deepEqual(
        outcomes.map(({ outcome }) => outcome),
        ['applied', 'applied'],
      )
      const facts = (await readAllEvents(store)).map(({ fact }) => fact.name)
      assert.deepEqual(facts, ['registered', 'succeeded', 'returned'])
    })

    it('is not guessed about while the archive is away', async () => {
      const here = await settled()
      store.archive.away = true
      const returned = callback(left.reference, { status: 'returned' })
      const failed = await reconcile.applyAll([
        returned,
        callback(here.reference, { status: 'returned' }),
        { ...callback(left.reference), unverified: true },
      ])
      assert.deepEqual(
        failed.map(({ error }) => [error.code, error.retry]),
        [
          ['archive-unavailable', 'backoff'],
          ['archive-unavailable', 'backoff'],
        ],
      )
      assert.equal((await findTransfer(store, here.id)).state, 'returned')
      await assert.rejects(store.intents.find(left.id), /archive/i)
      store.archive.away = false
      assert.equal((await reconcile.applyOne(returned)).outcome, 'applied')
    })

    it('is not decided on by what is not its own line', async () => {
      const line = store.archive.lines.find(({ id }) => id === left.id)
      assert.ok(line)
      line.id = idOf('another')
      await assert.rejects(
        reconcile.applyOne(callback(left.reference, { status: 'returned' })),
        (error) => error instanceof AppError && error.code === 'archive-damaged',
      )
    })
  })

  it('lets receipts leave before what they are about', async () => {
    const { reference, id, receipt } = await settled()
    const before = await findTransfer(store, id)
    ahead = 39 * day
    const late = callback(reference, { updatedAt: Date.parse('2025-01-11T00:00:00+07:00') })
    await createTestReconcile(store, { clock, providers, windowMsOf: () => 400 * day }).applyOne(late)
    ahead = 41 * day
    const fields = { finalDays: 400, receiptDays: 40 }
    assert.deepEqual(await sweep(fields), { intents: 0, receipts: 1, events: 0 })
    assert.deepEqual(await sweep(fields), { intents: 0, receipts: 0, events: 0 })
    const { keys } = store
    const partition = keys.partitionOf(id)
    assert.equal(await redis.exists(keys.receipt(partition, receipt.id)), 0)
    assert.equal(await redis.exists(keys.receipt(partition, late.id)), 1)
    assert.equal((await store.intents.findReceipt(id, receipt.id))?.outcome, 'applied')
    assert.deepEqual(await findTransfer(store, id), before)
    const [loaded] = await store.intents.load([id])
    assert.equal(loaded?.outcome === 'found' && loaded.heard.length, 2)
    ahead = 401 * day
    assert.deepEqual(await sweep(fields), { intents: 1, receipts: 1, events: 0 })
    for (const one of [receipt, late]) assert.ok(await store.intents.findReceipt(id, one.id))
  })

  it('takes what proves nothing along', async () => {
    const { reference, id } = await settled()
    const unproved: Receipt = { ...callback(reference), unverified: true }
    assert.equal((await reconcile.applyOne(unproved)).outcome, 'unverified')
    const [loaded] = await store.intents.load([id])
    assert.equal(loaded?.outcome === 'found' && loaded.heard.length, 1)
    ahead = 91 * day
    assert.equal((await sweep()).receipts, 2)
    assert.equal((await store.intents.findReceipt(id, unproved.id))?.outcome, 'unverified')
  })

  it('keeps a batch for as long as a bank may send something of it back', async () => {
    const id = batchIdOf(account, newReference())
    const { intent, fact } = registerBatch(
      {
        id,
        account,
        reference: 'batch',
        name: 'n',
        remark: 'r',
        count: 1,
        amount: { minor: 1n, currency: 'IDR' },
        personal: { person: 'p', sealed: '' },
        contentDigest: 'd',
        wechatpay: { authorizationType: 'FUND_AUTHORIZATION_TYPE', subMchid: '1900001109' },
      },
      Date.now(),
    )
    await store.register({ fact, intent, because: { source: 'registration' }, at: Date.now() })
    const finished = step(
      'finished',
      intent as Intent,
      { ...intent, state: 'finished' } as Intent,
      Date.now(),
    )
    const because = { source: 'query' } as const
    await store.intents.commit({ before: intent, steps: [finished], because, at: Date.now() })
    ahead = 13 * day
    assert.equal((await sweep({ finalDays: 2, receiptDays: 2 })).intents, 0)
    ahead = 15 * day
    assert.equal((await sweep({ finalDays: 2, receiptDays: 2 })).intents, 1)
  })

  it('takes the list of a batch along, and brings it back', async () => {
    const id = batchIdOf(account, newReference())
    const members = Array.from({ length: 1200 }, (_, i) => `tr-${String(i).padStart(26, '0')}`)
    const { intent, fact } = registerBatch(
      {
        id,
        account,
        reference: 'batch',
        name: 'n',
        remark: 'r',
        count: 1,
        amount: { minor: 1n, currency: 'IDR' },
        personal: { person: 'p', sealed: '' },
        contentDigest: 'd',
      },
      Date.now(),
    )
    await store.register({ fact, intent, because: { source: 'registration' }, at: Date.now() })
    for (const [i, member] of members.entries())
      await redis.zadd(store.keys.members(id as BatchId), i, member)
    const finished = step(
      'finished',
      intent as Intent,
      { ...intent, state: 'finished' } as Intent,
      Date.now(),
    )
    const because = { source: 'query' } as const
    await store.intents.commit({ before: intent, steps: [finished], because, at: Date.now() })
    ahead = 91 * day
    assert.equal((await sweep()).intents, 1)
    assert.equal(await redis.exists(store.keys.members(id as BatchId)), 0)
    assert.deepEqual(await store.intents.listMembers(id as BatchId), members)
    const before = await store.intents.find(id)
    assert.ok(before)
    const amended: Step = step('amended', before, before, clock())
    const commit = await store.intents.commit({ before, steps: [amended], because, at: clock() })
    assert.equal(commit.outcome, 'committed')
    assert.deepEqual(await redis.zrange(store.keys.members(id as BatchId), 0, '-1'), members)
    assert.deepEqual(await store.intents.listMembers(id as BatchId), members)
  })

  describe('of the log', () => {
    const feed = () => createTestFeed(store, { openAllSecrets: async () => [], clock })
    const read = (after?: string, limit = 100) => feed().read({ after, limit, waitMs: 0, signal: never })
    const expired = (error: unknown) => error instanceof AppError && error.code === 'cursor-expired'

    it('moves the old entries, and says so to a reader who would miss them', async () => {
      for (let i = 0; i < 5; i++) await settled()
      const first = await read(undefined, 3)
      const atEnd = await read()
      ahead = 91 * day
      assert.equal((await sweep({ logDays: 90, finalDays: 1000, receiptDays: 1000 })).events, 10)
      assert.equal((await sweep({ logDays: 90, finalDays: 1000, receiptDays: 1000 })).events, 0)
      assert.deepEqual(
        linesOf('event')
          .map(({ id }) => id)
          .sort(),
        atEnd.events.map(({ id }) => id).sort(),
      )
      await assert.rejects(read(first.next), expired)
      assert.deepEqual((await read(atEnd.next)).events, [])
      const { reference } = await settled()
      assert.equal((await read(atEnd.next)).events.length, 2)
      const anew = await read(undefined, 1)
      assert.equal(anew.events[0]?.type, 'tallyhook.transfer.registered.v1')
      assert.equal((await read(anew.next)).events.length, 1)
      assert.ok(reference)
    })

    it('loses none when it dies between the archive and the log', async () => {
      await settled()
      ahead = 91 * day
      const log = createLogLeaving(store)
      const dying = createArchiveSweep({
        partitions: store.keys.partitions,
        leaving: createLeaving(store),
        log: { ...log, trim: () => Promise.reject(new Error('killed')) },
        archive: store.archive,
        leaseOf: (partition) => createLease(redis, store.keys.archiving(partition), ids.jobId(), 60_000),
        retentionOf: () => ({ finalMs: 1000 * day, receiptMs: 1000 * day }),
        logMs: day,
        clock,
        onFailure,
      })
      await assert.rejects(dying(never), /killed/)
      assert.equal((await read()).events.length, 2)
      assert.equal((await sweep({ logDays: 1, finalDays: 1000 })).events, 2)
      assert.equal(new Set(linesOf('event').map(({ id }) => id)).size, 2)
    })
  })

  it('goes on with the others where something is in the way', async () => {
    const all = await Promise.all(Array.from({ length: 12 }, settled))
    const [broken] = all
    assert.ok(broken)
    const partition = store.keys.partitionOf(broken.id)
    await redis.set(store.keys.intent(broken.id), '1 {"v":9}')
    ahead = 91 * day
    const failures: unknown[] = []
    const counts = await sweep({ logDays: 90, onFailure: (_, about) => failures.push(about) })
    assert.deepEqual(failures, [{ partition, account }])
    assert.equal(counts.intents, all.filter(({ id }) => store.keys.partitionOf(id) !== partition).length)
    assert.equal(counts.events, 24)
  })

  it('stops between two partitions when it is told to', async () => {
    await settled()
    ahead = 91 * day
    assert.equal((await createSweep()(AbortSignal.abort())).intents, 0)
  })

  it('gives a receipt of nothing of ours to nobody', async () => {
    assert.equal(await createReceiptFinder(store).find('rc-none' as ReceiptId), undefined)
  })
})
