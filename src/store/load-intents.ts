/** Reads intents with what is kept about them, wherever they rest: in Redis, behind a pointer, or in the archive. */
import type { BatchTotals } from '../domain/batch.ts'
import type { Case } from '../domain/case.ts'
import { type AppError, asAppError } from '../domain/errors.ts'
import type { AliasId, BatchId, IntentId, ReceiptId, TransferId } from '../domain/ids.ts'
import type { Intent } from '../domain/intent.ts'
import type { Heard } from '../domain/repeats.ts'
import type { RedisClient } from '../redis/client.ts'
import type { Archive } from './archive.ts'
import { decodeCase } from './case-write.ts'
import { decodeStored, type Stored } from './codec/codec.ts'
import { decodeHeard, readReceiptPlace } from './codec/heard.ts'
import { type KeptIntent, readIntentLine, readReceiptLine } from './codec/kept-intent.ts'
import { decodeReceipt, type ReceiptRecord } from './codec/receipt.ts'
import type { Tombstone } from './codec/tombstone.ts'
import type { Revival } from './commit.ts'
import type { Keys } from './keys.ts'
import { readCommand } from './scripts.ts'
import { type Command, readAtOnceMax, readTogether, splitForScripts } from './together.ts'
import { readTotals } from './totals.ts'

export type Target = IntentId | AliasId

export type Loaded =
  | { outcome: 'found'; intent: Intent; heard: Heard[]; totals?: LoadedTotals; case?: Case }
  /** It has left, and the archive does not give it out: nothing may be concluded. */
  | { outcome: 'unreadable'; error: AppError }
  /** Nothing is there, or a registration is under way: what is about it waits. */
  | { outcome: 'unknown' }

export interface LoadedTotals {
  totals: BatchTotals
  version: string
}

export interface IntentReader {
  load(targets: readonly Target[]): Promise<Loaded[]>
  /** All that it has heard, also of one that has left. */
  listReceipts(intent: IntentId): Promise<ReceiptId[]>
  findReceipt(intent: IntentId, receipt: ReceiptId): Promise<ReceiptRecord | undefined>
  /** A batch's transfers in their order, also of one that has left. */
  listMembers(batch: BatchId): Promise<TransferId[]>
  /** Of an intent that `load` read from the archive: a commit on it brings it back. */
  revivalOf(intent: Intent): Revival | undefined
}

export interface IntentReaderDeps {
  redis: RedisClient
  keys: Keys
  archive: Pick<Archive, 'read'>
}

export function createIntentReader({ redis, keys, archive }: IntentReaderDeps): IntentReader {
  const revivals = new WeakMap<Intent, Revival>()

  async function readRecords(targets: readonly Target[]): Promise<FoundRecord[]> {
    const names = targets.map(keys.intent)
    const records: FoundRecord[] = []
    const parts = splitForScripts(redis, names, readAtOnceMax)
    const commands = parts.map((part): Command => {
      const both = part.flatMap((i) => [names[i] as string, keys.heard(targets[i] as IntentId)])
      return [readCommand, both.length, ...both]
    })
    for (const [n, answer] of (await readTogether(redis, commands)).entries()) {
      const flat = answer as [string | null, string[]]
      for (const [k, i] of (parts[n] ?? []).entries())
        records[i] = { text: flat[2 * k] as string | null, heard: flat[2 * k + 1] as string[] }
    }
    return records
  }

  async function load(targets: readonly Target[]): Promise<Loaded[]> {
    const found = await readRecords(targets)
    const loaded = targets.map((id, i) => readLoaded(id, found[i]))
    await Promise.all([follow(loaded), fetchLeft(loaded)])
    const whole = loaded as Loaded[]
    await addBesides(whole)
    return whole
  }

  /** A pointer leads to a record and never to another pointer. */
  async function follow(loaded: Found[]): Promise<void> {
    const places = loaded.flatMap((one, i) => (one.outcome === 'elsewhere' ? [{ i, to: one.to }] : []))
    if (places.length === 0) return
    const found = await load(places.map(({ to }) => to))
    for (const [n, { i }] of places.entries()) loaded[i] = found[n] ?? { outcome: 'unknown' }
  }

  async function fetchLeft(loaded: Found[]): Promise<void> {
    const places = loaded.flatMap((one, i) => (one.outcome === 'left' ? [{ i, one }] : []))
    for (let from = 0; from < places.length; from += unpackedAtOnce) {
      const some = places.slice(from, from + unpackedAtOnce)
      await Promise.all(
        some.map(async ({ i, one }) => {
          loaded[i] = await bringBack(one)
        }),
      )
    }
  }

  async function bringBack({ id, left, text }: Left): Promise<Loaded> {
    try {
      const kept = readIntentLine(id, left, await archive.read(left.place))
      revivals.set(kept.intent, { tombstone: text, kept })
      return { outcome: 'found', intent: kept.intent, heard: decodeHeard(Object.entries(kept.heard).flat()) }
    } catch (error) {
      return { outcome: 'unreadable', error: asAppError(error) }
    }
  }

  /** The totals of batches, and the cases of what is held. */
  async function addBesides(loaded: readonly Loaded[]): Promise<void> {
    const wanted = loaded.flatMap((one): { one: Loaded & { outcome: 'found' }; command: Command }[] => {
      if (one.outcome !== 'found') return []
      const { intent } = one
      const { id, kind, hold } = intent
      return [
        ...(kind === 'batch' ? [{ one, command: ['hgetall', keys.totals(id)] as Command }] : []),
        ...(hold ? [{ one, command: ['hget', keys.cases(keys.partitionOf(id)), hold.case] as Command }] : []),
      ]
    })
    const found = await readTogether(
      redis,
      wanted.map(({ command }) => command),
    )
    for (const [i, { one, command }] of wanted.entries()) {
      const value = found[i]
      if (command[0] === 'hgetall') one.totals = readTotals(value)
      else if (typeof value === 'string') one.case = decodeCase(value)
    }
  }

  /** A receipt may leave before what it is about, and leaves with it at the latest. */
  async function findLeftReceipt(id: IntentId, receipt: ReceiptId): Promise<ReceiptRecord | undefined> {
    const known = (await redis.hget(keys.heard(id), receipt)) ?? (await readLeft(id))?.heard[receipt]
    const place = known === undefined ? undefined : readReceiptPlace(known)
    return place === undefined ? undefined : readReceiptLine(receipt, await archive.read(place))
  }

  async function readLeft(id: IntentId): Promise<KeptIntent | undefined> {
    const text = await redis.get(keys.intent(id))
    const stored = text === null ? undefined : decodeStored(id, text)
    if (stored?.form !== 'tombstone') return undefined
    return readIntentLine(id, stored.left, await archive.read(stored.left.place))
  }

  return {
    load,
    revivalOf: (intent) => revivals.get(intent),
    async listReceipts(intent) {
      const here = await redis.hkeys(keys.heard(intent))
      return (here.length > 0 ? here : Object.keys((await readLeft(intent))?.heard ?? {})) as ReceiptId[]
    },
    async findReceipt(intent, receipt) {
      const text = await redis.get(keys.receipt(keys.partitionOf(intent), receipt))
      return text === null ? findLeftReceipt(intent, receipt) : decodeReceipt(text)
    },
    async listMembers(batch) {
      const members = await redis.zrange(keys.members(batch), 0, '-1')
      const all = members.length > 0 ? members : ((await readLeft(batch))?.members ?? []).map(([id]) => id)
      return all as TransferId[]
    },
  }
}

/** Each takes up to a megabyte while it is unpacked. */
const unpackedAtOnce = 8

type Left = { outcome: 'left'; id: IntentId; left: Tombstone; text: string }
type Found = Loaded | Left | { outcome: 'elsewhere'; to: IntentId }

interface FoundRecord {
  text: string | null
  heard: string[]
}

/** One that cannot be read says nothing about the others. */
function readStored(id: Target, text: string): Stored | { form: 'unreadable'; error: AppError } {
  try {
    return decodeStored(id as IntentId, text)
  } catch (error) {
    return { form: 'unreadable', error: asAppError(error) }
  }
}

function readLoaded(id: Target, found: FoundRecord | undefined): Found {
  if (typeof found?.text !== 'string') return { outcome: 'unknown' }
  const { text } = found
  const stored = readStored(id, text)
  switch (stored.form) {
    case 'unreadable':
      return { outcome: 'unreadable', error: stored.error }
    case 'record':
      return {
        outcome: 'found',
        intent: stored.intent,
        heard: decodeHeard(found.heard),
      }
    case 'pointer':
      return { outcome: 'elsewhere', to: stored.to }
    case 'tombstone':
      return { outcome: 'left', id: id as IntentId, left: stored.left, text }
    case 'claim':
      return { outcome: 'unknown' }
  }
}
