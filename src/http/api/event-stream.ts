/**
 * Events as they come, as server-sent events. A reader that is slow is waited for, and one that stands still is cut off: it
 * goes on from `Last-Event-ID`. A cursor that the log does not go through is refused before the stream begins; where that
 * shows later the stream ends, so that the next attempt is told.
 */
import type { Request, Response } from 'express'
import { AppError, errorCodes } from '../../domain/errors.ts'
import type { Feed, FeedReader } from '../../events/feed.ts'
import type { EventFilter } from '../../events/filter.ts'
import type { PublishedEvent } from '../../events/published.ts'
import { describeRedisTrouble } from '../../redis/trouble.ts'
import { anySignal } from '../../telemetry/any-signal.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { principalIdOf } from './authorize.ts'
import { createPacedWriter, type PacedWriter } from './paced-writer.ts'

export interface StreamLimits {
  /** Of one process. */
  streams: number
  heartbeatMs: number
  /** For how long a reader may take nothing. */
  drainMs: number
}

export const streamLimits: StreamLimits = { streams: 512, heartbeatMs: 15_000, drainMs: 60_000 }

const eventsAtOnce = 100
/** About what a socket takes at once: a slow reader has so much time for each piece. */
const pieceMax = 16_384
/** After which a browser tries again. */
const retryMs = 2_000
/** While Redis is away. */
const awayMs = 1_000

export interface EventStreamDeps {
  feed: Feed
  stopping: AbortSignal
  clock: () => number
  logger: Logger
  limits?: StreamLimits
  /** One more is open, or one less. */
  onChange?(change: 1 | -1): void
}

export interface StreamRequest extends EventFilter {
  after?: string | undefined
}

export type ServeStream = (req: Request, res: Response, request: StreamRequest) => Promise<void>

export function createEventStream(deps: EventStreamDeps): ServeStream {
  const { feed, stopping, logger, limits = streamLimits } = deps
  let streams = 0

  async function begin(req: Request, res: Response, { after, ...filter }: StreamRequest): Promise<void> {
    const gone = new AbortController()
    res.on('close', () => gone.abort())
    const reader = await feed.open(after, filter)
    const first = await reader.read(eventsAtOnce)
    res.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'x-accel-buffering': 'no',
      // Nothing follows on this connection.
      connection: 'close',
    })
    if (req.method === 'HEAD') return void res.end()
    const write = createPacedWriter(res, limits.drainMs, () =>
      logger.info('stream.stuck', { principal: principalIdOf(req) }),
    )
    const signal = anySignal(gone.signal, stopping)
    if (await write(`retry: ${retryMs}\n\n`)) await follow(reader, first, write, signal, deps)
    res.end()
  }

  return async (req, res, request) => {
    if (streams >= limits.streams)
      throw new AppError('too-many-in-flight', { detail: 'As many streams are open as there may be.' })
    streams++
    deps.onChange?.(1)
    try {
      await begin(req, res, request)
    } finally {
      streams--
      deps.onChange?.(-1)
    }
  }
}

async function follow(
  reader: FeedReader,
  first: PublishedEvent[],
  write: PacedWriter,
  signal: AbortSignal,
  { clock, limits = streamLimits }: EventStreamDeps,
): Promise<void> {
  let events = first
  let said = ''
  let writtenAt = clock()
  while (!signal.aborted) {
    if (events.length > 0) {
      if (!(await writeEvents(reader, events, write, signal))) return
      said = reader.cursor()
      writtenAt = clock()
    } else if (clock() - writtenAt >= limits.heartbeatMs) {
      // An id without data is no event and moves a browser's Last-Event-ID: past what a filter left out.
      const cursor = reader.cursor()
      if (!(await write(cursor === said ? ':\n\n' : `:\nid: ${cursor}\n\n`))) return
      said = cursor
      writtenAt = clock()
    }
    if (!reader.hasMore()) await reader.wait(signal, writtenAt + limits.heartbeatMs - clock())
    const read = await readOn(reader, signal)
    if (read === 'refused') return
    events = read
  }
}

/** Nothing while Redis is away: the stream outlives that. */
async function readOn(reader: FeedReader, signal: AbortSignal): Promise<PublishedEvent[] | 'refused'> {
  if (signal.aborted) return []
  try {
    return await reader.read(eventsAtOnce)
  } catch (error) {
    if (error instanceof AppError && errorCodes[error.code].status === 410) return 'refused'
    if (!describeRedisTrouble(error)) throw error
    await pause(awayMs, signal)
    return []
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done, { once: true })
  })
}

async function writeEvents(
  reader: FeedReader,
  events: readonly PublishedEvent[],
  write: PacedWriter,
  signal: AbortSignal,
): Promise<boolean> {
  const cursors = reader.cursorsOf(events)
  let piece = ''
  for (const [i, { type, json }] of events.entries()) {
    piece += `id: ${cursors[i]}\nevent: ${type}\ndata: ${json}\n\n`
    if (piece.length < pieceMax && i < events.length - 1) continue
    if (signal.aborted || !(await write(piece))) return false
    piece = ''
  }
  return true
}
