/**
 * Replays of callbacks: what was chosen, how far each has come, and what failed again. Whoever works on one notes each
 * stretch of steps once it is done, by compare-and-set on the number of those before it; so two who work on the same one,
 * since the lease of the first ran out, count no step twice, and after a crash the next goes on where the last note is.
 *
 * Nothing here is sealed: it holds ids, references, states and codes, and what an operator wrote.
 */
import {
  abortReplay,
  advanceReplay,
  type CallbackReplay,
  type ReplayFailure,
  type ReplayOutcome,
  type ReplayPlan,
  type ReplayStep,
  resumeReplay,
} from '../domain/callback-replay.ts'
import { AppError } from '../domain/errors.ts'
import type { ReplayId } from '../domain/ids.ts'
import type { RedisClient } from '../redis/client.ts'
import type { Keys } from './keys.ts'
import { commitCommand } from './scripts.ts'
import { type Command, readTogether } from './together.ts'
import { createTransaction, readTransaction, type Transaction } from './transaction.ts'

export interface ReplayPlans {
  /** Durable when it returns. At most so many run at once, and of those that have ended the newest are kept. */
  add(replay: CallbackReplay, plan: ReplayPlan, steps: readonly ReplayStep[]): Promise<'added' | 'too-many'>
  find(id: ReplayId): Promise<CallbackReplay | undefined>
  /** Newest first. */
  list(): Promise<CallbackReplay[]>
  running(): Promise<ReplayId[]>
  readPlan(id: ReplayId): Promise<ReplayPlan | undefined>
  readSteps(id: ReplayId, from: number, count: number): Promise<ReplayStep[]>
  /** The first of them. */
  readFailures(id: ReplayId): Promise<ReplayFailure[]>
  /** What became of the steps behind the first `from`; undefined where another has noted that, or it is gone. */
  advance(
    id: ReplayId,
    from: number,
    outcomes: readonly ReplayOutcome[],
    failures: readonly ReplayFailure[],
  ): Promise<CallbackReplay | undefined>
  /** As it stands then; undefined where there is none. One that had ended stays as it was. */
  abort(id: ReplayId): Promise<CallbackReplay | undefined>
  /** One that was aborted goes on; any other stays as it is. */
  resume(id: ReplayId): Promise<CallbackReplay | 'too-many' | undefined>
}

export interface ReplayPlansDeps {
  redis: RedisClient
  keys: Keys
  clock: () => number
}

export const replaysRunningMax = 5
const endedKept = 100
const failuresKept = 1_000
const stepsAtOnce = 500
/** Of what was written for a replay that was not added after all, since the process died. */
const orphanS = 3_600
/** Losing the race this often to others who change the same replay means that something is wrong. */
const attemptsMax = 16
/** Beside the replays in their hash: changes when one begins to run, so that two cannot both be the last that may. */
const versionField = 'version'

export function createReplayPlans({ redis, keys, clock }: ReplayPlansDeps): ReplayPlans {
  const place = keys.callbackReplays
  const runningPlace = keys.callbackReplaysRunning
  const parts = ['plan', 'steps', 'failures', 'lease'] as const

  async function commit(transaction: Transaction): Promise<boolean> {
    const call = transaction.toCall()
    const [answer] = await readTogether(redis, [
      [commitCommand, call.keys.length, ...call.keys, ...call.args],
    ])
    return readTransaction(answer).outcome === 'written'
  }

  async function readText(id: ReplayId): Promise<string | undefined> {
    return (await redis.hget(place, id)) ?? undefined
  }

  async function readAll(): Promise<{ replays: CallbackReplay[]; version: string }> {
    const { [versionField]: version = '', ...rest } = await redis.hgetall(place)
    const replays = Object.values(rest).map(decode)
    return { replays: replays.sort((a, b) => (a.id < b.id ? 1 : -1)), version }
  }

  /** So many that one more may not run; otherwise what has to be the same still when it does. */
  async function openPlace(): Promise<{ check: Transaction; tooOld: ReplayId[] } | 'too-many'> {
    const { replays, version } = await readAll()
    if (replays.filter(({ state }) => state === 'running').length >= replaysRunningMax) return 'too-many'
    const check = createTransaction()
      .check('field', place, versionField, version)
      .do('HSET', place, versionField, Number(version || '0') + 1)
    const ended = replays.filter(({ state }) => state !== 'running')
    return { check, tooOld: ended.slice(endedKept).map(({ id }) => id) }
  }

  async function writeSteps(id: ReplayId, plan: ReplayPlan, steps: readonly ReplayStep[]): Promise<void> {
    await redis.set(keys.callbackReplay(id, 'plan'), JSON.stringify(plan), 'EX', orphanS)
    const key = keys.callbackReplay(id, 'steps')
    for (let from = 0; from < steps.length; from += stepsAtOnce) {
      const texts = steps.slice(from, from + stepsAtOnce).map((step) => JSON.stringify(step))
      await readTogether(redis, [
        ['rpush', key, ...texts],
        ['expire', key, orphanS],
      ])
    }
  }

  /** Reads, decides and writes, until nobody came in between. */
  async function change(
    id: ReplayId,
    decide: (
      before: CallbackReplay,
      transaction: Transaction,
    ) => Promise<CallbackReplay | undefined> | CallbackReplay | undefined,
  ): Promise<CallbackReplay | undefined> {
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      const text = await readText(id)
      if (text === undefined) return undefined
      const before = decode(text)
      const transaction = createTransaction().check('field', place, id, text)
      const after = await decide(before, transaction)
      if (!after) return before
      transaction.do('HSET', place, id, encode(after))
      transaction.do(after.state === 'running' ? 'SADD' : 'SREM', runningPlace, id)
      if (await commit(transaction)) return after
    }
    throw new AppError('commit-contended', { detail: 'The replay is changing too quickly.' })
  }

  return {
    async add(replay, plan, steps) {
      const { id } = replay
      await writeSteps(id, plan, steps)
      for (let attempt = 1; attempt <= attemptsMax; attempt++) {
        const open = await openPlace()
        if (open === 'too-many') return open
        const { check: transaction, tooOld } = open
        transaction.do('HSET', place, id, encode(replay))
        transaction.do('PERSIST', keys.callbackReplay(id, 'plan'))
        transaction.do('PERSIST', keys.callbackReplay(id, 'steps'))
        if (replay.state === 'running') transaction.do('SADD', runningPlace, id)
        for (const old of tooOld) {
          transaction.do('HDEL', place, old)
          for (const part of parts) transaction.do('UNLINK', keys.callbackReplay(old, part))
        }
        if (await commit(transaction)) return 'added'
      }
      throw new AppError('commit-contended', { detail: 'The replays are changing too quickly.' })
    },

    async find(id) {
      const text = await readText(id)
      return text === undefined ? undefined : decode(text)
    },
    list: async () => (await readAll()).replays,
    running: async () => (await redis.smembers(runningPlace)).sort() as ReplayId[],

    async readPlan(id) {
      const text = await redis.get(keys.callbackReplay(id, 'plan'))
      return text === null ? undefined : (JSON.parse(text) as ReplayPlan)
    },
    async readSteps(id, from, count) {
      const texts = await redis.lrange(keys.callbackReplay(id, 'steps'), from, from + count - 1)
      return texts.map((text) => JSON.parse(text) as ReplayStep)
    },
    async readFailures(id) {
      const key = keys.callbackReplay(id, 'failures')
      const [texts] = (await readTogether(redis, [['lrange', key, 0, failuresKept - 1] as Command])) as [
        string[],
      ]
      return texts.map((text) => JSON.parse(text) as ReplayFailure)
    },

    async advance(id, from, outcomes, failures) {
      let isMine = false
      const after = await change(id, (before, transaction) => {
        isMine = before.done === from
        if (!isMine) return undefined
        if (failures.length > 0) {
          const key = keys.callbackReplay(id, 'failures')
          transaction.do('RPUSH', key, ...failures.map((failure) => JSON.stringify(failure)))
          transaction.do('LTRIM', key, 0, failuresKept - 1)
        }
        const next = advanceReplay(before, outcomes, clock())
        // What is done cannot be resumed, so nobody asks for its steps again.
        if (next.state === 'done') transaction.do('UNLINK', keys.callbackReplay(id, 'steps'))
        return next
      })
      return isMine ? after : undefined
    },

    abort: (id) => change(id, (before) => abortReplay(before, clock())),

    async resume(id) {
      let tooMany = false
      const after = await change(id, async (before, transaction) => {
        const next = resumeReplay(before)
        if (!next) return undefined
        const { replays } = await readAll()
        tooMany = replays.filter(({ state }) => state === 'running').length >= replaysRunningMax
        if (tooMany) return undefined
        transaction.do('HINCRBY', place, versionField, 1)
        return next
      })
      return tooMany ? 'too-many' : after
    },
  }
}

function encode(replay: CallbackReplay): string {
  return JSON.stringify({ v: 1, ...replay })
}

function decode(text: string): CallbackReplay {
  const { v: _, ...replay } = JSON.parse(text) as CallbackReplay & { v: 1 }
  return replay
}
