import assert from 'node:assert/strict'
import { createSecretKey, randomBytes } from 'node:crypto'
import { type Job, Queue, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { createSubscription, rotateSecret } from '../../src/domain/decide-subscription.ts'
import type { TransferId } from '../../src/domain/ids.ts'
import type { OpenReceipt, Receipt } from '../../src/domain/receipt.ts'
import type { TransferSecrets } from '../../src/domain/transfer.ts'
import { createZenospay } from '../../src/providers/zenospay/index.ts'
import { groupJob, sealedGroupJob, singleJob } from '../../src/queue/catalogue.ts'
import { readCallbackJob, takeReceipts } from '../../src/queue/job-data.ts'
import { type Changes, createChanges } from '../../src/reseal/changes.ts'
import { createInHand, queueKeysOf } from '../../src/reseal/in-hand.ts'
import { type Pass, runPass } from '../../src/reseal/pass.ts'
import { type ResealDeps, type ResealOutcome, reseal } from '../../src/reseal/reseal.ts'
import { describeDisbursement } from '../../src/sandbox/signed-callback.ts'
import { createKeyring, type Keyring, sealedUnder } from '../../src/seal/keyring.ts'
import { createPersonSealer } from '../../src/seal/person-keys.ts'
import { transferIdOf } from '../../src/store/ids.ts'
import { createIntentStore } from '../../src/store/intents.ts'
import { createLease } from '../../src/store/lease.ts'
import { createLeaving } from '../../src/store/leaving.ts'
import { createLogLeaving } from '../../src/store/log-leaving.ts'
import { createQuarantine } from '../../src/store/quarantine.ts'
import { createReadyReceipts } from '../../src/store/ready-receipts.ts'
import { createOpenBody } from '../../src/store/receipts.ts'
import { createRegister } from '../../src/store/register.ts'
import { loadScripts } from '../../src/store/scripts.ts'
import { createSubscriptions } from '../../src/store/subscriptions.ts'
import { createVault } from '../../src/store/vault.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'
import { createArchiveSweep } from '../../src/workers/archive.ts'
import { openReceipt } from '../../src/workers/observe.ts'
import { createReadyPump } from '../../src/workers/ready-pump.ts'
import { createReconcileWorker } from '../../src/workers/reconcile-worker.ts'
import { noCases } from '../support/cases.ts'
import { createTestFeed, readPage } from '../support/feed.ts'
import { createMemoryArchive, type MemoryArchive } from '../support/memory-archive.ts'
import { dumpRedis, readAll } from '../support/plain.ts'
import { createTestClients } from '../support/redis.ts'
import {
  createTestReconcile,
  createTestStore,
  day,
  ids,
  readAllEvents,
  registerIn,
  type TestStore,
} from '../support/store.ts'
import { until } from '../support/until.ts'
import { disbursement, newReference, testAccount } from '../support/zenospay.ts'

const k1 = { id: 'k1', key: new Uint8Array(randomBytes(32)) }
const k2 = { id: 'k2', key: new Uint8Array(randomBytes(32)) }
const older = createKeyring([k1])
const both = createKeyring([k2, k1])
const newer = createKeyring([k2])
const account = testAccount.id
const johnDoe = { kind: 'bank', bankCode: '002', accountNumber: '0000000000', name: 'John Doe' } as const

function rethrow(error: unknown): never {
  throw error
}

describe('resealing', function () {
  this.timeout(60_000)
  const clients = createTestClients()
  let redis: Redis
  let base: TestStore
  let archive: MemoryArchive
  let queue: Queue
  const running: { stop(): Promise<unknown> }[] = []

  before(async () => {
    redis = await clients.open()
  })
  beforeEach(async () => {
    base = createTestStore(redis)
    archive = createMemoryArchive()
    queue = new Queue('callbacks', { connection: await clients.open(), prefix: queuePrefix() })
    await redis.sadd(base.keys.accounts, account)
  })
  afterEach(async () => {
    for (const part of running.splice(0).reverse()) await part.stop()
    await queue.close()
  })
  after(() => clients.closeAll())

  const queuePrefix = () => `{${base.prefix}:q}`
  const idOf = (reference: string) => transferIdOf(account, reference)

  function storeWith(sealer: Keyring): TestStore {
    const { keys } = base
    const vault = createVault({ redis, keys, sealer, persons: createPersonSealer() })
    const intents = createIntentStore({ redis, keys, sealer, vault, archive, parkedMax: () => 1_000 })
    return { ...base, archive, vault, intents, register: createRegister({ redis, keys, intents }) }
  }
  const quarantineWith = (sealer: Keyring) =>
    createQuarantine({
      redis,
      scripts: loadScripts(redis),
      keys: base.keys,
      sealer,
      ids,
      limits: { keep: 100, days: 30 },
      clock: Date.now,
    })
  const subscriptionsWith = (sealer: Keyring) =>
    createSubscriptions({ redis, keys: base.keys, sealer, clock: Date.now })
  const reconcileWith = (ring: Keyring) => createTestReconcile(storeWith(ring), { sealer: ring })
  const queues = () => [queueKeysOf(queuePrefix(), 'callbacks')]
  const changesOf = (ring: Keyring, current = 'k2') => createChanges({ ...ring, sealedUnder, current })

  function receiptOf(reference: string, ring: Keyring): Receipt {
    const id = ids.receiptId()
    const text = describeDisbursement(disbursement({ reference, inquiryId: `inquiry-${reference}` }))
    const body = ring.seal(Buffer.from(text), `receipt:${id}`)
    return { id, account, receivedAt: Date.now(), keyId: 'k', digest: id, headers: {}, body }
  }

  async function park({ intents }: TestStore, reference: string, receipt: OpenReceipt): Promise<void> {
    assert.deepEqual(await intents.parkAll([{ target: idOf(reference), account, receipt }]), ['parked'])
  }

  async function onePass(changes: Changes = changesOf(both)): Promise<Pass> {
    const scripts = loadScripts(redis)
    return runPass({ redis, scripts, keys: base.keys, queues: queues(), changes, onProgress: () => {} })
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
  const dump = async () => [...(await dumpRedis(base, base.prefix)).values()].join('\n')

  async function archiveAll(store: TestStore): Promise<void> {
    const clock = () => Date.now() + 91 * day
    const { keys } = store
    await createArchiveSweep({
      partitions: keys.partitions,
      leaving: createLeaving(store),
      log: createLogLeaving(store),
      archive,
      leaseOf: (partition) => createLease(redis, keys.archiving(partition), ids.jobId(), 60_000),
      retentionOf: () => ({ finalMs: 90 * day, receiptMs: 90 * day }),
      logMs: 1_000 * day,
      clock,
      onFailure: rethrow,
    })(new AbortController().signal)
  }

  async function subscribe(sealer: Keyring, secret: string) {
    const subscriptions = subscriptionsWith(sealer)
    const id = ids.subscriptionId()
    const live = { run: ids.runId(), from: await base.log.newest() }
    const step = createSubscription(
      {
        id,
        url: 'https://hooks.example/',
        types: [],
        accounts: [],
        live,
        createdBy: 'ledger',
        secret: subscriptions.sealSecret(id, secret),
      },
      Date.now(),
    )
    return subscriptions.create(step, { source: 'operator', by: 'ledger' })
  }

  /** One of each thing that is kept, under the older key: settled ones here and in the archive, and what waits. */
  async function fill() {
    const store = storeWith(older)
    const reconcile = reconcileWith(older)
    const transfers: TransferId[] = []
    const receipts: Receipt[] = []
    for (let i = 0; i < 20; i++) {
      const { id, reference } = await registerIn(store, newReference())
      transfers.push(id)
      const receipt = receiptOf(reference, older)
      receipts.push(receipt)
      await reconcile.applyOne(receipt)
      if (i === 9) await archiveAll(store)
    }
    const parked = receiptOf(newReference(), older)
    await park(store, newReference(), openReceipt(parked, older))
    const readyFor = newReference()
    const ready = receiptOf(readyFor, older)
    await park(store, readyFor, openReceipt(ready, older))
    await registerIn(store, readyFor)
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
    const subscription = await subscribe(older, 'whsec_planted')
    return { transfers, receipts, ready, waiting, subscription }
  }

  it('moves everything, so that the newer key alone opens it', async () => {
    const world = await fill()
    assert.equal(archive.lines.filter(({ kind }) => kind === 'transfer').length, 10)
    const archived = structuredClone(archive.lines)
    const eventsBefore = await readAllEvents(base)
    assert.match(await dump(), /s1\.k1\./)
    const persons = [...(await dumpRedis(base, base.prefix)).keys()].filter(
      (key) => base.keys.classify(key)?.kind === 'person',
    )

    const result = await run()
    assert.equal(result.outcome, 'clean')
    assert.deepEqual(result.moved, {
      parked: 1,
      ready: 1,
      quarantine: 1,
      jobs: 2,
      persons: persons.length,
      subscriptions: 1,
    })

    const store = storeWith(newer)
    const openBody = createOpenBody({ ...store, sealer: newer })
    for (const [i, id] of world.transfers.entries()) {
      const intent = await store.intents.find(id)
      assert.ok(intent)
      assert.deepEqual((await store.vault.openSecrets<TransferSecrets>(intent))?.beneficiary, johnDoe)
      const receipt = world.receipts[i]
      const stored = receipt && (await store.intents.findReceipt(id, receipt.id))
      assert.ok(stored)
      assert.deepEqual(await openBody(stored), older.open(receipt.body, `receipt:${receipt.id}`))
    }
    const events = await readAllEvents(store)
    assert.deepEqual(events, eventsBefore, 'Events rest under their persons’ keys, and stay as they are.')
    for (const { intent } of events)
      assert.deepEqual((await store.vault.openSecrets<TransferSecrets>(intent))?.beneficiary, johnDoe)
    assert.deepEqual(archive.lines, archived, 'The archive is never rewritten.')

    const readyNow: Receipt[] = []
    await createReadyReceipts({ redis, keys: base.keys }).pump(async (found) => void readyNow.push(...found))
    assert.deepEqual(
      readyNow.map((one) => openReceipt(one, newer).id),
      [world.ready.id],
    )
    const [entry] = (await quarantineWith(newer).list({ accounts: ['not-configured-any-more'], limit: 1 }))
      .entries
    assert.equal(entry && quarantineWith(newer).open(entry)?.body.toString(), 'planted')
    const subscription = await subscriptionsWith(newer).find(world.subscription.id)
    assert.deepEqual(subscription && subscriptionsWith(newer).openSecrets(subscription), ['whsec_planted'])
    assert.deepEqual({ ...subscription, secrets: [] }, { ...world.subscription, secrets: [] })
    const [job] = await queue.getWaiting()
    assert.ok(job)
    assert.deepEqual(
      (job.data.receipts as Receipt[]).map((one) => openReceipt(one, newer).id),
      world.waiting.map(({ id }) => id),
    )
  })

  it('leaves nothing that the older key opens', async () => {
    await fill()
    const readWithOlder = async () => {
      const texts = [
        ...(await dumpRedis(base, base.prefix)).values(),
        ...archive.lines.map((one) => JSON.stringify(one)),
      ]
      return readAll(texts, new Map(), older, [createSecretKey(k1.key)])
    }
    const shows = (text: string) => ['John Doe', 'planted'].filter((secret) => text.includes(secret))
    assert.deepEqual(shows(await readWithOlder()), ['John Doe', 'planted'])
    assert.equal((await run()).outcome, 'clean')
    assert.doesNotMatch(await dump(), /s1\.k1\./)
    assert.deepEqual(shows(await readWithOlder()), [])
    for (const [key, text] of await dumpRedis(base, base.prefix)) {
      const found = base.keys.classify(key)
      if (found?.kind !== 'person') continue
      assert.throws(
        () => older.open(JSON.parse(text) as string, `person:${found.digest}`),
        /cannot be opened/,
      )
    }
  })

  it('leaves a reader where it stands: the same cursor goes on with the same event', async () => {
    await fill()
    const page = (ring: Keyring, after?: string) =>
      readPage(createTestFeed({ log: base.log, vault: storeWith(ring).vault }), { after, limit: 10 })
    const first = await page(both)
    const second = await page(both, first.next)
    assert.equal((await run()).outcome, 'clean')
    assert.deepEqual(await page(newer, first.next), second)
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
    running.push(
      createReconcileWorker({
        reconcile: createTestReconcile(live, {
          sealer: both,
          providers: new Map([[account, createZenospay(testAccount)]]),
        }),
        sealer: both,
        addJobs,
        cases: noCases,
        connection: await clients.open(),
        prefix: queuePrefix(),
        concurrency: 8,
        random: Math.random,
        logger: silentLogger,
      }),
    )
    const pump = createReadyPump({ ready: createReadyReceipts({ redis, keys: base.keys }), addJobs, ids })

    let writing = true
    const references: string[] = []
    async function write(): Promise<void> {
      while (writing && references.length < 400) {
        const reference = newReference()
        const count = references.push(reference)
        // Every other callback comes before its transfer, and some are still under the older key.
        const job = groupJob(ids.jobId(), [receiptOf(reference, count % 3 === 0 ? older : both)])
        if (count % 2 === 0) await addJobs([job])
        await registerIn(live, reference)
        if (count % 2 === 1) await addJobs([job])
        await pump()
      }
    }
    const writers = [write(), write()]
    await until('the writers', () => references.length > 20)
    const first = await onePass()
    const second = await onePass()
    writing = false
    await Promise.all(writers)
    assert.ok(first.moved.persons > 0)
    assert.deepEqual([first.failed, second.failed], [[], []])
    await until('the workers', async () => {
      await pump()
      const { waiting, active } = await queue.getJobCounts('waiting', 'active')
      return waiting === 0 && active === 0
    })
    assert.equal((await run()).outcome, 'clean')
    assert.doesNotMatch(await dump(), /s1\.k1\./)

    const store = storeWith(newer)
    const events = await readAllEvents(store)
    for (const reference of references) {
      const intent = await store.intents.find(idOf(reference))
      assert.equal(intent?.state, 'succeeded', reference)
      assert.deepEqual((await store.vault.openSecrets<TransferSecrets>(intent))?.beneficiary, johnDoe)
      const sequences = events
        .filter((one) => one.intent.reference === reference)
        .map(({ fact }) => fact.sequence)
      assert.deepEqual(sequences, [1, 2])
    }
  })

  it('goes on where it was stopped', async () => {
    await fill()
    const changes = changesOf(both)
    const dying: Changes = {
      ...changes,
      person() {
        throw new Error('killed')
      },
    }
    await assert.rejects(onePass(dying), /killed/)
    assert.match(await dump(), /s1\.k1\./)
    assert.equal((await run()).outcome, 'clean')
    assert.doesNotMatch(await dump(), /s1\.k1\./)
  })

  it('moves every secret of a subscription that is changed meanwhile, and loses none', async () => {
    const { id } = await subscribe(older, 'whsec_0')
    const live = subscriptionsWith(older)
    let rotated = 0
    let moving = true
    const rotate = async () => {
      while (moving) {
        const sealed = live.sealSecret(id, `whsec_${rotated + 1}`)
        await live.change(id, { source: 'operator' }, (before) => [
          rotateSecret(before, { sealed, overlapMs: day }, Date.now()),
        ])
        rotated++
      }
    }
    const rotating = rotate()
    await until('some rotations', () => rotated > 5)
    await onePass()
    await onePass()
    moving = false
    await rotating
    const result = await run()
    assert.equal(result.outcome, 'clean')
    assert.doesNotMatch(await dump(), /s1\.k1\./)
    const kept = await subscriptionsWith(newer).find(id)
    assert.equal(kept?.sequence, rotated + 1)
    assert.deepEqual(
      kept && subscriptionsWith(newer).openSecrets(kept),
      [rotated, rotated - 1, rotated - 2].map((number) => `whsec_${number}`),
    )
  })

  it('moves nothing of a subscription whose secret was sealed for another, and says where', async () => {
    const one = await subscribe(older, 'whsec_one')
    const other = await subscribe(older, 'whsec_other')
    const key = base.keys.subscriptions(base.keys.partitionOf(other.id))
    const forged = JSON.stringify({ v: 1, ...other, secrets: one.secrets })
    await redis.hset(key, other.id, forged)
    const result = await run()
    assert.ok(result.outcome === 'not-opened')
    assert.deepEqual(
      result.failed.map((failed) => failed.key),
      [key],
    )
    assert.equal(await redis.hget(key, other.id), forged)
    assert.equal(result.moved.subscriptions, 1)
  })

  it('moves nothing that lies in another place than it was sealed for, and says which', async () => {
    await fill()
    const wrapped = [...(await dumpRedis(base, base.prefix))].find(
      ([key]) => base.keys.classify(key)?.kind === 'person',
    )?.[1]
    const forged = JSON.parse(wrapped ?? '') as string
    const place = base.keys.person(1, 'somebody-else')
    await redis.set(place, forged)
    await redis.hset(base.keys.ready(1), 'rc-x', 'not json')
    const result = await run()
    assert.ok(result.outcome === 'not-opened')
    assert.deepEqual(result.failed.map(({ key }) => key).sort(), [place, base.keys.ready(1)].sort())
    assert.equal(await redis.get(place), forged)
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
      prefix: queuePrefix(),
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
        // It could not be applied and is split out, as it was.
        const single = singleJob(receipt)
        await queue.add(single.name, single.data, single.opts)
        await taken?.moveToCompleted(undefined, 'token', false)
      },
    })
    assert.deepEqual(passes[0]?.inHand, [id])
    assert.equal(result.outcome, 'clean')
    assert.equal(result.moved.jobs, 2)
    assert.doesNotMatch(await dump(), /s1\.k1\./)
  })

  it('lets no key go while a worker does not let go of its job', async () => {
    const draft = groupJob(ids.jobId(), [receiptOf(newReference(), older)])
    await queue.add(draft.name, draft.data, draft.opts)
    const worker = new Worker('callbacks', null, {
      connection: await clients.open(),
      prefix: queuePrefix(),
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
        await park(store, newReference(), openReceipt(receiptOf(newReference(), older), older))
        return onePass()
      },
    })
    assert.equal(result.outcome, 'restless')
  })
})
