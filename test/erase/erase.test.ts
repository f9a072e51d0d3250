import assert from 'node:assert/strict'
import { createSecretKey, randomBytes } from 'node:crypto'
import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { AppError } from '../../src/domain/errors.ts'
import type { IntentId } from '../../src/domain/ids.ts'
import { erasedBody, type OpenReceipt, type Receipt } from '../../src/domain/receipt.ts'
import type { TransferSecrets } from '../../src/domain/transfer.ts'
import { erase } from '../../src/erase/erase.ts'
import { createMentions } from '../../src/erase/mentions.ts'
import { runErasePass } from '../../src/erase/pass.ts'
import { type PersonName, toPerson } from '../../src/erase/person.ts'
import { createZenospay } from '../../src/providers/zenospay/index.ts'
import { groupJob, sealedGroupJob, singleJob } from '../../src/queue/catalogue.ts'
import { readCallbackJob, takeReceipts } from '../../src/queue/job-data.ts'
import { createChanges } from '../../src/reseal/changes.ts'
import { queueKeysOf } from '../../src/reseal/in-hand.ts'
import { describeDisbursement } from '../../src/sandbox/signed-callback.ts'
import { createKeyring, sealedUnder } from '../../src/seal/keyring.ts'
import { createPersonSealer } from '../../src/seal/person-keys.ts'
import { transferIdOf } from '../../src/store/ids.ts'
import { createIntentStore } from '../../src/store/intents.ts'
import { createLease } from '../../src/store/lease.ts'
import { createLeaving } from '../../src/store/leaving.ts'
import { createLogLeaving } from '../../src/store/log-leaving.ts'
import { createQuarantine } from '../../src/store/quarantine.ts'
import { createOpenBody } from '../../src/store/receipts.ts'
import { createRegister } from '../../src/store/register.ts'
import { loadScripts } from '../../src/store/scripts.ts'
import { createVault } from '../../src/store/vault.ts'
import { createArchiveSweep } from '../../src/workers/archive.ts'
import { dumpRedis, readAll } from '../support/plain.ts'
import { createTestClients } from '../support/redis.ts'
import {
  createTestReconcile,
  createTestStore,
  day,
  digestPerson,
  ids,
  registerIn,
  registrationOf,
  type TestStore,
} from '../support/store.ts'
import { disbursement, newReference, testAccount } from '../support/zenospay.ts'

const account = testAccount.id
const number = '7301-0055-9812'
const bare = '730100559812'
const name = 'Ratna Wulandari'
const bystander = { kind: 'bank', bankCode: '002', accountNumber: '5550001', name: 'Budi Santoso' } as const
const erased = { kind: 'bank', bankCode: '002', accountNumber: bare, name } as const

const sealKey = new Uint8Array(randomBytes(32))
const keyring = createKeyring([{ id: 'k1', key: sealKey }])

function rethrow(error: unknown): never {
  throw error
}

describe('erasing a person', function () {
  this.timeout(60_000)
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore
  let queue: Queue
  let ahead: number

  before(async () => {
    redis = await clients.open()
  })
  beforeEach(async () => {
    ahead = 0
    const base = createTestStore(redis)
    const { keys, archive } = base
    const vault = createVault({ redis, keys, sealer: keyring, persons: createPersonSealer() })
    const intents = createIntentStore({ redis, keys, sealer: keyring, vault, archive, parkedMax: () => 100 })
    store = { ...base, vault, intents, register: createRegister({ redis, keys, intents }) }
    queue = new Queue('callbacks', { connection: await clients.open(), prefix: `{${store.prefix}:q}` })
    await redis.sadd(keys.accounts, account)
  })
  afterEach(() => queue.close())
  after(() => clients.closeAll())

  const clock = () => Date.now() + ahead
  const reconcile = (windowDays = 35) =>
    createTestReconcile(store, { sealer: keyring, clock, windowMsOf: () => windowDays * day })
  const bodyOf = (reference: string, payee: typeof erased | typeof bystander, fields = {}) =>
    describeDisbursement(
      disbursement({
        reference,
        inquiryId: `inquiry-${reference}`,
        accountNumber: payee.accountNumber,
        accountName: payee.name,
        ...fields,
      }),
    )
  function openReceiptOf(body: string): OpenReceipt {
    const id = ids.receiptId()
    const digest = randomBytes(32).toString('hex')
    return { id, account, receivedAt: clock(), keyId: 'k', digest, headers: {}, opened: Buffer.from(body) }
  }
  function receiptOf(body: string): Receipt {
    const { opened, ...head } = openReceiptOf(body)
    return { ...head, body: keyring.seal(opened, `receipt:${head.id}`) }
  }
  const idOf = (reference: string) => transferIdOf(account, reference)

  async function settle(
    payee: typeof erased | typeof bystander,
  ): Promise<{ reference: string; id: IntentId }> {
    const reference = newReference()
    await registerIn(store, reference, { beneficiary: payee, metadata: { note: `for ${payee.name}` } })
    await reconcile().applyOne(receiptOf(bodyOf(reference, payee)))
    return { reference, id: idOf(reference) }
  }

  async function archiveAll(): Promise<void> {
    const { keys, archive } = store
    ahead = 91 * day
    await createArchiveSweep({
      partitions: keys.partitions,
      leaving: createLeaving(store),
      log: createLogLeaving(store),
      archive,
      leaseOf: (partition) => createLease(redis, keys.archiving(partition), ids.jobId(), 60_000),
      retentionOf: () => ({ finalMs: 90 * day, receiptMs: 90 * day }),
      logMs: 90 * day,
      clock,
      onFailure: rethrow,
    })(new AbortController().signal)
    ahead = 0
  }

  function passOf(who: PersonName) {
    const person = toPerson(who, digestPerson)
    const providers = new Map([[account, createZenospay(testAccount)]])
    const deps = {
      redis,
      keys: store.keys,
      scripts: loadScripts(redis),
      queues: [queueKeysOf(`{${store.prefix}:q}`, 'callbacks')],
      keyring,
      mentions: createMentions({ providers, digestPerson }, person),
    }
    return { person, pass: (mode: 'look' | 'erase' = 'erase') => runErasePass(deps, mode) }
  }

  async function eraseThem(
    who: PersonName = { kind: 'account-number', text: number },
    pause: (ms: number) => Promise<void> = async () => {},
  ) {
    const { person, pass } = passOf(who)
    const { keys, vault } = store
    return erase({ redis, keys, vault, pass: () => pass(), pause }, person.digest)
  }

  /** Redis with the queue, the archive, and all that the keys which are left open in them. */
  async function readEverything(): Promise<string> {
    const texts = await dumpRedis(store, store.prefix)
    const personKeys = new Map(
      [...texts].flatMap(([key, text]) => {
        const found = store.keys.classify(key)
        return found?.kind === 'person' ? [[found.digest, JSON.parse(text) as string] as const] : []
      }),
    )
    const lines = store.archive.lines.map((line) => JSON.stringify(line))
    return readAll([...texts.values(), ...lines], personKeys, keyring, [createSecretKey(sealKey)])
  }

  async function isReadable(): Promise<boolean> {
    const everything = await readEverything()
    return [bare, number, name].some((text) => everything.includes(text))
  }

  it('leaves nothing of them to read, in Redis, on the queue or in the archive, and all of others', async () => {
    await settle(erased)
    await settle(bystander)
    await archiveAll()
    const later = await settle(erased)
    await settle(bystander)
    const pending = newReference()
    await registerIn(store, pending, { beneficiary: erased })
    const early = newReference()
    await reconcile().applyOne(receiptOf(bodyOf(early, erased)))
    const othersEarly = newReference()
    await reconcile().applyOne(receiptOf(bodyOf(othersEarly, bystander)))
    await createQuarantine({
      redis,
      scripts: loadScripts(redis),
      keys: store.keys,
      sealer: keyring,
      ids,
      limits: { keep: 10, days: 30 },
      clock: Date.now,
    }).keep({
      account,
      reason: 'signature-wrong',
      source: 's',
      receivedAt: Date.now(),
      digest: 'd',
      path: '/p',
      headers: {},
      body: Buffer.from(bodyOf('x', erased)),
    })
    const failed = singleJob(receiptOf(`not json, but of ${number} `))
    await queue.add(failed.name, failed.data, failed.opts)
    // As a worker fails it.
    const queueKeys = queueKeysOf(`{${store.prefix}:q}`, 'callbacks')
    await redis.lrem(`{${store.prefix}:q}:callbacks:wait`, 0, failed.opts.jobId)
    await redis.zadd(queueKeys.failed, Date.now(), failed.opts.jobId)

    assert.ok(await isReadable())
    const { pass } = passOf({ kind: 'account-number', text: number })
    assert.deepEqual(await pass('look'), { parked: 1, failedJobs: 1, quarantined: 1, waiting: 0, unread: 0 })
    assert.ok(await isReadable())

    const result = await eraseThem()
    assert.deepEqual(
      { ...result, keys: 0 },
      { keys: 0, intents: 3, parked: 1, failedJobs: 1, quarantined: 1, waiting: 0, unread: 0 },
    )
    assert.ok(result.keys >= 1)
    assert.equal(await isReadable(), false)
    const everything = await readEverything()
    for (const text of [bystander.name, bystander.accountNumber]) assert.ok(everything.includes(text), text)

    // What is no secret stays, and decisions go on.
    const intent = await store.intents.find(later.id)
    assert.ok(intent?.kind === 'transfer' && intent.state === 'succeeded')
    assert.equal(await store.vault.openSecrets<TransferSecrets>(intent), undefined)
    assert.equal((await reconcile().applyOne(receiptOf(bodyOf(pending, erased)))).outcome, 'applied')
    assert.equal((await store.intents.find(idOf(pending)))?.hold, undefined)
    assert.equal(await isReadable(), false, 'A callback that comes after it leaves nothing to read.')

    // Registering what a parked one was about does not lose it: it fails, and says why.
    await registerIn(store, early, { beneficiary: bystander })
    const ready: Receipt[] = []
    await store.ready.pump(async (found) => void ready.push(...found))
    assert.deepEqual(
      ready.map(({ body }) => body),
      [erasedBody],
    )
    const job = readCallbackJob((await queue.getJob(failed.opts.jobId))?.data)
    for (const receipt of [...ready, ...takeReceipts('', job, keyring.open)]) {
      await assert.rejects(
        reconcile().applyOne(receipt),
        (error) => error instanceof AppError && error.code === 'receipt-erased' && error.retry === 'never',
      )
      assert.equal(await createOpenBody({ ...store, sealer: keyring })(receipt as Receipt), undefined)
    }
  })

  it('leaves what workers will take to them, and is not finished before they have', async () => {
    const first = newReference()
    const second = newReference()
    for (const reference of [first, second]) await registerIn(store, reference, { beneficiary: erased })
    const group = sealedGroupJob(ids.jobId(), [openReceiptOf(bodyOf(first, erased))], keyring.seal)
    const single = groupJob(ids.jobId(), [receiptOf(bodyOf(second, erased))])
    for (const job of [group, single]) await queue.add(job.name, job.data, { ...job.opts, delay: 3_600_000 })

    const stuck = await eraseThem()
    assert.equal(stuck.waiting, 2)

    let looks = 0
    const result = await eraseThem(undefined, async () => {
      if (looks++ > 0) return
      for (const { opts } of [group, single]) {
        const job = await queue.getJob(opts.jobId)
        const receipts = takeReceipts(opts.jobId, readCallbackJob(job?.data), keyring.open)
        assert.deepEqual(await reconcile().applyAll(receipts), [])
        await job?.remove()
      }
    })
    assert.equal(result.waiting, 0)
    for (const reference of [first, second]) {
      const found = await store.intents.find(idOf(reference))
      assert.ok(found?.kind === 'transfer' && found.state === 'succeeded')
    }
    assert.equal(await isReadable(), false)
  })

  it('makes a new key when the same person is registered anew, and the old data stays closed', async () => {
    const { id, reference } = await settle(erased)
    await eraseThem()
    let again = newReference()
    // Where the old one lies, so that the new key is at hand for it.
    while (store.keys.partitionOf(idOf(again)) !== store.keys.partitionOf(id)) again = newReference()
    await registerIn(store, again, { beneficiary: erased })
    const anew = await store.intents.find(idOf(again))
    const before = await store.intents.find(id)
    assert.ok(anew && before)
    assert.deepEqual((await store.vault.openSecrets<TransferSecrets>(anew))?.beneficiary, erased)
    assert.equal(await store.vault.openSecrets(before), undefined)

    // A repeat in new words about the erased one is kept closed, though the person has a key by now.
    const late = receiptOf(bodyOf(reference, erased, { updatedAt: Date.parse('2025-02-01T00:00:00+07:00') }))
    assert.equal((await reconcile().applyOne(late)).outcome, 'repeat')
    const kept = await store.intents.findReceipt(id, late.id)
    assert.ok(kept)
    assert.equal(await createOpenBody({ ...store, sealer: keyring })(kept), undefined)
    const registration = await registrationOf(store, reference, { beneficiary: erased })
    const answer = await store.register(registration)
    assert.ok(
      answer.outcome === 'exists' && answer.intent.contentDigest === registration.intent.contentDigest,
    )
  })

  it('keeps readable what contradicts an erased transfer, until it is erased again', async () => {
    const { id, reference } = await settle(erased)
    await eraseThem()
    const contradiction = receiptOf(bodyOf(reference, erased, { amount: '1.00' }))
    assert.equal((await reconcile().applyOne(contradiction)).outcome, 'held')
    const kept = await store.intents.findReceipt(id, contradiction.id)
    const open = createOpenBody({ ...store, sealer: keyring })
    assert.ok(kept && (await open(kept))?.includes(bare), 'A person has to see it.')
    await eraseThem()
    assert.equal(await open(kept), undefined)
    assert.equal(await isReadable(), false)
  })

  it('closes what names them in a callback about somebody else, here and in the archive', async () => {
    const { id, reference } = await settle(bystander)
    const contradiction = receiptOf(bodyOf(reference, erased))
    assert.equal((await reconcile().applyOne(contradiction)).outcome, 'held')
    const open = createOpenBody({ ...store, sealer: keyring })
    const kept = await store.intents.findReceipt(id, contradiction.id)
    assert.ok(kept && (await open(kept))?.includes(bare), 'A person has to see it.')
    const own = receiptOf(bodyOf(reference, bystander))
    await reconcile().applyOne(own)
    await eraseThem()
    assert.equal(await open(kept), undefined)
    assert.equal(await isReadable(), false)
    const other = await store.intents.findReceipt(id, own.id)
    assert.ok(other && (await open(other))?.includes(bystander.accountNumber), 'Nothing else is closed.')
  })

  it('finds them however they are written, and nobody else', () => {
    const named = (who: PersonName, text: string) => toPerson(who, digestPerson).isNamedIn(text)
    const bank: PersonName = { kind: 'account-number', text: '7301 0055' }
    for (const text of [
      '73010055',
      '"7301-0055"',
      'to 7301.0055, please',
      '７３０１００５５',
      '{"n":73010055}',
    ])
      assert.ok(named(bank, text), text)
    for (const text of ['173010055', '730100551', 'a73010055', '7301 005', ''])
      assert.ok(!named(bank, text), text)
    assert.ok(named({ kind: 'customer', text: 'Ratna  Wulandari' }, '"name":"RATNA WULANDARI"'))
    assert.ok(!named({ kind: 'customer', text: 'Ratna' }, 'Ratnasari'))
    assert.ok(
      named(
        { kind: 'openid', text: 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o' },
        '"openid":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"',
      ),
    )
    assert.ok(!named({ kind: 'openid', text: 'oUpF8uMuAJO' }, 'OUPF8UMUAJO'))
    const mentions = createMentions(
      { providers: new Map(), digestPerson },
      toPerson({ kind: 'customer', text: 'José' }, digestPerson),
    )
    assert.ok(mentions(account, Buffer.from('{"a":[{"b":"Jos\\u00e9"}]}')))
  })

  it('says what it could not open, and resealing passes over what was erased', async () => {
    const early = newReference()
    const receipt = receiptOf(bodyOf(early, erased))
    await reconcile().applyOne(receipt)
    await redis.hset(
      store.keys.parked(idOf(early)),
      'rc-broken',
      JSON.stringify({ ...receipt, body: 's1.k9.AAAA' }),
    )
    const result = await eraseThem()
    assert.deepEqual([result.parked, result.unread], [1, 1])
    const text = (await redis.hget(store.keys.parked(idOf(early)), receipt.id)) ?? ''
    const changes = createChanges({ ...keyring, sealedUnder, current: 'k2' })
    assert.equal(changes.receipt(text), undefined)
  })
})
