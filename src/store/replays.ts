/**
 * Replays: stretches of the log that are sent to a subscription again. They lie where their subscription lies, by run, in
 * one hash; a field beside them counts the changes to a subscription's own, so that two who add at the same moment cannot
 * both be the fifth. How far a replay has come is not here but beside the log, with the other runs.
 */
import { AppError } from '../domain/errors.ts'
import type { RunId, SubscriptionId } from '../domain/ids.ts'
import type { Replay } from '../domain/subscription.ts'
import type { RedisClient } from '../redis/client.ts'
import type { Keys } from './keys.ts'
import { commitCommand } from './scripts.ts'
import { readTogether } from './together.ts'
import { createTransaction, readTransaction, type Transaction } from './transaction.ts'

export type ReplayEnd = NonNullable<Replay['ended']>['because']

export interface EndedReplay {
  /** As it stands then. */
  replay: Replay
  /** It had not ended before. */
  isNew: boolean
}

export interface Replays {
  /** At most so many run at once, and of those that have ended the newest are kept. */
  add(replay: Replay): Promise<'added' | 'too-many'>
  /** Newest first. */
  list(subscription: SubscriptionId): Promise<Replay[]>
  find(subscription: SubscriptionId, run: RunId): Promise<Replay | undefined>
  /** Those of every subscription that are still running. */
  running(): Promise<Replay[]>
  /** Undefined where there is none. One that had ended before stays as it was. */
  end(subscription: SubscriptionId, run: RunId, because: ReplayEnd): Promise<EndedReplay | undefined>
  /** All of a subscription that still run, as it is disabled. */
  endAll(subscription: SubscriptionId, because: ReplayEnd): Promise<void>
  /** With the subscription. */
  remove(subscription: SubscriptionId): Promise<void>
}

export interface ReplaysDeps {
  redis: RedisClient
  keys: Keys
  clock: () => number
}

export const runningMax = 5
const endedKept = 20
/** Losing the race this often to others who change the same replays means that something is wrong. */
const attemptsMax = 16

/** All of one subscription as they were read, with the text of each that is compared before it is replaced. */
interface Seen {
  replays: Replay[]
  texts: Map<RunId, string>
  version: string
}

export function createReplays({ redis, keys, clock }: ReplaysDeps): Replays {
  const placeOf = (subscription: SubscriptionId) => keys.replays(keys.partitionOf(subscription))

  async function read(subscription: SubscriptionId): Promise<Seen> {
    const fields = await redis.hgetall(placeOf(subscription))
    const own = decodeAll(fields).filter((replay) => replay.subscription === subscription)
    return {
      replays: own.sort((a, b) => (a.id < b.id ? 1 : -1)),
      texts: new Map(own.map(({ id }) => [id, fields[id] ?? ''])),
      version: fields[versionField(subscription)] ?? '',
    }
  }

  /** Reads, decides and writes, until nobody came in between. */
  async function change<Answer>(
    subscription: SubscriptionId,
    decide: (seen: Seen, transaction: Transaction) => { changed: boolean; answer: Answer; gone?: RunId[] },
  ): Promise<Answer> {
    const place = placeOf(subscription)
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      const seen = await read(subscription)
      const field = versionField(subscription)
      const transaction = createTransaction().check('field', place, field, seen.version)
      const { changed, answer, gone = [] } = decide(seen, transaction)
      if (!changed) return answer
      if (gone.length > 0) transaction.do('HDEL', place, ...gone)
      transaction.do('HSET', place, field, Number(seen.version || '0') + 1)
      if (await commit(transaction)) return answer
    }
    throw new AppError('commit-contended', { detail: 'The replays are changing too quickly.' })
  }

  async function commit(transaction: Transaction): Promise<boolean> {
    const call = transaction.toCall()
    const [answer] = await readTogether(redis, [
      [commitCommand, call.keys.length, ...call.keys, ...call.args],
    ])
    return readTransaction(answer).outcome === 'written'
  }

  async function find(subscription: SubscriptionId, run: RunId): Promise<Replay | undefined> {
    const text = await redis.hget(placeOf(subscription), run)
    const found = text === null ? undefined : decode(text)
    return found?.subscription === subscription ? found : undefined
  }

  async function end(
    subscription: SubscriptionId,
    run: RunId,
    because: ReplayEnd,
  ): Promise<EndedReplay | undefined> {
    const ended = { at: clock(), because }
    return change<EndedReplay | undefined>(subscription, ({ replays }, transaction) => {
      const before = replays.find(({ id }) => id === run)
      if (!before || !isRunning(before)) {
        return { changed: false, answer: before && { replay: before, isNew: false } }
      }
      const after: Replay = { ...before, ended }
      transaction.do('HSET', placeOf(subscription), run, encode(after))
      return {
        changed: true,
        answer: { replay: after, isNew: true },
        gone: tooOld(replays.map((one) => (one === before ? after : one))),
      }
    })
  }

  return {
    find,
    end,

    add: (replay) =>
      change<'added' | 'too-many'>(replay.subscription, ({ replays }, transaction) => {
        if (replays.filter(isRunning).length >= runningMax) return { changed: false, answer: 'too-many' }
        transaction.do('HSET', placeOf(replay.subscription), replay.id, encode(replay))
        return { changed: true, answer: 'added', gone: tooOld(replays) }
      }),

    list: async (subscription) => (await read(subscription)).replays,

    async running() {
      const places = Array.from({ length: keys.partitions }, (_, partition) => keys.replays(partition))
      const all = await readTogether(
        redis,
        places.map((place) => ['hgetall', place]),
      )
      return all.flatMap((fields) => decodeAll(fields as Record<string, string>)).filter(isRunning)
    },

    async endAll(subscription, because) {
      const { replays } = await read(subscription)
      for (const { id } of replays.filter(isRunning)) await end(subscription, id, because)
    },

    async remove(subscription) {
      await change<void>(subscription, ({ replays }) => ({
        changed: replays.length > 0,
        answer: undefined,
        gone: replays.map(({ id }) => id),
      }))
      await redis.hdel(placeOf(subscription), versionField(subscription))
    },
  }
}

export function isRunning({ ended }: Replay): boolean {
  return ended === undefined
}

/** Of a list, newest first. */
function tooOld(replays: readonly Replay[]): RunId[] {
  return replays
    .filter((one) => !isRunning(one))
    .slice(endedKept)
    .map(({ id }) => id)
}

const versionMark = 'version '

function versionField(subscription: SubscriptionId): string {
  return versionMark + subscription
}

function decodeAll(fields: Record<string, string>): Replay[] {
  return Object.entries(fields).flatMap(([field, text]) =>
    field.startsWith(versionMark) ? [] : [decode(text)],
  )
}

function encode(replay: Replay): string {
  return JSON.stringify({ v: 1, ...replay })
}

function decode(text: string): Replay {
  const { v: _, ...replay } = JSON.parse(text) as Replay & { v: 1 }
  return replay
}
