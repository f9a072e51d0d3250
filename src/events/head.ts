/** Where the log ends: by this a consumer can tell that it has everything. */
import { z } from 'zod'
import type { LoggedEvent } from '../domain/event.ts'
import { eventIdOf } from '../domain/ids.ts'
import { formatTime } from '../domain/time.ts'
import { encodeCursor } from './cursor.ts'
import { subjectOf } from './envelope.ts'

export const feedHeadSchema = z.object({
  /** Of the log: another after it was lost. */
  epoch: z.string(),
  /** Behind all that is counted here. */
  cursor: z.string(),
  partitions: z.array(
    z.object({
      partition: z.number().int(),
      /** How many events were ever written, with those that have left; null where Redis does not say. */
      count: z.number().int().nullable(),
      /** Of the last event; null where none is there, or all have left. */
      lastId: z.string().nullable(),
      lastAt: z.string().nullable(),
    }),
  ),
})
export type FeedHead = z.infer<typeof feedHeadSchema>

/** What is needed of the store. */
export interface HeadLog {
  ends(): Promise<
    {
      partition: number
      count: number | undefined
      position: string
      last: LoggedEvent | undefined
    }[]
  >
}

export type ReadHead = () => Promise<FeedHead>

export function createReadHead({ log, epoch }: { log: HeadLog; epoch: string }): ReadHead {
  return async () => {
    const ends = await log.ends()
    return {
      epoch,
      cursor: encodeCursor(
        ends.map(({ position }) => position),
        epoch,
      ),
      partitions: ends.map(({ partition, count, last }) => ({
        partition,
        count: count ?? null,
        lastId: last ? eventIdOf(subjectOf(last), last.fact.sequence) : null,
        lastAt: last ? formatTime(last.at) : null,
      })),
    }
  }
}
