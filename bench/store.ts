/** The store as compose.ts builds it, and the transfers that the callbacks of a benchmark are about. */
import { createHash, randomBytes } from 'node:crypto'
import type { ChainableCommander, Redis } from 'ioredis'
import { registerTransfer } from '../src/domain/decide-transfer.ts'
import type { IntentEvent } from '../src/domain/event.ts'
import { createIdMaker } from '../src/domain/ids.ts'
import { describeBeneficiary, digestName } from '../src/domain/person.ts'
import type { OpenReceipt } from '../src/domain/receipt.ts'
import type { Beneficiary, Transfer, TransferSecrets } from '../src/domain/transfer.ts'
import { describeDisbursement } from '../src/sandbox/signed-callback.ts'
import { createDigest, createKeyring, deriveKey } from '../src/seal/keyring.ts'
import { createPersonSealer } from '../src/seal/person-keys.ts'
import { createRandomPool } from '../src/seal/random-pool.ts'
import { encodeStep } from '../src/store/codec/codec.ts'
import { encodeSecrets } from '../src/store/codec/secrets.ts'
import { firstLookMs } from '../src/store/commit.ts'
import { transferIdOf } from '../src/store/ids.ts'
import { createKeys } from '../src/store/keys.ts'
import { personPlace } from '../src/store/vault.ts'
import { benchAccount } from './schemes.ts'

export const partitions = 8
export const ids = createIdMaker(Date.now, createRandomPool())

/** As text, since workers are other processes. */
export interface StoreSecrets {
  seal: string
  index: string
}

export const makeSecrets = (): StoreSecrets => ({
  seal: randomBytes(32).toString('hex'),
  index: randomBytes(32).toString('hex'),
})

export function createParts({ seal, index }: StoreSecrets) {
  const indexKey = Buffer.from(index, 'hex')
  return {
    keys: createKeys('tallyhook', partitions),
    keyring: createKeyring([{ id: 'k1', key: Buffer.from(seal, 'hex') }]),
    persons: createPersonSealer(),
    digestPerson: createDigest(deriveKey(indexKey, 'person')),
    digestFact: createDigest(deriveKey(indexKey, 'fact'), 11),
    digestContent: createDigest(deriveKey(indexKey, 'content')),
  }
}

export type Parts = ReturnType<typeof createParts>

export const referenceOf = (index: number) => `RLG${String(index).padStart(8, '0')}`
const amount = { minor: 2500000n, currency: 'IDR' }
/** Everybody is another person, which is the most that there can be to keep. */
const accountNumberOf = (index: number) => String(1_000_000_000 + index)
const beneficiaryOf = (index: number): Beneficiary => ({
  kind: 'bank',
  bankCode: '002',
  accountNumber: accountNumberOf(index),
  name: 'John Doe',
})

/** What the callback about it says: it went well. */
export function describeCallback(index: number, now: number): string {
  return describeDisbursement({
    inquiryId: `inquiry-${index}`,
    reference: referenceOf(index),
    amount: '25000.00',
    bankCode: '002',
    bankName: 'Bank Rakyat Indonesia',
    accountName: 'John Doe',
    accountNumber: accountNumberOf(index),
    status: 'success',
    createdAt: now,
    updatedAt: now,
  })
}

export function receiveCallback(index: number, now: number): OpenReceipt {
  const opened = Buffer.from(describeCallback(index, now))
  const digest = createHash('sha256').update(opened).digest('hex')
  return {
    id: ids.receiptId(),
    account: benchAccount,
    receivedAt: now,
    keyId: 'key',
    digest,
    headers: {},
    opened,
  }
}

export interface Registered {
  event: IntentEvent<Transfer>
  wrappedKey: string
}

export function registerOne(index: number, now: number, parts: Parts): Registered {
  const { keyring, persons, digestPerson } = parts
  const beneficiary = beneficiaryOf(index)
  const reference = referenceOf(index)
  const id = transferIdOf(benchAccount, reference)
  const person = digestPerson(describeBeneficiary(beneficiary))
  const made = persons.make()
  const secrets: TransferSecrets = { beneficiary }
  const sealed = persons.seal(persons.read(made), Buffer.from(encodeSecrets(secrets)), `intent:${id}`)
  const { fact, intent } = registerTransfer(
    {
      id,
      account: benchAccount,
      reference,
      amount,
      payee: { kind: 'bank', nameDigest: digestName('John Doe', digestPerson) },
      personal: { person, sealed },
      contentDigest: parts.digestContent(reference),
    },
    now,
  )
  return {
    event: { fact, intent, because: { source: 'registration' }, at: now },
    wrappedKey: keyring.seal(made, personPlace(person)),
  }
}

export type Write = (to: ChainableCommander, one: Registered) => void

/** What registering a transfer leaves in Redis, piece by piece. */
export const createWrites = ({ keys }: Parts) =>
  ({
    record(to, { event }) {
      const { intent } = event
      to.set(keys.intent(intent.id), encodeStep(event).record)
      to.zadd(
        keys.watch(keys.partitionOf(intent.id), intent.account),
        intent.createdAt + firstLookMs,
        intent.id,
      )
    },
    payee(to, { event: { intent } }) {
      to.zadd(keys.payee(keys.partitionOf(intent.id), intent.personal.person), intent.createdAt, intent.id)
    },
    person(to, { event: { intent }, wrappedKey }) {
      to.set(keys.person(keys.partitionOf(intent.id), intent.personal.person), wrappedKey)
    },
    log(to, { event }) {
      to.xadd(keys.events(keys.partitionOf(event.intent.id)), '*', 'e', encodeStep(event).event)
    },
  }) satisfies Record<string, Write>

export const peerKeyOf = (reference: string) => `payout:${benchAccount}:${reference}`

/** What a team keeps of a payout, in the open. */
export function describePeerDocument(index: number, now: number): string {
  return JSON.stringify({
    id: transferIdOf(benchAccount, referenceOf(index)),
    account: benchAccount,
    reference: referenceOf(index),
    amount: '25000.00',
    currency: 'IDR',
    beneficiary: { bankCode: '002', accountNumber: accountNumberOf(index), name: 'John Doe' },
    status: 'pending',
    createdAt: new Date(now).toISOString(),
    updatedAt: new Date(now).toISOString(),
  })
}

const atOnce = 1_000

/** In pipelines; `write` adds the commands of one. */
export async function writeMany(
  redis: Redis,
  indexes: Iterable<number>,
  write: (to: ChainableCommander, index: number) => void,
): Promise<void> {
  let pipeline = redis.pipeline()
  for (const index of indexes) {
    write(pipeline, index)
    if (pipeline.length < atOnce) continue
    await flush(pipeline)
    pipeline = redis.pipeline()
  }
  await flush(pipeline)
}

async function flush(pipeline: ChainableCommander): Promise<void> {
  const failed = (await pipeline.exec())?.find(([error]) => error)?.[0]
  if (failed) throw failed
}

export function* range(from: number, count: number): Iterable<number> {
  for (let i = from; i < from + count; i++) yield i
}
