/**
 * The log of one partition is a stream: its positions grow, so "after this one" never skips and never repeats. That
 * the log goes through a position is seen with the same reading: its entry is asked for too. Where it is not there, and
 * the log does not begin right after it, the reader saw what this log does not have.
 */
import { AppError } from '../domain/errors.ts'
import type { LoggedEvent } from '../domain/event.ts'
import { formatTime } from '../domain/time.ts'
import type { RedisClient } from '../redis/client.ts'
import { decodeEvent } from './codec/codec.ts'
import type { Keys } from './keys.ts'

export interface LogEntry {
  partition: number
  /** `<milliseconds>-<number>`, as the server minted it. */
  position: string
  event: LoggedEvent
}

export interface LogEnd {
  partition: number
  /** Of all that were ever written; undefined where Redis does not say: before 7.0, once some have left. */
  count: number | undefined
  position: string
  /** The newest that has not left. */
  last: LoggedEvent | undefined
}

export interface EventLog {
  partitions: number
  /** Where the log begins: what is after these positions is there. */
  oldest(): Promise<string[]>
  /** Of each partition the position of the last entry that was written. */
  newest(): Promise<string[]>
  ends(): Promise<LogEnd[]>
  /**
   * The entries after this position. Throws where some have left: who went on would miss them and not know; and where the log
   * does not go through the position.
   */
  readPartition(partition: number, position: string, limit: number): Promise<LogEntry[]>
  /** Where a reader who was refused goes on. */
  standing(partition: number, position: string): Promise<string>
}

/**
 * How far before a position that was lost a reader is sent back. What was written after a failover may bear an earlier time
 * than what was lost, by as much as the clocks of the two servers differ.
 */
const clockMsMax = 60_000

export function createEventLog({ redis, keys }: { redis: RedisClient; keys: Keys }): EventLog {
  const all = Array.from({ length: keys.partitions }, (_, partition) => partition)
  const leftOf = async (partition: number) => (await redis.get(keys.logLeft(partition))) ?? '0-0'
  const toEntry = (partition: number, [position, fields]: Raw): LogEntry => {
    return { partition, position, event: decodeEvent(fields[1] ?? '') }
  }

  async function readPartition(partition: number, position: string, limit: number): Promise<LogEntry[]> {
    const entries = await redis.xrange(keys.events(partition), position, '+', 'COUNT', limit + 1)
    if (entries[0]?.[0] === position) entries.shift()
    else refuseGap(position, await leftOf(partition))
    return entries.slice(0, limit).map((entry) => toEntry(partition, entry))
  }

  async function newestUpTo(partition: number, position: string): Promise<string> {
    const [last] = await redis.xrevrange(keys.events(partition), position, '-', 'COUNT', 1)
    return last?.[0] ?? (await leftOf(partition))
  }

  return {
    partitions: keys.partitions,
    oldest: () => Promise.all(all.map(leftOf)),
    newest: () => Promise.all(all.map((partition) => newestUpTo(partition, '+'))),
    readPartition,

    async ends() {
      return Promise.all(
        all.map(async (partition) => {
          const [stream, left] = await Promise.all([
            readStream(redis, keys.events(partition)),
            leftOf(partition),
          ])
          const { length, added, last } = stream
          return {
            partition,
            count: added ?? (left === '0-0' ? length : undefined),
            position: last?.[0] ?? left,
            last: last && toEntry(partition, last).event,
          }
        }),
      )
    },

    async standing(partition, position) {
      const left = await leftOf(partition)
      if (comparePositions(position, left) <= 0) return left
      const [itself] = await redis.xrange(keys.events(partition), position, position)
      if (itself) return position
      const ms = Number(position.split('-')[0])
      return ms > clockMsMax ? newestUpTo(partition, `${ms - clockMsMax}-0`) : left
    },
  }
}

type Raw = [position: string, fields: string[]]

interface StreamState {
  length: number
  added: number | undefined
  last: Raw | undefined
}

/** A list of names and values, one after the other. */
async function readStream(redis: RedisClient, key: string): Promise<StreamState> {
  const answer = await redis.xinfo('STREAM', key).catch((error: Error) => {
    if (/no such key/i.test(error.message)) return []
    throw error
  })
  const list = answer as unknown[]
  const fieldOf = (name: string) => {
    const place = list.indexOf(name)
    return place < 0 ? undefined : list[place + 1]
  }
  return {
    length: (fieldOf('length') as number | undefined) ?? 0,
    added: list.length === 0 ? 0 : (fieldOf('entries-added') as number | undefined),
    last: (fieldOf('last-entry') as Raw | null | undefined) ?? undefined,
  }
}

function refuseGap(position: string, left: string): void {
  if (position === left) return
  if (comparePositions(position, left) < 0) {
    throw new AppError('cursor-expired', {
      detail: `Events behind this cursor have left the log, the newest of them at ${formatTime(Number(left.split('-')[0]))}. Go on with \`begin\`, and compare what you keep with \`GET\` or the archive.`,
    })
  }
  throw new AppError('cursor-superseded', {
    detail:
      'The log does not go through this cursor any more: it was given out before a failover that lost writes, or before a backup was restored. Go on with `begin`; some events come again, and what they say is what holds.',
  })
}

function comparePositions(a: string, b: string): number {
  const [aMs = 0, aNumber = 0] = a.split('-').map(Number)
  const [bMs = 0, bNumber = 0] = b.split('-').map(Number)
  return aMs - bMs || aNumber - bNumber
}
