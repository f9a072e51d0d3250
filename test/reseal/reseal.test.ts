import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type Job, Queue, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import type { TransferId } from '../../src/domain/ids.ts'
import type { Receipt } from '../../src/domain/receipt.ts'
import { createFeed } from '../../src/events/feed.ts'
import { createZenospay } from '../../src/providers/zenospay/index.ts'
import { groupJob, sealedGroupJob, singleJob } from '../../src/queue/catalogue.ts'
import { readCallbackJob, takeReceipts } from '../../src/queue/job-data.ts'
import { type Changes, createChanges } from '../../src/reseal/changes.ts'
import { createInHand, queueKeysOf } from '../../src/reseal/in-hand.ts'
import { type Pass, runPass } from '../../src/reseal/pass.ts'
import { type ResealDeps, type ResealOutcome, reseal } from '../../src/reseal/reseal.ts'
import { describeDisbursement } from '../../src/sandbox/signed-callback.ts'
import { createKeyring, type Keyring, sealedUnder } from '../../src/seal/keyring.ts'
import { createEventLog } from '../../src/store/event-log.ts'
import { createKeys, type Keys, transferIdOf } from '../../src/store/keys.ts'
import { createQuarantine } from '../../src/store/quarantine.ts'
import { createQueriesWanted } from '../../src/store/queries-wanted.ts'
import { createReadyReceipts } from '../../src/store/ready-receipts.ts'
import { rewriteLog } from '../../src/store/rewrite-log.ts'
import { loadScripts } from '../../src/store/scripts.ts'
import { createTransferStore, type TransferStore } from '../../src/store/transfers.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'
import { createReadyPump } from '../../src/workers/ready-pump.ts'
import { createReconcile } from '../../src/workers/reconcile.ts'
import { createReconcileWorker } from '../../src/workers/reconcile-worker.ts'
import { createTestCases } from '../support/cases.ts'
import { createTestClients, uniquePrefix } from '../support/redis.ts'
import { digestNumber, ids, registrationOf } from '../support/store.ts'
import { until } from '../support/until.ts'
import { disbursement, newReference, testAccount } from '../support/zenospay.ts'

const k1 = { id: 'k1', key: new Uint8Array(randomBytes(32)) }
const k2 = { id: 'k2', key: new Uint8Array(randomBytes(32)) }
const older = createKeyring([k1])
const both = createKeyring([k2, k1])
const newer = createKeyring([k2])
const account = testAccount.id

describe('resealing', function () {
  this.timeout(60_000)
  const clients = createTestClients()
  let redis: Redis
  let prefix: string
  let keys: Keys
  let queue: Queue
  const running: { stop(): Promise<unknown> }[] = []

  before(async () => {
    redis = await clients.open()
  })
  beforeEach(async () => {
    prefix = uniquePrefix()
    keys = createKeys(prefix, 4)
    queue = new Queue('callbacks', { connection: await clients.open(), prefix: `{${prefix}:q}` })
  })
  afterEach(async () => {
    for (const part of running.splice(0).reverse()) await part.stop()
    await queue.close()
  })
  after(() => clients.closeAll())

  const storeWith = (sealer: Keyring): TransferStore =>
    createTransferStore({ redis, scripts: loadScripts(redis), keys, sealer, digestNumber })
  const quarantineWith = (sealer: Keyring) =>
    createQuarantine({
      redis,
      scripts: loadScripts(redis),
      keys,
      sealer,
      ids,
      limits: { keep: 100, days: 30 },
      clock: Date.now,
    })
  const queues = () => [queueKeysOf(`{${prefix}:q}`, 'callbacks')]
  const changesOf = (ring: Keyring, current = 'k2') => createChanges({ ...ring, sealedUnder, current })

  function receiptOf(reference: string, ring: Keyring): Receipt {
    const id = ids.receiptId()
    const body = ring.seal(Buffer.from(describeDisbursement(disbursement({ reference }))), `receipt:${id}`)
    return { id, account, receivedAt: 1, keyId: 'k', digest: 'd', headers: {}, body }
  }

  async function onePass(changes: Changes = changesOf(both)): Promise<Pass> {
    const scripts = loadScripts(redis)
    return runPass({ redis, scripts, keys, queues: queues(), changes, onProgress: () => {} })
  }

  function run(fields: Partial<ResealDeps> = {}): Promise<ResealOutcome> {
    return reseal({
      pass: () => onePass(),
      inHand: createInHand(redis, queues()),
      pause: (ms) => new Promise((resolve) => setTimeout(resolve, Math.min(ms, 10))),
      settleMs: 10,
      onPass: () => {},
      ...fields,
    })
  }

  /** Everything that is there, as text. */
  async function dump(): Promise<string> {
    const texts: string[] = []
    for (const key of await redis.keys(`*${prefix}*`)) {
      const type = await redis.type(key)
      if (type === 'string') texts.push((await redis.get(key)) ?? '')
      if (type === 'hash') texts.push(JSON.stringify(await redis.hgetall(key)))
      if (type === 'stream') texts.push(JSON.stringify(await redis.xrange(key, '-', '+')))
    }
    return texts.join('\n')
  }

  const readLog = async (ring: Keyring) =>
    createEventLog({ redis, keys, sealer: ring }).readAfter(['0-0', '0-0', '0-0', '0-0'], 100_000)
  const lastIds = () =>
    Promise.all(
      [0, 1, 2, 3].map(async (partition) => {
        const info = (await redis.xinfo('STREAM', keys.events(partition))) as unknown[]
        return info[info.indexOf('last-generated-id') + 1]
      }),
    )

  /** One of each thing that is sealed, under the older key. */
  async function fill() {
    const store = storeWith(older)
    const transfers: TransferId[] = []
    const receipts: Receipt[] = []
    for (let i = 0; i < 40; i++) {
      const event = registrationOf(newReference())
      await store.register(event)
      transfers.push(event.transfer.id)
      const receipt = receiptOf(event.transfer.reference, older)
      receipts.push(receipt)
      const request = { before: event.transfer, event: undefined, receipt, result: 'repeat', at: 1 } as const
      await store.commit(request)
    }
    const parkedFor = newReference()
    const parked = receiptOf(parkedFor, older)
    await store.park(transferIdOf(account, parkedFor), parked)
    const readyFor = newReference()
    const ready = receiptOf(readyFor, older)
    await store.park(transferIdOf(account, readyFor), ready)
    await store.register(registrationOf(readyFor))
    const waiting = [receiptOf(newReference(), older), receiptOf(newReference(), older)]
    const group = groupJob(ids.jobId(), waiting)
    await queue.add(group.name, group.data, group.opts)
    const later = singleJob(receiptOf(newReference(), older))
    await queue.add(later.name, later.data, { ...later.opts, delay: 3_600_000 })
    await quarantineWith(older).keep({
      account: 'not-configured-any-more',
      reason: 'signature-wrong',
      source: 's',
      receivedAt: 1,
      digest: 'd',
      path: '/p',
      headers: {},
      body: Buffer.from('planted'),
    })
    return { transfers, receipts, parked, ready, waiting, readyFor }
  }

  it('moves everything, so that the newer key alone opens it', async () => {
    const world = await fill()
    const logBefore = await readLog(both)
    const lastBefore = await lastIds()
    assert.match(await dump(), /s1\.k1\./)

    const result = await run()
    assert.equal(result.outcome, 'clean')
    assert.deepEqual(result.moved, {
      parked: 1,
      ready: 1,
      quarantine: 1,
      jobs: 2,
      transfers: 41,
      receipts: 40,
      events: 41,
    })
    assert.doesNotMatch(await dump(), /s1\.k1\./)

    const store = storeWith(newer)
    for (const [i, id] of world.transfers.entries()) {
      const transfer = await store.find(id)
      assert.equal(transfer?.beneficiary.kind === 'bank' && transfer.beneficiary.name, 'John Doe')
      const receipt = world.receipts[i]
      assert.ok(receipt)
      const stored = await store.findReceipt(id, receipt.id)
      assert.deepEqual(
        newer.open(stored?.body ?? '', `receipt:${receipt.id}`),
        older.open(receipt.body, `receipt:${receipt.id}`),
      )
      assert.deepEqual({ ...stored, body: '' }, { ...stored, ...receipt, body: '' })
    }
    const readyNow: Receipt[] = []
    await createReadyReceipts({ redis, keys }).pump(async (found) => void readyNow.push(...found))
    assert.deepEqual(
      readyNow.map(({ id }) => id),
      [world.ready.id],
    )
    const [entry] = (await quarantineWith(newer).list({ accounts: ['not-configured-any-more'], limit: 1 }))
      .entries
    assert.equal(entry && quarantineWith(newer).open(entry)?.body.toString(), 'planted')
    const [job] = await queue.getWaiting()
    assert.ok(job)
    assert.deepEqual(
      (job.data.receipts as Receipt[]).map(({ id }) => id),
      world.waiting.map(({ id }) => id),
    )

    // The same positions with the same events, and the next one goes on from there.
    assert.deepEqual(await readLog(newer), logBefore)
    assert.deepEqual(await lastIds(), lastBefore)
    assert.deepEqual(await redis.keys(`${prefix}:*events-*`), [])
  })

  it('leaves a reader where it stands: the same cursor goes on with the same event', async () => {
    await fill()
    const feedWith = (sealer: Keyring) =>
      createFeed({
        log: createEventLog({ redis, keys, sealer }),
        waitForGrowth: async () => {},
        clock: Date.now,
      })
    const page = (sealer: Keyring, after?: string) =>
      feedWith(sealer).read({ after, limit: 10, waitMs: 0, signal: new AbortController().signal })
    const first = await page(both)
    const second = await page(both, first.next)
    assert.equal((await run()).outcome, 'clean')
    assert.deepEqual(await page(newer, first.next), second)
    const end = (
      await feedWith(newer).read({
        after: second.next,
        limit: 1000,
        waitMs: 0,
        signal: new AbortController().signal,
      })
    ).next
    const event = registrationOf(newReference())
    await storeWith(newer).register(event)
    const { events } = await page(newer, end)
    assert.deepEqual(
      events.map(({ subject }) => subject),
      [event.transfer.id],
    )
  })

  it('does nothing a second time', async () => {
    await fill()
    await run()
    const written = await dump()
    const again = await run()
    assert.ok(again.outcome === 'clean' && again.passes === 2)
    assert.deepEqual(new Set(Object.values(again.moved)), new Set([0]))
    assert.equal(await dump(), written)
  })

  it('loses and doubles nothing of what happens meanwhile', async () => {
    await fill()
    const live = storeWith(both)
    const addJobs = (jobs: { name: string; data: object; opts: object }[]) => queue.addBulk(jobs)
    const reconcile = createReconcile({
      providers: new Map([[account, createZenospay(testAccount)]]),
      sealer: both,
      transfers: live,
      transferIdOf,
      queriesWanted: createQueriesWanted({ redis, keys }),
      clock: Date.now,
      logger: silentLogger,
    })
    running.push(
      createReconcileWorker({
        reconcile,
        sealer: both,
        addJobs,
        cases: createTestCases(redis).cases,
        connection: await clients.open(),
        prefix: `{${prefix}:q}`,
        concurrency: 8,
        random: Math.random,
        logger: silentLogger,
      }),
    )
    const pump = createReadyPump({ ready: createReadyReceipts({ redis, keys }), addJobs, ids })

    let writing = true
    const references: string[] = []
    async function write(): Promise<void> {
      while (writing && references.length < 400) {
        const reference = newReference()
        const number = references.push(reference)
        // Every other callback comes before its transfer, and some are still under the older key.
        const job = groupJob(ids.jobId(), [receiptOf(reference, number % 3 === 0 ? older : both)])
        if (number % 2 === 0) await addJobs([job])
        await live.register(registrationOf(reference))
        if (number % 2 === 1) await addJobs([job])
        await pump()
      }
    }
    const writers = [write(), write()]
    await until('the writers', () => references.length > 20)
    const first = await onePass()
    const second = await onePass()
    writing = false
    await Promise.all(writers)
    assert.ok(first.moved.events > 0 && first.moved.transfers > 0)
    assert.deepEqual([first.failed, second.failed], [[], []])
    await until('the workers', async () => {
      await pump()
      const { waiting, active } = await queue.getJobCounts('waiting', 'active')
      return waiting === 0 && active === 0
    })
    assert.equal((await run()).outcome, 'clean')
    assert.doesNotMatch(await dump(), /s1\.k1\./)

    const store = storeWith(newer)
    const log = (await readLog(newer)).flat()
    for (const reference of references) {
      const transfer = await store.find(transferIdOf(account, reference))
      assert.equal(transfer?.state, 'succeeded', reference)
      const sequences = log
        .filter(({ event }) => event.transfer.reference === reference)
        .map(({ event }) => event.transfer.sequence)
      assert.deepEqual(sequences, [1, 2])
    }
  })

  it('keeps what a log takes up while its copy is put in place', async () => {
    const store = storeWith(older)
    for (let i = 0; i < 600; i++) await store.register(registrationOf(newReference()))
    const live = storeWith(both)
    const made: string[] = []
    let done = false
    const writer = (async () => {
      while (!done) {
        const event = registrationOf(newReference())
        await live.register(event)
        made.push(event.transfer.id)
      }
    })()
    const result = await run()
    done = true
    await writer
    assert.equal(result.outcome, 'clean')
    assert.ok(made.length > 10, `${made.length} came meanwhile`)
    const seen = (await readLog(newer)).flat().map(({ event }) => event.transfer.id)
    assert.equal(seen.length, 600 + made.length)
    assert.equal(new Set(seen).size, seen.length)
  })

  it('loses nothing of a log that another resealing put in place in the middle of this one', async () => {
    const store = storeWith(older)
    for (let i = 0; i < 30; i++) await store.register(registrationOf(newReference()))
    const logBefore = await readLog(both)
    const scripts = loadScripts(redis)
    const late: string[] = []
    let others = 0
    const overtaken: typeof scripts = {
      ...scripts,
      async swapLog(names, args) {
        if (others++ < keys.partitions) {
          const partition = [0, 1, 2, 3].find((one) => keys.events(one) === names[0]) ?? assert.fail()
          await rewriteLog({ redis, scripts, keys }, partition, changesOf(both).event)
          let event = registrationOf(newReference())
          while (keys.partitionOf(event.transfer.id) !== partition) event = registrationOf(newReference())
          await storeWith(newer).register(event)
          late.push(event.transfer.id)
        }
        return scripts.swapLog(names, args)
      },
    }
    for (let partition = 0; partition < keys.partitions; partition++)
      await rewriteLog({ redis, scripts: overtaken, keys }, partition, changesOf(both).event)
    const seen = new Set((await readLog(newer)).flat().map(({ event }) => event.transfer.id))
    const lost = logBefore.flat().filter(({ event }) => !seen.has(event.transfer.id))
    assert.equal(lost.length, 0)
    assert.equal(seen.size, 30 + late.length)
  })

  it('goes on where it was stopped, also in the middle of a log', async () => {
    await fill()
    const logBefore = await readLog(both)
    const changes = changesOf(both)
    let left = 15
    const dying: Changes = {
      ...changes,
      event(text) {
        if (left-- === 0) throw new Error('killed')
        return changes.event(text)
      },
    }
    await assert.rejects(onePass(dying), /killed/)
    // As a kill between two batches leaves it.
    const [first] = await redis.xrange(keys.events(3), '-', '+', 'COUNT', 1)
    assert.ok(first)
    await redis.xadd(keys.eventsCopy(3), first[0], 'e', changes.event(first[1][1] ?? '') ?? '')
    assert.equal((await run()).outcome, 'clean')
    assert.deepEqual(await readLog(newer), logBefore)
    assert.doesNotMatch(await dump(), /s1\.k1\./)
  })

  it('begins a copy anew that was made under a key that is not current any more', async () => {
    await fill()
    const logBefore = await readLog(both)
    const stale = await redis.xrange(keys.events(0), '-', '+', 'COUNT', 1)
    assert.ok(stale[0])
    await redis.xadd(keys.eventsCopy(0), stale[0][0], ...stale[0][1])
    assert.equal((await run()).outcome, 'clean')
    assert.deepEqual(await readLog(newer), logBefore)
  })

  it('lets a log that has let go of its oldest entries stay so', async () => {
    await fill()
    const log = keys.events(0)
    const entries = await redis.xrange(log, '-', '+')
    const kept = entries[3]
    assert.ok(kept)
    const [oldest] = entries
    assert.ok(oldest)
    await redis.xadd(keys.eventsCopy(0), oldest[0], 'e', changesOf(both).event(oldest[1][1] ?? '') ?? '')
    await redis.xtrim(log, 'MINID', kept[0])
    assert.equal((await run()).outcome, 'clean')
    assert.deepEqual(
      (await redis.xrange(log, '-', '+')).map(([id]) => id),
      entries.slice(3).map(([id]) => id),
    )
  })

  it('moves nothing that lies in another place than it was sealed for, and says which', async () => {
    const { transfers } = await fill()
    const [one, other] = transfers
    assert.ok(one && other)
    const stolen = /"b":"([^"]+)"/.exec((await redis.get(keys.transfer(one))) ?? '')?.[1] ?? ''
    const record = (await redis.get(keys.transfer(other))) ?? ''
    const forged = record.replace(/"b":"[^"]+"/, `"b":"${stolen}"`)
    await redis.set(keys.transfer(other), forged)
    await redis.hset(keys.ready(1), 'rc-x', 'not json')
    const result = await run()
    assert.ok(result.outcome === 'not-opened')
    assert.deepEqual(result.failed.map(({ key }) => key).sort(), [keys.transfer(other), keys.ready(1)].sort())
    assert.equal(await redis.get(keys.transfer(other)), forged)
    assert.equal(result.moved.transfers, 40)
    assert.equal(result.moved.ready, 1)
  })

  it('moves a group whose bodies are sealed together, waiting and delayed alike', async () => {
    const bodies = ['{"first":1}', '', '{"third":3}']
    const groups = await Promise.all(
      [0, 3_600_000].map(async (delay) => {
        const receipts = bodies.map((body) => {
          const { body: _, ...head } = receiptOf(newReference(), older)
          return { ...head, opened: Buffer.from(body) }
        })
        const draft = sealedGroupJob(ids.jobId(), receipts, older.seal)
        await queue.add(draft.name, draft.data, { ...draft.opts, delay })
        return draft.opts.jobId
      }),
    )
    const result = await run()
    assert.ok(result.outcome === 'clean')
    assert.equal(result.moved.jobs, groups.length)
    assert.doesNotMatch(await dump(), /s1\.k1\./)
    for (const id of groups) {
      const data = readCallbackJob((await queue.getJob(id))?.data)
      const opened = takeReceipts(id, data, newer.open).map((one) => ('opened' in one ? `${one.opened}` : ''))
      assert.deepEqual(opened, bodies)
    }
  })

  it('waits for what a worker read before it was moved, and what it still writes is moved too', async () => {
    const reference = newReference()
    const draft = groupJob(ids.jobId(), [receiptOf(reference, older)])
    const id = draft.opts.jobId
    await queue.add(draft.name, draft.data, draft.opts)
    const worker = new Worker('callbacks', null, {
      connection: await clients.open(),
      prefix: `{${prefix}:q}`,
    })
    running.push({ stop: () => worker.close(true) })
    const inHand = createInHand(redis, queues())
    const passes: Pass[] = []
    let taken: Job | undefined
    const result = await run({
      inHand,
      async pass() {
        // It has the job in hand, as it was, from the first pass on.
        taken ??= await worker.getNextJob('token')
        const pass = await onePass()
        passes.push(pass)
        return pass
      },
      async pause() {
        assert.deepEqual(await inHand.now(), passes.length === 1 ? [id] : [])
        const [receipt] = (taken?.data.receipts ?? []) as Receipt[]
        if (passes.length > 1 || !receipt) return
        await storeWith(both).park(transferIdOf(account, reference), receipt)
        await taken?.moveToCompleted(undefined, 'token', false)
      },
    })
    assert.deepEqual(passes[0]?.inHand, [id])
    assert.equal(result.outcome, 'clean')
    assert.deepEqual([result.moved.jobs, result.moved.parked], [1, 1])
    assert.doesNotMatch(await dump(), /s1\.k1\./)
  })

  it('lets no key go while a worker does not let go of its job', async () => {
    const draft = groupJob(ids.jobId(), [receiptOf(newReference(), older)])
    await queue.add(draft.name, draft.data, draft.opts)
    const worker = new Worker('callbacks', null, {
      connection: await clients.open(),
      prefix: `{${prefix}:q}`,
    })
    running.push({ stop: () => worker.close(true) })
    await worker.getNextJob('token')
    const result = await run({ pause: async () => {} })
    assert.deepEqual(result.outcome === 'in-hand' && result.jobs, [draft.opts.jobId])
  })

  it('gives up where something goes on sealing with an older key', async () => {
    const store = storeWith(older)
    const result = await run({
      pass: async () => {
        await store.register(registrationOf(newReference()))
        return onePass()
      },
    })
    assert.equal(result.outcome, 'restless')
  })
})
