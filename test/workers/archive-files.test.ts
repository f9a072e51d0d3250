import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { Redis } from 'ioredis'
import { createArchive, openArchive } from '../../src/compose/archive.ts'
import { AppError } from '../../src/domain/errors.ts'
import { describeDisbursement } from '../../src/sandbox/signed-callback.ts'
import { createIntentStore } from '../../src/store/intents.ts'
import { createLease } from '../../src/store/lease.ts'
import { createLeaving } from '../../src/store/leaving.ts'
import { createLogLeaving } from '../../src/store/log-leaving.ts'
import { createReceiptFinder } from '../../src/store/receipts.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'
import { createArchiveSweep } from '../../src/workers/archive.ts'
import { filesOf, newArchiveFolder, removeArchiveFolders, verifyAll } from '../support/archive.ts'
import { createTestClients } from '../support/redis.ts'
import {
  createTestReconcile,
  createTestStore,
  day,
  ids,
  keyring,
  receiptOf,
  registerIn,
} from '../support/store.ts'
import { disbursement, newReference, testAccount } from '../support/zenospay.ts'

function rethrow(error: unknown): never {
  throw error
}

describe('what left for the files of the archive', () => {
  const clients = createTestClients()
  let redis: Redis

  before(async () => {
    redis = await clients.open()
  })
  after(() => {
    clients.closeAll()
    removeArchiveFolders()
  })

  it('is read back by another process, and never guessed where a file is away or damaged', async () => {
    const dir = newArchiveFolder()
    const store = createTestStore(redis)
    const { keys } = store
    await redis.sadd(keys.accounts, testAccount.id)
    const reference = newReference()
    const { id } = await registerIn(store, reference)
    const receipt = receiptOf(describeDisbursement(disbursement({ reference })))
    await createTestReconcile(store).applyOne(receipt)
    const before = await store.intents.find(id)

    const archive = createArchive({ dir, clock: Date.now, randomBytes, logger: silentLogger })
    const clock = () => Date.now() + 100 * day
    const sweep = createArchiveSweep({
      partitions: keys.partitions,
      leaving: createLeaving(store),
      log: createLogLeaving(store),
      archive,
      leaseOf: (partition) => createLease(redis, keys.archiving(partition), ids.jobId(), 60_000),
      retentionOf: () => ({ finalMs: 90 * day, receiptMs: 90 * day }),
      logMs: 90 * day,
      clock,
      onFailure: rethrow,
    })
    assert.deepEqual(await sweep(new AbortController().signal), { intents: 1, receipts: 1, events: 2 })

    const other = createIntentStore({
      ...store,
      archive: openArchive({ dir }),
      sealer: keyring,
      parkedMax: () => 1,
    })
    const finder = createReceiptFinder({ redis, keys, archive: openArchive({ dir }) })
    const readBack = async () => {
      assert.deepEqual(await other.find(id), before)
      assert.equal((await other.findReceipt(id, receipt.id))?.outcome, 'applied')
      assert.equal((await finder.find(receipt.id))?.where, 'store')
    }
    await readBack()
    await archive.close()
    await readBack()
    const verified = await verifyAll(dir)
    assert.deepEqual([verified.broken, verified.lines], [[], 4])

    const refused = (code: string) => (error: unknown) => error instanceof AppError && error.code === code
    const [file = ''] = filesOf(dir, '.ndjson.gz')
    renameSync(file, `${file}.away`)
    await assert.rejects(other.find(id), refused('archive-unavailable'))
    renameSync(`${file}.away`, file)
    const bytes = readFileSync(file)
    writeFileSync(file, Buffer.alloc(bytes.length))
    await assert.rejects(other.find(id), refused('archive-damaged'))
    writeFileSync(file, bytes)
    await readBack()
  })
})
