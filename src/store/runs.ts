/**
 * How far each run of a subscription has come, partition by partition. A run whose cursor is not there yet stands where it
 * was begun, so to begin one writes nothing here; `wake` only says that it is to be looked at.
 *
 * A turn claims the cursor before it sends anything: the version moves, and whoever held it before can commit no page any
 * more. A page and a line are each one transaction, compared with what was read.
 */
import type { DeliveryNote } from '../domain/delivery.ts'
import type { RunId, SubscriptionId } from '../domain/ids.ts'
import type { Line, Subject } from '../domain/line.ts'
import { comparePositions } from '../domain/position.ts'
import type { RedisClient } from '../redis/client.ts'
import { type HistoryLimits, noteDeliveries } from './deliveries.ts'
import type { Keys } from './keys.ts'
import {
  type Cursor,
  countField,
  countNames,
  decodeCursor,
  decodeLine,
  encodeCursor,
  isCursorField,
  type LineWrite,
  type RunCounts,
  writeCounts,
  writeLine,
} from './run-write.ts'
import { commitCommand } from './scripts.ts'
import { type Command, readTogether } from './together.ts'
import { createTransaction, readTransaction, type Transaction } from './transaction.ts'

export interface RunPlace {
  partition: number
  run: RunId
}

export interface KeptLine {
  subject: Subject
  /** As it rests: what a change is compared with. */
  text: string
  line: Line
}

export interface RunState {
  /** Missing before the first turn. */
  cursor: Cursor | undefined
  /** How many lines there are. */
  lines: number
  /** The first of those that are due. */
  due: KeptLine[]
  /** When it asks to be looked at. */
  dueAt: number | undefined
}

export interface RunProgress extends RunCounts {
  partition: number
  /** Missing before the first turn. */
  position: string | undefined
  /** Lines. */
  waiting: number
}

/** What one transaction writes of a run. */
export interface RunCommit {
  subscription: SubscriptionId
  lines: readonly LineWrite[]
  notes: readonly DeliveryNote[]
  at: number
  /** Whose figures it counts in; missing: those of the run itself. */
  countIn?: RunId | undefined
}

export type PageOutcome =
  | { outcome: 'written'; cursor: Cursor }
  /** Somebody else holds the cursor, or the run is gone. */
  | { outcome: 'lost' }
  /** One of the lines is not as it was read. */
  | { outcome: 'lines-changed' }

export interface Runs {
  read(place: RunPlace, at: number, limit: number): Promise<RunState>
  /** Those of these subjects that are there. */
  findLines(place: RunPlace, subjects: readonly Subject[]): Promise<KeptLine[]>
  /** By when they are looked at next. */
  listLines(place: RunPlace, request: { limit: number; offset?: number }): Promise<KeptLine[]>
  /** The position of the earliest event that is in a line. */
  earliestWaiting(place: RunPlace): Promise<string | undefined>
  /** Moves the version, and nothing else; undefined where somebody else was quicker. `from`: where one stands that is new. */
  claim(
    place: RunPlace,
    cursor: Cursor | undefined,
    from: { position: string; subscription: SubscriptionId },
  ): Promise<Cursor | undefined>
  commitPage(place: RunPlace, cursor: Cursor, position: string, commit: RunCommit): Promise<PageOutcome>
  /** Without the cursor. False where one of them is not as it was read. */
  commitLines(place: RunPlace, commit: RunCommit): Promise<boolean>
  /** That it is looked at now, in every partition or in one. */
  wake(run: RunId, at: number, partition?: number): Promise<void>
  /** Says anew when the run is to be looked at: when the first of its lines is due. */
  reschedule(place: RunPlace): Promise<void>
  /** The runs of a partition that ask to be looked at. */
  due(partition: number, at: number, limit: number): Promise<RunId[]>
  /** In every partition. */
  progressOf(run: RunId): Promise<RunProgress[]>
  /** Those that have a cursor in this partition. */
  cursors(partition: number): Promise<Map<RunId, Cursor>>
  /** Those of this partition that have lines, or have asked to be looked at. */
  waiting(partition: number): Promise<RunId[]>
  /** What is left of it in this partition. */
  forget(place: RunPlace): Promise<void>
  /** What was noted of a subscription that is no more. */
  forgetHistory(partition: number, subscription: SubscriptionId): Promise<void>
}

export interface RunsDeps {
  redis: RedisClient
  keys: Keys
  limits?: HistoryLimits
}

const scannedAtOnce = 500

export function createRuns({ redis, keys, limits }: RunsDeps): Runs {
  const partitions = Array.from({ length: keys.partitions }, (_, partition) => partition)

  async function commit(transaction: Transaction) {
    const call = transaction.toCall()
    const [answer] = await readTogether(redis, [
      [commitCommand, call.keys.length, ...call.keys, ...call.args],
    ])
    return readTransaction(answer)
  }

  async function findLines(place: RunPlace, subjects: readonly Subject[]): Promise<KeptLine[]> {
    if (subjects.length === 0) return []
    const texts = await redis.hmget(keys.lines(place.partition, place.run), ...subjects)
    return subjects.flatMap((subject, i) => {
      const text = texts[i]
      return text ? [{ subject, text, line: decodeLine(text) }] : []
    })
  }

  function write(transaction: Transaction, place: RunPlace, commit: RunCommit) {
    const { subscription, lines, notes, at, countIn = place.run } = commit
    for (const one of lines) writeLine(transaction, keys, place, one)
    writeCounts(transaction, keys, { ...place, run: countIn }, countNotes(notes))
    noteDeliveries(transaction, keys, place.partition, subscription, notes, at, limits)
    if (lines.length > 0) schedule(transaction, place)
  }

  function schedule(transaction: Transaction, { partition, run }: RunPlace): Transaction {
    return transaction.schedule(keys.runsDue(partition), { lines: keys.linesDue(partition, run), run })
  }

  const moveTo = (transaction: Transaction, { partition, run }: RunPlace, cursor: Cursor) =>
    transaction.do('HSET', keys.runs(partition), run, encodeCursor(cursor))

  return {
    findLines,

    async read({ partition, run }, at, limit) {
      const due = keys.linesDue(partition, run)
      const [text, lines, subjects, dueAt] = (await readTogether(redis, [
        ['hget', keys.runs(partition), run],
        ['zcard', due],
        ['zrangebyscore', due, '-inf', at, 'LIMIT', 0, limit],
        ['zscore', keys.runsDue(partition), run],
      ])) as [string | null, number, Subject[], string | null]
      return {
        cursor: text === null ? undefined : decodeCursor(text),
        lines,
        due: await findLines({ partition, run }, subjects),
        dueAt: dueAt === null ? undefined : Number(dueAt),
      }
    },

    async listLines(place, { limit, offset = 0 }) {
      const due = keys.linesDue(place.partition, place.run)
      const subjects = await redis.zrange(due, String(offset), String(offset + limit - 1))
      return findLines(place, subjects as Subject[])
    },

    async earliestWaiting({ partition, run }) {
      const lines = keys.lines(partition, run)
      let earliest: string | undefined
      let cursor = '0'
      do {
        const [next, fields] = await redis.hscan(lines, cursor, 'COUNT', scannedAtOnce)
        for (let i = 1; i < fields.length; i += 2) {
          // Of a line the first came first.
          const position = decodeLine(fields[i] as string).events[0]?.position
          if (position === undefined) continue
          if (earliest === undefined || comparePositions(position, earliest) < 0) earliest = position
        }
        cursor = next
      } while (cursor !== '0')
      return earliest
    },

    async claim(place, before, from) {
      const after = before
        ? { ...before, version: before.version + 1 }
        : { position: from.position, version: 1, subscription: from.subscription }
      const transaction = createTransaction()
      transaction.check('field', keys.runs(place.partition), place.run, before ? encodeCursor(before) : '')
      const answer = await commit(moveTo(transaction, place, after))
      return answer.outcome === 'written' ? after : undefined
    },

    async commitPage(place, before, position, page) {
      const after = { ...before, position, version: before.version + 1 }
      const transaction = createTransaction()
      transaction.check('field', keys.runs(place.partition), place.run, encodeCursor(before))
      write(moveTo(transaction, place, after), place, page)
      const answer = await commit(transaction)
      if (answer.outcome === 'written') return { outcome: 'written', cursor: after }
      return { outcome: answer.check === 1 ? 'lost' : 'lines-changed' }
    },

    async commitLines(place, lines) {
      const transaction = createTransaction()
      write(transaction, place, lines)
      return (await commit(transaction)).outcome === 'written'
    },

    async wake(run, at, partition) {
      const places = partition === undefined ? partitions : [partition]
      await readTogether(
        redis,
        places.map((one): Command => ['zadd', keys.runsDue(one), 'LT', at, run]),
      )
    },

    async reschedule(place) {
      await commit(schedule(createTransaction(), place))
    },

    due: (partition, at, limit) =>
      redis.zrangebyscore(keys.runsDue(partition), '-inf', at, 'LIMIT', 0, limit) as Promise<RunId[]>,

    async progressOf(run) {
      const fields = [run, ...countNames.map((name) => countField(run, name))]
      const answers = await readTogether(
        redis,
        partitions.flatMap((partition): Command[] => [
          ['hmget', keys.runs(partition), ...fields],
          ['zcard', keys.linesDue(partition, run)],
        ]),
      )
      return partitions.map((partition) => {
        const [text, ...counts] = answers[partition * 2] as (string | null)[]
        const [delivered = 0, failed = 0, skipped = 0] = counts.map(Number)
        const position = text ? decodeCursor(text).position : undefined
        return {
          partition,
          position,
          delivered,
          failed,
          skipped,
          waiting: answers[partition * 2 + 1] as number,
        }
      })
    },

    async cursors(partition) {
      const fields = await redis.hgetall(keys.runs(partition))
      return new Map(
        Object.entries(fields).flatMap(([field, text]) =>
          isCursorField(field) ? [[field, decodeCursor(text)] as const] : [],
        ),
      )
    },

    waiting: (partition) => redis.zrange(keys.runsDue(partition), 0, '-1') as Promise<RunId[]>,

    async forget({ partition, run }) {
      const transaction = createTransaction()
      transaction.do('DEL', keys.lines(partition, run)).do('DEL', keys.linesDue(partition, run))
      transaction.do('HDEL', keys.runs(partition), run, ...countNames.map((name) => countField(run, name)))
      await commit(transaction.do('ZREM', keys.runsDue(partition), run))
    },

    async forgetHistory(partition, subscription) {
      await redis.del(keys.deliveries(partition, subscription), keys.skipped(partition, subscription))
    },
  }
}

function countNotes(notes: readonly DeliveryNote[]): RunCounts {
  const counts: RunCounts = { delivered: 0, failed: 0, skipped: 0 }
  for (const { outcome } of notes) counts[outcome]++
  return counts
}
