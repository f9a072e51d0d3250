/**
 * Events as they come, as server-sent events. A reader that is slow is waited for, and one that stands still is cut off: it
 * goes on from `Last-Event-ID`. A cursor that the log does not go through is refused before the stream begins; where that
 * shows later the stream ends, so that the next attempt is told.
 */
import type { Request, Response } from 'express'
import { AppError, errorCodes } from '../../domain/errors.ts'
import type { Feed, FeedReader } from '../../events/feed.ts'
import type { EventFilter } from '../../events/filter.ts'
import { describeRedisTrouble } from '../../redis/trouble.ts'
import { anySignal } from '../../telemetry/any-signal.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { principalIdOf } from './authorize.ts'
import { createPacedWriter, type PacedWriter } from './paced-writer.ts'
import { createReplayPages, emptyPage, type Page, type ReplayPages } from './replay-pages.ts'
import { createFanout, type Fanout } from './stream-fanout.ts'
import { makeHeartbeat } from './stream-frames.ts'

export interface StreamLimits {
  /** Of one process. */
  streams: number
  heartbeatMs: number
  /** For how long a reader may take nothing. */
  drainMs: number
}

export const streamLimits: StreamLimits = { streams: 512, heartbeatMs: 15_000, drainMs: 60_000 }

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

interface Stream {
  reader: FeedReader
  filter: EventFilter
  writer: PacedWriter
  signal: AbortSignal
  /** The last id that was written, and when. */
  said: string
  writtenAt: number
}

interface Shared {
  fanout: Fanout
  pages: ReplayPages
  clock: () => number
  heartbeatMs: number
}

export function createEventStream(deps: EventStreamDeps): ServeStream {
  const { feed, stopping, clock, logger, limits = streamLimits } = deps
  const shared: Shared = {
    fanout: createFanout({ follow: (...given) => feed.follow(...given), clock }),
    pages: createReplayPages({ clock }),
    clock,
    heartbeatMs: limits.heartbeatMs,
  }
  let streams = 0

  async function begin(req: Request, res: Response, { after, ...filter }: StreamRequest): Promise<void> {
    const gone = new AbortController()
    res.on('close', () => gone.abort())
    const reader = await feed.open(after, filter)
    const first = await shared.pages.read(reader, filter)
    res.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'x-accel-buffering': 'no',
      // Nothing follows on this connection.
      connection: 'close',
    })
    if (req.method === 'HEAD') return void res.end()
    const writer = createPacedWriter(res, limits.drainMs, () =>
      logger.info('stream.stuck', { principal: principalIdOf(req) }),
    )
    const signal = anySignal(gone.signal, stopping)
    const stream = { reader, filter, writer, signal, said: '', writtenAt: clock() }
    if (await writer.write(Buffer.from(`retry: ${retryMs}\n\n`))) await follow(stream, first, shared)
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

/** Page by page as far as the head, then with all others there, until it falls behind. */
async function follow(stream: Stream, first: Page, shared: Shared): Promise<void> {
  const { reader, writer, signal } = stream
  let page: Page | 'refused' = first
  while (!signal.aborted) {
    if (!(await writePage(stream, page, shared))) return
    if (reader.isAtHead() && (await ride(stream, shared))) {
      if (writer.isOver()) return
    } else {
      if (page.chunks.length === 0 && !(await beat(stream, shared))) return
      const beatsInMs = stream.writtenAt + shared.heartbeatMs - shared.clock()
      if (!reader.hasMore()) await reader.wait(signal, beatsInMs)
    }
    page = await readOn(stream, shared)
    if (page === 'refused') return
  }
}

async function writePage(stream: Stream, { chunks }: Page, { clock }: Shared): Promise<boolean> {
  const { writer, signal } = stream
  for (const chunk of chunks) {
    if (signal.aborted || !(await writer.writeChunk(chunk))) return false
    stream.said = chunk.lastId
    stream.writtenAt = clock()
  }
  return true
}

/** False where it cannot. */
async function ride(stream: Stream, shared: Shared): Promise<boolean> {
  const { reader, filter, writer, signal } = stream
  const { fanout, clock, heartbeatMs } = shared
  const ride = fanout.ride({
    writer,
    filter,
    cursor: reader.cursor(),
    onWritten(id) {
      stream.said = id
      stream.writtenAt = clock()
    },
  })
  if (!ride) return false
  signal.addEventListener('abort', ride.leave, { once: true })
  let timer: NodeJS.Timeout
  // Of one that is waited for it may be long past.
  const nextBeatMs = () => Math.max(stream.writtenAt + heartbeatMs - clock(), heartbeatMs / 10)
  const wake = () => {
    reader.moveTo(ride.cursor())
    if (!ride.waits()) void beat(stream, shared)
    timer = setTimeout(wake, nextBeatMs())
  }
  timer = setTimeout(wake, nextBeatMs())
  await ride.left
  clearTimeout(timer)
  signal.removeEventListener('abort', ride.leave)
  reader.moveTo(ride.cursor())
  return true
}

/** A heartbeat where it is time for one. An id in it moves past what a filter left out. */
async function beat(stream: Stream, { clock, heartbeatMs }: Shared): Promise<boolean> {
  const { reader, writer } = stream
  if (clock() - stream.writtenAt < heartbeatMs) return true
  const cursor = reader.cursor()
  const heartbeat = makeHeartbeat(cursor === stream.said ? undefined : cursor)
  stream.said = cursor
  stream.writtenAt = clock()
  return writer.write(heartbeat)
}

/** Nothing while Redis is away: the stream outlives that. */
async function readOn({ reader, filter, signal }: Stream, { pages }: Shared): Promise<Page | 'refused'> {
  if (signal.aborted) return emptyPage
  try {
    return await pages.read(reader, filter)
  } catch (error) {
    if (error instanceof AppError && errorCodes[error.code].status === 410) return 'refused'
    if (!describeRedisTrouble(error)) throw error
    await pause(awayMs, signal)
    return emptyPage
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
