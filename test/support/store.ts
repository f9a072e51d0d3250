/** The store on the test's own keys, with a transfer to work on. */
import { createHash, randomBytes } from 'node:crypto'
import { registerTransfer } from '../../src/domain/decide-transfer.ts'
import type { IntentEvent, LoggedEvent } from '../../src/domain/event.ts'
import { createIdMaker, type IntentId } from '../../src/domain/ids.ts'
import { describeBeneficiary, digestName } from '../../src/domain/person.ts'
import type { OpenReceipt, Receipt } from '../../src/domain/receipt.ts'
import type { Beneficiary, Transfer, TransferSecrets } from '../../src/domain/transfer.ts'
import { createZenospay } from '../../src/providers/zenospay/index.ts'
import type { RedisClient } from '../../src/redis/client.ts'
import { createDigest, createKeyring } from '../../src/seal/keyring.ts'
import { createPersonSealer } from '../../src/seal/person-keys.ts'
import { createCases } from '../../src/store/cases.ts'
import { createEventLog } from '../../src/store/event-log.ts'
import { transferIdOf } from '../../src/store/ids.ts'
import { createIntentStore } from '../../src/store/intents.ts'
import { createKeys } from '../../src/store/keys.ts'
import { createReadyReceipts } from '../../src/store/ready-receipts.ts'
import { createRegister } from '../../src/store/register.ts'
import { loadScripts } from '../../src/store/scripts.ts'
import { createVault } from '../../src/store/vault.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'
import { createReconcile, type Reconcile, type ReconcileDeps } from '../../src/workers/reconcile.ts'
import { createMemoryArchive } from './memory-archive.ts'
import { uniquePrefix } from './redis.ts'
import { testAccount } from './zenospay.ts'

export const ids = createIdMaker(Date.now, randomBytes)
const sealKey = new Uint8Array(randomBytes(32))
export const keyring = createKeyring([{ id: 'test', key: sealKey }])
const indexKey = new Uint8Array(randomBytes(32))
/** For another process that works on the same store. */
export const testKeys = {
  seal: Buffer.from(sealKey).toString('hex'),
  index: Buffer.from(indexKey).toString('hex'),
}
export const digestPerson = createDigest(indexKey)
export const digestFact = createDigest(indexKey, 11)

export function createTestStore(redis: RedisClient, partitions = 4, parkedMax = 1_000) {
  const prefix = uniquePrefix()
  const keys = createKeys(prefix, partitions)
  loadScripts(redis)
  const vault = createVault({ redis, keys, sealer: keyring, persons: createPersonSealer() })
  const archive = createMemoryArchive()
  const intents = createIntentStore({
    redis,
    keys,
    sealer: keyring,
    vault,
    archive,
    parkedMax: () => parkedMax,
  })
  return {
    redis,
    prefix,
    keys,
    vault,
    archive,
    intents,
    register: createRegister({ redis, keys, intents }),
    cases: createCases({ redis, keys, clock: Date.now }),
    log: createEventLog({ redis, keys }),
    ready: createReadyReceipts({ redis, keys }),
  }
}

export type TestStore = ReturnType<typeof createTestStore>

export async function readLog({ log }: Pick<TestStore, 'log'>): Promise<LoggedEvent[]> {
  const positions = await log.oldest()
  const read = positions.map((position, partition) => log.readPartition(partition, position, 10_000))
  return (await Promise.all(read)).flat().map(({ event }) => event)
}

/** Those about intents. */
export async function readAllEvents(store: Pick<TestStore, 'log'>): Promise<IntentEvent[]> {
  return (await readLog(store)).flatMap((event) => ('intent' in event ? [event] : []))
}

const johnDoe: Beneficiary = { kind: 'bank', bankCode: '002', accountNumber: '0000000000', name: 'John Doe' }

/** The first fact of a transfer that is worth 25000.00 to John Doe, unless said otherwise. */
export async function registrationOf(
  { vault }: Pick<TestStore, 'vault'>,
  reference: string,
  {
    beneficiary = johnDoe,
    metadata,
    ...fields
  }: Partial<Transfer> & { beneficiary?: Beneficiary; metadata?: Record<string, string> } = {},
): Promise<IntentEvent<Transfer>> {
  const now = Date.now()
  const account = fields.account ?? testAccount.id
  const id = fields.id ?? transferIdOf(account, reference)
  const person = digestPerson(describeBeneficiary(beneficiary))
  const secrets: TransferSecrets = { beneficiary, ...(metadata && { metadata }) }
  const { fact, intent } = registerTransfer(
    {
      id,
      account,
      reference,
      amount: { minor: 2500000n, currency: 'IDR' },
      payee: {
        kind: beneficiary.kind,
        ...(beneficiary.name && { nameDigest: digestName(beneficiary.name, digestPerson) }),
      },
      personal: await vault.sealSecrets(id, person, secrets),
      contentDigest: 'digest',
      ...fields,
    },
    now,
  )
  return { fact, intent, because: { source: 'registration' }, at: now }
}

/** As it is in the store. */
export async function registerIn(
  store: TestStore,
  reference: string,
  fields?: Parameters<typeof registrationOf>[2],
): Promise<Transfer> {
  const { intent } = await registrationOf(store, reference, fields).then(async (event) => {
    await store.register(event)
    return event
  })
  return intent
}

export async function findTransfer(store: TestStore, id: IntentId): Promise<Transfer> {
  const found = await store.intents.find(id)
  if (found?.kind !== 'transfer') throw new Error(`There is no transfer ${id}.`)
  return found
}

export const day = 24 * 60 * 60 * 1000

/** Reconciles on this store, with the test's own Zenospay account unless it says otherwise. */
export function createTestReconcile(
  store: Pick<TestStore, 'intents' | 'vault'>,
  fields: Partial<ReconcileDeps> = {},
): Reconcile {
  return createReconcile({
    providers: new Map([[testAccount.id, createZenospay(testAccount)]]),
    sealer: keyring,
    digestPerson,
    digestFact,
    intents: store.intents,
    vault: store.vault,
    windowMsOf: () => 35 * day,
    clock: Date.now,
    logger: silentLogger,
    ...fields,
  })
}

/** As the intake hands it to the producer. */
export function openReceiptOf(body: string | Buffer): OpenReceipt {
  const { body: _, ...head } = receiptOf(body)
  return { ...head, opened: Buffer.from(body) }
}

export function receiptOf(body: string | Buffer, fields: Partial<Receipt> = {}): Receipt {
  const id = ids.receiptId()
  return {
    id,
    account: testAccount.id,
    receivedAt: Date.now(),
    keyId: 'key',
    digest: createHash('sha256').update(body).digest('hex'),
    headers: {},
    body: keyring.seal(Buffer.from(body), `receipt:${id}`),
    ...fields,
  }
}
