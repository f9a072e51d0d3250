/**
 * Persons' keys. Each lies in the partitions where something about the person lies, sealed by the keyring, so that one
 * round trip reads it beside what it opens. Throwing it away leaves what was sealed under it unreadable for ever,
 * wherever copies of that lie.
 */
import type { IntentId, ReceiptId } from '../domain/ids.ts'
import type { Intent, Personal } from '../domain/intent.ts'
import { isCluster, type RedisClient } from '../redis/client.ts'
import { decodeSecrets, encodeSecrets } from './codec/secrets.ts'
import type { Keys } from './keys.ts'

/** What this folder needs of the keyring. */
export interface Sealer {
  seal(plain: Uint8Array, place: string): string
  open(sealed: string, place: string): Uint8Array
}

export interface PersonSealer<Key> {
  make(): Uint8Array
  read(bytes: Uint8Array): Key
  seal(key: Key, plain: Uint8Array, place: string): string
  open(key: Key, sealed: string, place: string): Uint8Array | undefined
  /** Whether this is the key that it was sealed under. */
  isUnder(key: Key, sealed: string): boolean
}

export interface Owner {
  partition: number
  person: string
}

export interface OwnedSecrets {
  id: IntentId
  person: string
  secrets: object
}

export interface BodyToSeal extends Owner {
  id: ReceiptId
  opened: Uint8Array
  /** What is personal about the intent, as it rests. */
  beside: string
  /** A person has to look at it: then it stays readable until that person is erased again. */
  isForPerson?: boolean
}

export interface Vault {
  /** What is personal about an intent, sealed for it. */
  sealSecrets(id: IntentId, person: string, secrets: object): Promise<Personal>
  sealAllSecrets(owned: readonly OwnedSecrets[]): Promise<Personal[]>
  /** Undefined where the key was thrown away. */
  openSecrets<Secrets>(intent: Pick<Intent, 'id' | 'personal'>): Promise<Secrets | undefined>
  openAllSecrets(intents: readonly Pick<Intent, 'id' | 'personal'>[]): Promise<(unknown | undefined)[]>
  /**
   * Seals bodies of receipts for the intents they are about, in order. Where what is personal about the intent was erased,
   * a body is sealed under a key that nobody keeps: an erasure holds for what comes after it too.
   */
  sealBodies(bodies: readonly BodyToSeal[]): Promise<string[]>
  openBody(owner: Owner, id: ReceiptId, sealed: string): Promise<Buffer | undefined>
  /** Throws the key away, everywhere. Says in how many partitions there was one. */
  forget(person: string): Promise<number>
}

export interface VaultDeps<Key> {
  redis: RedisClient
  keys: Keys
  sealer: Sealer
  persons: PersonSealer<Key>
}

export function createVault<Key>({ redis, keys, sealer, persons }: VaultDeps<Key>): Vault {
  const keyOf = ({ partition, person }: Owner) => keys.person(partition, person)
  const unwrap = ({ person }: Owner, wrapped: string) =>
    persons.read(sealer.open(wrapped, personPlace(person)))

  async function readKeys(owners: readonly Owner[]): Promise<(Key | undefined)[]> {
    const found = await getAll(redis, owners.map(keyOf))
    return owners.map((owner, i) => {
      const wrapped = found[i]
      return wrapped ? unwrap(owner, wrapped) : undefined
    })
  }

  /** Two that make one at the same moment end up with the same. */
  async function makeKey(owner: Owner): Promise<Key> {
    const wrapped = sealer.seal(persons.make(), personPlace(owner.person))
    const made = await redis.set(keyOf(owner), wrapped, 'NX')
    const kept = made === 'OK' ? wrapped : ((await redis.get(keyOf(owner))) ?? undefined)
    return kept === undefined ? makeKey(owner) : unwrap(owner, kept)
  }

  async function takeKeys(owners: readonly Owner[]): Promise<Key[]> {
    const found = await readKeys(owners)
    // One for each person, however often they stand in the list.
    const made = new Map<string, Promise<Key>>()
    return Promise.all(
      owners.map((owner, i) => {
        const key = found[i] ?? made.get(keyOf(owner))
        if (key) return key
        const fresh = makeKey(owner)
        made.set(keyOf(owner), fresh)
        return fresh
      }),
    )
  }

  function throwAwayKey(): Key {
    return persons.read(persons.make())
  }

  async function openAllSecrets(
    intents: readonly Pick<Intent, 'id' | 'personal'>[],
  ): Promise<(unknown | undefined)[]> {
    const owners = intents.map(({ id, personal }) => ({
      partition: keys.partitionOf(id),
      person: personal.person,
    }))
    const found = await readKeys(owners)
    return intents.map(({ id, personal }, i) => {
      const key = found[i]
      const plain = key && persons.open(key, personal.sealed, intentPlace(id))
      return plain && decodeSecrets(Buffer.from(plain).toString())
    })
  }

  async function sealAllSecrets(owned: readonly OwnedSecrets[]): Promise<Personal[]> {
    const found = await takeKeys(owned.map(({ id, person }) => ({ partition: keys.partitionOf(id), person })))
    return owned.map(({ id, person, secrets }, i) => {
      const plain = Buffer.from(encodeSecrets(secrets))
      return { person, sealed: persons.seal(found[i] as Key, plain, intentPlace(id)) }
    })
  }

  return {
    async sealSecrets(id, person, secrets) {
      const [personal] = await sealAllSecrets([{ id, person, secrets }])
      return personal as Personal
    },
    sealAllSecrets,
    async openSecrets<Secrets>(intent: Pick<Intent, 'id' | 'personal'>) {
      const [secrets] = await openAllSecrets([intent])
      return secrets as Secrets | undefined
    },
    openAllSecrets,
    async sealBodies(bodies) {
      const found = await readKeys(bodies)
      const chosen = await Promise.all(
        bodies.map((body, i) => {
          const key = found[i]
          if (key && persons.isUnder(key, body.beside)) return key
          return body.isForPerson ? (key ?? makeKey(body)) : throwAwayKey()
        }),
      )
      return bodies.map(({ id, opened }, i) => persons.seal(chosen[i] as Key, opened, receiptPlace(id)))
    },
    async openBody(owner, id, sealed) {
      const [key] = await readKeys([owner])
      const plain = key && persons.open(key, sealed, receiptPlace(id))
      return plain && Buffer.from(plain)
    },
    async forget(person) {
      const partitions = Array.from({ length: keys.partitions }, (_, partition) => partition)
      const gone = await Promise.all(partitions.map((partition) => redis.del(keys.person(partition, person))))
      return gone.reduce((sum, count) => sum + count, 0)
    },
  }
}

/** What a person's key is sealed for by the keyring. */
export const personPlace = (person: string) => `person:${person}`
/** And what is sealed under a person's key: for the intent or the receipt it belongs to. */
const intentPlace = (id: IntentId) => `intent:${id}`
export const receiptPlace = (id: string) => `receipt:${id}`

/** A cluster takes no command over several slots; one Redis answers them faster as one. */
async function getAll(redis: RedisClient, names: readonly string[]): Promise<(string | null)[]> {
  if (names.length === 0) return []
  if (!isCluster(redis)) return redis.mget(...names)
  return Promise.all(names.map((name) => redis.get(name)))
}
