/**
 * What is not delivered yet, as it stands at this moment: the events in the lines of a subscription's runs. Lines come and
 * go while one pages through them, so what moved meanwhile may be seen twice or not at all; who wants to be sure of one
 * event asks for that one.
 */
import { AppError } from '../domain/errors.ts'
import { type EventId, type RunId, readRunId, type SubjectId } from '../domain/ids.ts'
import type { Line, LineEvent } from '../domain/line.ts'
import type { RedisClient } from '../redis/client.ts'
import type { Keys } from './keys.ts'
import type { KeptLine, RunPlace, Runs } from './runs.ts'

export interface WaitingDelivery {
  run: RunId
  partition: number
  subject: SubjectId
  event: LineEvent
  /** failing: it was tried. waiting: it stands behind another of its subject, or was not tried yet. */
  status: 'failing' | 'waiting'
  line: Line
}

export interface WaitingRequest {
  /** Those of the subscription that still run. */
  runs: readonly RunId[]
  status: WaitingDelivery['status']
  event?: EventId | undefined
  subject?: SubjectId | undefined
  after?: string | undefined
  limit: number
}

export interface WaitingDeliveries {
  list(request: WaitingRequest): Promise<{ waiting: WaitingDelivery[]; next: string | null }>
  /** Where one event waits, of these runs the first. */
  find(runs: readonly RunId[], subject: SubjectId, event: EventId): Promise<FoundWaiting | undefined>
}

export interface FoundWaiting extends WaitingDelivery {
  /** As it rests: what a change is compared with. */
  text: string
}

/** Where a page ended: of which line, by when it is due, and behind how many of its events. */
interface Place extends RunPlace {
  rank: number
  taken: number
}

const chunk = 64
/** Lines that one page looks at. */
const scannedMax = 4_096

export function createWaitingDeliveries(deps: {
  redis: RedisClient
  keys: Keys
  runs: Pick<Runs, 'findLines'>
}): WaitingDeliveries {
  const { redis, keys, runs } = deps

  function placesOf(request: WaitingRequest): RunPlace[] {
    const { subject } = request
    const partitions =
      subject === undefined
        ? Array.from({ length: keys.partitions }, (_, i) => i)
        : [keys.partitionOf(subject)]
    return request.runs.flatMap((run) => partitions.map((partition) => ({ run, partition })))
  }

  /** Of a place those from this rank on; with the rank of each. */
  async function readLines(place: RunPlace, rank: number, subject: SubjectId | undefined) {
    if (subject !== undefined) {
      const found = rank === 0 ? await runs.findLines(place, [subject]) : []
      return found.map((one) => ({ ...one, rank: 0 }))
    }
    const due = keys.linesDue(place.partition, place.run)
    const subjects = (await redis.zrange(due, String(rank), String(rank + chunk - 1))) as SubjectId[]
    const ranks = new Map(subjects.map((each, i) => [each, rank + i]))
    const found = await runs.findLines(place, subjects)
    return found.map((one) => ({ ...one, rank: ranks.get(one.subject) ?? rank }))
  }

  return {
    async list(request) {
      const { limit, subject, after } = request
      const begin = after === undefined ? undefined : readCursor(after, keys.partitions)
      const places = placesOf(request)
      const first = begin ? places.findIndex((one) => isSame(one, begin)) : 0
      const waiting: WaitingDelivery[] = []
      let scanned = 0
      for (const [i, place] of first < 0 ? [] : places.slice(first).entries()) {
        let rank = i === 0 ? (begin?.rank ?? 0) : 0
        let skip = i === 0 ? (begin?.taken ?? 0) : 0
        for (;;) {
          const lines = await readLines(place, rank, subject)
          if (lines.length === 0) break
          for (const line of lines) {
            const skipped = line.rank === rank ? skip : 0
            for (const [at, one] of waitingIn(place, line).entries()) {
              if (at < skipped || !isWanted(request, one)) continue
              if (waiting.length === limit)
                return { waiting, next: writeCursor({ ...place, rank: line.rank, taken: at }) }
              waiting.push(one)
            }
          }
          skip = 0
          rank = (lines.at(-1)?.rank ?? rank) + 1
          scanned += lines.length
          if (scanned >= scannedMax) return { waiting, next: writeCursor({ ...place, rank, taken: 0 }) }
        }
      }
      return { waiting, next: null }
    },

    async find(asked, subject, event) {
      const partition = keys.partitionOf(subject)
      for (const run of asked) {
        const [line] = await runs.findLines({ run, partition }, [subject])
        const found = line && waitingIn({ run, partition }, line).find((one) => one.event.id === event)
        if (line && found) return { ...found, text: line.text }
      }
      return undefined
    },
  }
}

function waitingIn({ run, partition }: RunPlace, { subject, line }: KeptLine): WaitingDelivery[] {
  return line.events.map((event, i) => ({
    run,
    partition,
    subject,
    event,
    status: i === 0 && line.attempts > 0 ? 'failing' : 'waiting',
    line,
  }))
}

function isWanted({ status, event }: WaitingRequest, one: WaitingDelivery): boolean {
  return one.status === status && (event === undefined || one.event.id === event)
}

function isSame(one: RunPlace, other: RunPlace): boolean {
  return one.run === other.run && one.partition === other.partition
}

function writeCursor({ run, partition, rank, taken }: Place): string {
  return Buffer.from(JSON.stringify(['lines', run, partition, rank, taken])).toString('base64url')
}

function readCursor(text: string, partitions: number): Place {
  const [form, id, ...numbers] = readArray(text)
  const run = typeof id === 'string' ? readRunId(id) : undefined
  const [partition = -1, rank = -1, taken = -1] = numbers.map((one) => (isCount(one) ? one : -1))
  if (form !== 'lines' || !run || numbers.length !== 3) throw invalidHistoryCursor()
  if (partition < 0 || partition >= partitions || rank < 0 || taken < 0) throw invalidHistoryCursor()
  return { run, partition, rank, taken }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** Of a cursor as a caller handed it in. */
export function readArray(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    if (Array.isArray(value)) return value
  } catch {
    // Not JSON: not one of ours.
  }
  throw invalidHistoryCursor()
}

export function invalidHistoryCursor(): AppError {
  const message = 'It is not `next` of an earlier answer to the same question.'
  return new AppError('invalid-cursor', {
    detail: message,
    errors: [{ path: 'after', code: 'invalid-cursor', message }],
  })
}
