/** The store on the test's own keys, with a transfer to work on. */
import { randomBytes } from 'node:crypto'
import type { Redis } from 'ioredis'
import { register } from '../../src/domain/decide.ts'
import type { TransferEvent } from '../../src/domain/event.ts'
import { createIdMaker } from '../../src/domain/ids.ts'
import type { OpenReceipt, Receipt } from '../../src/domain/receipt.ts'
import type { Transfer } from '../../src/domain/transfer.ts'
import { createZenospay } from '../../src/providers/zenospay/index.ts'
import { createKeyring, createNumberDigest } from '../../src/seal/keyring.ts'
import { createEventLog } from '../../src/store/event-log.ts'
import { createKeys, transferIdOf } from '../../src/store/keys.ts'
import { createQueriesWanted } from '../../src/store/queries-wanted.ts'
import { createReadyReceipts } from '../../src/store/ready-receipts.ts'
import { loadScripts } from '../../src/store/scripts.ts'
import { createTransferStore } from '../../src/store/transfers.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'
import { createReconcile, type Reconcile, type ReconcileDeps } from '../../src/workers/reconcile.ts'
import { uniquePrefix } from './redis.ts'
import { testAccount } from './zenospay.ts'

export const ids = createIdMaker(Date.now, randomBytes)
export const keyring = createKeyring([{ id: 'test', key: new Uint8Array(randomBytes(32)) }])
export const digestNumber = createNumberDigest(new Uint8Array(randomBytes(32)))

export function createTestStore(redis: Redis, partitions = 4) {
  const prefix = uniquePrefix()
  const keys = createKeys(prefix, partitions)
  const transfers = createTransferStore({
    redis,
    scripts: loadScripts(redis),
    keys,
    sealer: keyring,
    digestNumber,
  })
  const log = createEventLog({ redis, keys, sealer: keyring })
  const queriesWanted = createQueriesWanted({ redis, keys })
  return { prefix, keys, transfers, log, queriesWanted, ready: createReadyReceipts({ redis, keys }) }
}

export type TestStore = ReturnType<typeof createTestStore>

export async function readAllEvents({ log }: Pick<TestStore, 'log'>): Promise<TransferEvent[]> {
  const positions = Array.from({ length: log.partitions }, () => '0-0')
  return (await log.readAfter(positions, 10_000)).flat().map(({ event }) => event)
}

export function registrationOf(reference: string, fields: Partial<Transfer> = {}): TransferEvent {
  const now = Date.now()
  const { transfer, fact } = register(
    {
      id: transferIdOf(testAccount.id, reference),
      account: testAccount.id,
      reference,
      amount: { minor: 2500000n, currency: 'IDR' },
      beneficiary: { kind: 'bank', bankCode: '002', accountNumber: '0000000000', name: 'John Doe' },
      contentDigest: 'digest',
      ...fields,
    },
    now,
  )
  return { fact, transfer, because: { source: 'registration' }, at: now }
}

/** Reconciles on this store, with the test's own Zenospay account unless it says otherwise. */
export function createTestReconcile(
  store: Pick<TestStore, 'transfers' | 'queriesWanted'>,
  fields: Partial<ReconcileDeps> = {},
): Reconcile {
  return createReconcile({
    providers: new Map([[testAccount.id, createZenospay(testAccount)]]),
    sealer: keyring,
    transfers: store.transfers,
    transferIdOf,
    queriesWanted: store.queriesWanted,
    clock: Date.now,
    logger: silentLogger,
    ...fields,
  })
}

/** As the intake hands it to the producer. */
export function openReceiptOf(body: string | Buffer): OpenReceipt {
  const { body: _, ...head } = receiptOf('')
  return { ...head, opened: Buffer.from(body) }
}

export function receiptOf(body: string | Buffer, fields: Partial<Receipt> = {}): Receipt {
  const id = ids.receiptId()
  return {
    id,
    account: testAccount.id,
    receivedAt: Date.now(),
    keyId: 'key',
    digest: 'digest',
    headers: {},
    body: keyring.seal(Buffer.from(body), `receipt:${id}`),
    ...fields,
  }
}
