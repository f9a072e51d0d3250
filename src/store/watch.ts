/**
 * What is to be done about pending intents, and by whom. An account's are in an index by when something is to be done about them
 * next. What is due gets a turn, by how much money it is about, and turns are taken by one process at a time: what was
 * taken comes back by itself where its taker is never heard of again.
 */
import type { IntentId } from '../domain/ids.ts'
import type { RedisClient } from '../redis/client.ts'
import type { Keys, Lane } from './keys.ts'
import { promoteCommand, takeCommand, watchCommand } from './scripts.ts'
import { type Command, readTogether } from './together.ts'

export interface Due {
  id: IntentId
  /** When it was due, as it was seen. */
  seenAt: number
}

export interface Move {
  id: IntentId
  /** Undefined: nothing is awaited of it any more. */
  at: number | undefined
  /** Where it has to be for that, or it stays: somebody has wished for it sooner. */
  seenAt: readonly number[]
}

export interface Watch {
  /** Some of those that are due, of each partition, the longest due first. */
  listDue(account: string, now: number): Promise<Due[]>
  /** They come back at `until` where their turn is lost. Says how many. */
  promote(
    account: string,
    lane: Lane,
    due: readonly (Due & { minor: bigint })[],
    until: number,
  ): Promise<number>
  /** The largest, over all partitions; nobody else has them until then. */
  take(account: string, lane: Lane, count: number, until: number): Promise<IntentId[]>
  /** Says which were moved. */
  move(account: string, moves: readonly Move[]): Promise<IntentId[]>
  /** Something is to be done about those of them that are still pending. */
  nudge(account: string, ids: readonly IntentId[], at: number): Promise<void>
  /** Undefined where it was long enough ago. */
  askedAt(ids: readonly IntentId[]): Promise<Map<IntentId, number>>
  /** False where somebody asks at this moment, or did within this time. */
  noteAsked(id: IntentId, now: number, quietMs: number): Promise<boolean>
  /** It could not be asked. */
  forgetAsked(id: IntentId): Promise<void>
  count(account: string): Promise<{ pending: number; overdue: number }>
}

/** Of each partition in one round. */
const dueAtOnce = 64
const movedAtOnce = 500

export function createWatch({ redis, keys }: { redis: RedisClient; keys: Keys }): Watch {
  const partitions = Array.from({ length: keys.partitions }, (_, partition) => partition)

  /** By partition: what one step touches lies in one. */
  function split<One extends { id: IntentId }>(all: readonly One[]): [number, One[]][] {
    const parts = new Map<number, One[]>()
    for (const one of all) {
      const partition = keys.partitionOf(one.id)
      const part = parts.get(partition)
      if (part) part.push(one)
      else parts.set(partition, [one])
    }
    return [...parts].flatMap(([partition, part]) =>
      chunk(part, movedAtOnce).map((some): [number, One[]] => [partition, some]),
    )
  }

  async function listTurns(account: string, lane: Lane, count: number): Promise<IntentId[]> {
    const found = await readTogether(
      redis,
      partitions.map(
        (partition): Command => [
          'zrange',
          keys.turn(partition, account, lane),
          0,
          count - 1,
          'REV',
          'WITHSCORES',
        ],
      ),
    )
    return (found as string[][])
      .flatMap(readScores)
      .sort((one, other) => other.score - one.score)
      .slice(0, count)
      .map(({ name }) => name as IntentId)
  }

  return {
    async listDue(account, now) {
      const found = await readTogether(
        redis,
        partitions.map(
          (partition): Command => [
            'zrange',
            keys.watch(partition, account),
            '-inf',
            now,
            'BYSCORE',
            'LIMIT',
            0,
            dueAtOnce,
            'WITHSCORES',
          ],
        ),
      )
      return (found as string[][])
        .flatMap(readScores)
        .map(({ name, score }) => ({ id: name as IntentId, seenAt: score }))
    },

    async promote(account, lane, due, until) {
      const given = await readTogether(
        redis,
        split(due).map(([partition, some]): Command => {
          const places = [keys.watch(partition, account), keys.turn(partition, account, lane)]
          return [
            promoteCommand,
            ...places,
            until,
            ...some.flatMap(({ id, seenAt, minor }) => [id, seenAt, minor.toString()]),
          ]
        }),
      )
      return (given as number[]).reduce((sum, count) => sum + count, 0)
    },

    async take(account, lane, count, until) {
      const ids = count > 0 ? await listTurns(account, lane, count) : []
      const taken = await readTogether(
        redis,
        split(ids.map((id) => ({ id }))).map(([partition, some]): Command => {
          const places = [keys.turn(partition, account, lane), keys.watch(partition, account)]
          return [takeCommand, ...places, until, ...some.map(({ id }) => id)]
        }),
      )
      const mine = new Set((taken as IntentId[][]).flat())
      return ids.filter((id) => mine.has(id))
    },

    async move(account, moves) {
      const moved = await readTogether(
        redis,
        split(moves).map(
          ([partition, some]): Command => [
            watchCommand,
            keys.watch(partition, account),
            ...some.flatMap(({ id, at, seenAt }) => [id, at ?? '', seenAt.length, ...seenAt]),
          ],
        ),
      )
      return (moved as IntentId[][]).flat()
    },

    async nudge(account, ids, at) {
      await readTogether(
        redis,
        split(ids.map((id) => ({ id }))).map(
          ([partition, some]): Command => [
            'zadd',
            keys.watch(partition, account),
            'XX',
            'LT',
            ...some.flatMap(({ id }) => [at, id]),
          ],
        ),
      )
    },

    async askedAt(ids) {
      const found = await readTogether(
        redis,
        ids.map((id): Command => ['get', keys.askedAt(id)]),
      )
      return new Map(
        ids.flatMap((id, i) => (typeof found[i] === 'string' ? [[id, Number(found[i])] as const] : [])),
      )
    },

    async noteAsked(id, now, quietMs) {
      const before = await redis.set(keys.askedAt(id), now, 'PX', Math.max(1, quietMs), 'GET')
      return before === null || now - Number(before) >= quietMs
    },

    async forgetAsked(id) {
      await redis.del(keys.askedAt(id))
    },

    async count(account) {
      const counts = await readTogether(
        redis,
        partitions.flatMap((partition): Command[] => [
          ['zcard', keys.watch(partition, account)],
          ['zcard', keys.overdue(partition, account)],
        ]),
      )
      const sum = (from: number) =>
        counts.reduce<number>((all, one, i) => (i % 2 === from ? all + Number(one) : all), 0)
      return { pending: sum(0), overdue: sum(1) }
    },
  }
}

function readScores(flat: readonly string[]): { name: string; score: number }[] {
  return flat.flatMap((name, i) => (i % 2 === 0 ? [{ name, score: Number(flat[i + 1]) }] : []))
}

function chunk<Each>(all: readonly Each[], size: number): Each[][] {
  const count = Math.ceil(all.length / size)
  return Array.from({ length: count }, (_, i) => all.slice(i * size, (i + 1) * size))
}
