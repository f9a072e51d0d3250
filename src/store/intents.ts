/** Intents with what is kept about them: read together for many at once, and committed together for many at once. */
import type { BatchTotals } from '../domain/batch.ts'
import type { Case } from '../domain/case.ts'
import { AppError, asAppError } from '../domain/errors.ts'
import type { AliasId, BatchId, IntentId, ReceiptId, TransferId } from '../domain/ids.ts'
import type { Intent } from '../domain/intent.ts'
import type { OpenReceipt, Receipt, ReceiptOutcome } from '../domain/receipt.ts'
import type { Heard } from '../domain/repeats.ts'
import type { RedisClient } from '../redis/client.ts'
import type { Archive } from './archive.ts'
import { decodeCase } from './case-write.ts'
import { decodeStored, encodePointer, type Stored } from './codec/codec.ts'
import { decodeHeard, readReceiptPlace } from './codec/heard.ts'
import { type KeptIntent, readIntentLine, readReceiptLine } from './codec/kept-intent.ts'
import { decodeReceipt, type ReceiptRecord } from './codec/receipt.ts'
import type { Tombstone } from './codec/tombstone.ts'
import { type CommitOutcome, type CommitRequest, composeCommit, type Revival, readCommit } from './commit.ts'
import type { Keys } from './keys.ts'
import { createLinks, linksOf } from './links.ts'
import { claimCommand, commitCommand, readCommand } from './scripts.ts'
import { type Command, readTogether, runTogether, splitForScripts } from './together.ts'
import { readTotals } from './totals.ts'
import {
  createTransaction,
  readTransactions,
  type Transaction,
  type TransactionOutcome,
  toCall,
} from './transaction.ts'
import { receiptPlace, type Sealer, type Vault } from './vault.ts'

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

export interface ParkRequest {
  target: Target
  account: string
  receipt: OpenReceipt
}

/** `registered`: it is there by now, so decide instead. `full`: the account has its share parked. */
export type ParkOutcome = 'parked' | 'registered' | 'full'

export interface IntentStore {
  load(targets: readonly Target[]): Promise<Loaded[]>
  /** Each by itself: one that fails says nothing about the others. */
  commitAll(requests: readonly CommitRequest[]): Promise<(CommitOutcome | Error)[]>
  parkAll(requests: readonly ParkRequest[]): Promise<(ParkOutcome | Error)[]>
  commit(request: CommitRequest): Promise<CommitOutcome>
  find(target: Target): Promise<Intent | undefined>
  findReceipt(intent: IntentId, receipt: ReceiptId): Promise<ReceiptRecord | undefined>
  /** A batch's transfers in their order, also of one that has left. */
  listMembers(batch: BatchId): Promise<TransferId[]>
  /** Notes whose the provider's numbers are, for a time, unless they are somebody's already; says whose they are. */
  claimNumbers(claims: readonly NumberClaim[]): Promise<Target[]>
  /** A number that is noted stands for this one from now on: a person says so. */
  moveNumber(number: AliasId, target: Target): Promise<void>
  /** The provider is to be asked about it now; false where that was so already. */
  ask(id: IntentId, at: number): Promise<boolean>
}

/** At once in one script, which holds up everybody else for well under a millisecond. */
const readMax = 64
const writtenMax = 16

export interface NumberClaim {
  number: AliasId
  target: Target
  ttlMs: number
}

export interface IntentStoreDeps {
  redis: RedisClient
  keys: Keys
  sealer: Sealer
  vault: Vault
  archive: Pick<Archive, 'read'>
  /** Of each account, over all partitions. */
  parkedMax(account: string): number
}

export function createIntentStore(deps: IntentStoreDeps): IntentStore {
  const { redis, keys, sealer, vault } = deps
  const links = createLinks({ redis, keys })
  /** Of the intents that were read from the archive: a commit on one brings it back. Nobody else has to know. */
  const revivals = new WeakMap<Intent, Revival>()

  async function readRecords(targets: readonly Target[]): Promise<FoundRecord[]> {
    const names = targets.map(keys.intent)
    const records: FoundRecord[] = []
    const parts = splitForScripts(redis, names, readMax)
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
    for (let from = 0; from < places.length; from += readAtOnce) {
      const some = places.slice(from, from + readAtOnce)
      await Promise.all(
        some.map(async ({ i, one }) => {
          loaded[i] = await bringBack(one)
        }),
      )
    }
  }

  async function bringBack({ id, left, text }: Left): Promise<Loaded> {
    try {
      const kept = readIntentLine(id, left, await deps.archive.read(left.place))
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
      if (intent.kind === 'batch') return [{ one, command: ['hgetall', keys.totals(intent.id)] }]
      if (!intent.hold) return []
      return [{ one, command: ['hget', keys.cases(keys.partitionOf(intent.id)), intent.hold.case] }]
    })
    const found = await readTogether(
      redis,
      wanted.map(({ command }) => command),
    )
    for (const [i, { one }] of wanted.entries()) {
      const value = found[i]
      if (one.intent.kind === 'batch') one.totals = readTotals(value)
      else if (typeof value === 'string') one.case = decodeCase(value)
    }
  }

  /** A receipt may leave before what it is about, and leaves with it at the latest. */
  async function findLeftReceipt(id: IntentId, receipt: ReceiptId): Promise<ReceiptRecord | undefined> {
    const known = (await redis.hget(keys.heard(id), receipt)) ?? (await readLeft(id))?.heard[receipt]
    const place = known === undefined ? undefined : readReceiptPlace(known)
    return place === undefined ? undefined : readReceiptLine(receipt, await deps.archive.read(place))
  }

  async function readLeft(id: IntentId): Promise<KeptIntent | undefined> {
    const text = await redis.get(keys.intent(id))
    const stored = text === null ? undefined : decodeStored(id, text)
    if (stored?.form !== 'tombstone') return undefined
    return readIntentLine(id, stored.left, await deps.archive.read(stored.left.place))
  }

  /** Several go out in one call. Where a call fails, so do all of it; those that were written are found so when they come again. */
  async function runAll(
    transactions: readonly Transaction[],
    mode: 'quiet' | '' = '',
  ): Promise<(TransactionOutcome | Error)[]> {
    const names = transactions.map((transaction) => transaction.place())
    const parts = splitForScripts(redis, names, writtenMax)
    const commands = parts.map((part): Command => {
      const call = toCall(
        part.map((i) => transactions[i] as Transaction),
        mode,
      )
      return [commitCommand, call.keys.length, ...call.keys, ...call.args]
    })
    const outcomes: (TransactionOutcome | Error)[] = []
    for (const [n, answer] of (await runTogether(redis, commands)).entries()) {
      const read = answer instanceof Error ? undefined : readTransactions(answer)
      for (const [k, i] of (parts[n] ?? []).entries()) outcomes[i] = read?.[k] ?? (answer as Error)
    }
    return outcomes
  }

  /** Bodies are sealed for the person whom the intent is about. */
  async function sealBodies(requests: readonly CommitRequest[]): Promise<(string | undefined)[]> {
    const owned = requests.flatMap((request, i) => {
      const intent = request.before ?? request.steps[0]?.intent
      if (!request.receipt || !intent) return []
      const { open, other } = request.receipt
      const { id, opened } = open
      const { person, sealed: beside } = intent.personal
      const isForPerson = needsPerson.has(request.receipt.outcome)
      return [{ i, id, opened, partition: keys.partitionOf(intent.id), person, other, beside, isForPerson }]
    })
    const sealed = await vault.sealBodies(owned)
    const bodies: (string | undefined)[] = requests.map(() => undefined)
    for (const [n, { i }] of owned.entries()) bodies[i] = sealed[n]
    return bodies
  }

  async function commitAll(requests: readonly CommitRequest[]): Promise<(CommitOutcome | Error)[]> {
    const bodies = await sealBodies(requests)
    const answers = await runAll(
      requests.map((request, i) =>
        composeCommit(keys, request, bodies[i], { revival: request.before && revivals.get(request.before) }),
      ),
      'quiet',
    )
    await makeLinks(requests.filter((_, i) => isWritten(answers[i])))
    return answers.map((answer, i) =>
      answer instanceof Error ? answer : readCommit(answer, requests[i] as CommitRequest),
    )
  }

  /** What is committed is committed: a link that cannot be made now stays due, and the sweep makes it. */
  async function makeLinks(written: readonly CommitRequest[]): Promise<void> {
    const due = written.flatMap(({ before, steps }) => {
      const after = steps.at(-1)?.intent
      return after ? linksOf(before, after) : []
    })
    await links.make(due).catch(() => {})
  }

  function composeParking({ target, account, receipt }: ParkRequest): Transaction {
    const { opened, ...head } = receipt
    const parked: Receipt = { ...head, body: sealer.seal(opened, receiptPlace(receipt.id)) }
    // Each partition has its share of the limit, so that one step can hold to it.
    const max = Math.ceil(deps.parkedMax(account) / keys.partitions)
    const counts = keys.parkedCounts(keys.partitionOf(target))
    return createTransaction()
      .check('waiting', keys.intent(target))
      .park(keys.parked(target), { counts, account, id: receipt.id, receipt: JSON.stringify(parked), max })
  }

  return {
    load,
    commitAll,
    async commit(request) {
      const [outcome] = await commitAll([request])
      if (!outcome || outcome instanceof Error) throw outcome ?? new AppError('internal-error')
      return outcome
    },
    async parkAll(requests) {
      const answers = await runAll(requests.map(composeParking))
      return answers.map((answer) => {
        if (answer instanceof Error) return answer
        if (answer.outcome === 'failed') return 'registered'
        return answer.results[0] === 1 ? 'parked' : 'full'
      })
    },
    async find(target) {
      const [loaded] = await load([target])
      if (loaded?.outcome === 'unreadable') throw loaded.error
      return loaded?.outcome === 'found' ? loaded.intent : undefined
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
    async claimNumbers(claims) {
      const names = claims.map(({ number }) => keys.intent(number))
      const parts = splitForScripts(redis, names, readMax)
      const commands = parts.map((part): Command => {
        const texts = part.flatMap((i) => {
          const { target, ttlMs } = claims[i] as NumberClaim
          return [encodePointer(target as IntentId), ttlMs]
        })
        return [claimCommand, part.length, ...part.map((i) => names[i] as string), ...texts]
      })
      const holders = claims.map(({ target }) => target)
      for (const [n, answer] of (await readTogether(redis, commands)).entries()) {
        for (const [k, i] of (parts[n] ?? []).entries()) {
          const text = (answer as (string | null)[])[k]
          const stored = text ? decodeStored(holders[i] as IntentId, text) : undefined
          if (stored?.form === 'pointer') holders[i] = stored.to
        }
      }
      return holders
    },
    async moveNumber(number, target) {
      const pointer = encodePointer(target as IntentId)
      await readTogether(redis, [['set', keys.intent(number), pointer, 'XX', 'KEEPTTL']])
    },
    async ask(id, at) {
      return (await redis.zadd(keys.watch(keys.partitionOf(id)), 'LT', 'CH', at, id)) === 1
    },
  }
}

function isWritten(answer: TransactionOutcome | Error | undefined): boolean {
  return answer !== undefined && !(answer instanceof Error) && answer.outcome === 'written'
}

/** What a person is shown, and may have decided anew. */
const needsPerson: ReadonlySet<ReceiptOutcome> = new Set(['held', 'awaits-person'])

/** Each takes up to a megabyte while it is unpacked. */
const readAtOnce = 8

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
