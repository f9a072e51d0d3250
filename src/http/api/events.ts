import { Router } from 'express'
import { z } from 'zod'
import { AppError } from '../../domain/errors.ts'
import { cloudEventSchema } from '../../events/catalogue.ts'
import type { Feed, FeedPage } from '../../events/feed.ts'
import { feedHeadSchema, type ReadHead } from '../../events/head.ts'
import { anySignal } from '../../telemetry/any-signal.ts'
import type { Principal } from '../principal.ts'
import { allowOnly } from './allow.ts'
import { requireScope } from './authorize.ts'
import { pageQuerySchema, streamHeadersSchema, streamQuerySchema } from './event-query.ts'
import { createEventStream, type EventStreamDeps } from './event-stream.ts'
import type { Operation } from './operation.ts'
import { limitOf, validate } from './validate.ts'

export interface EventRoutesDeps extends EventStreamDeps {
  authenticate(token: string): Principal | null
  feed: Feed
  readHead: ReadHead
  /** Ends every wait and every stream, so that a stop need not sit it out. */
  stopping: AbortSignal
}

export function createEventRoutes(deps: EventRoutesDeps): Router {
  const { authenticate, readHead, feed, stopping } = deps
  const serveStream = createEventStream(deps)
  const router = Router()
  const mayRead = requireScope(authenticate, 'events:read')

  router.get('/events', mayRead, async (req, res) => {
    const { limit, wait = 0, ...query } = validate(pageQuerySchema, req.query)
    const gone = new AbortController()
    res.on('close', () => gone.abort())
    const page = await feed.read({
      ...query,
      limit: limitOf(limit),
      waitMs: wait * 1000,
      signal: anySignal(gone.signal, stopping),
    })
    res.type('json').send(writePage(page))
  })
  router.all('/events', allowOnly('GET', 'HEAD'))

  router.get('/events/head', mayRead, async (req, res) => {
    validate(noQuerySchema, req.query)
    res.json(await readHead())
  })
  router.all('/events/head', allowOnly('GET', 'HEAD'))

  router.get('/events/stream', mayRead, async (req, res) => {
    const query = validate(streamQuerySchema, req.query)
    const lastId = validate(streamHeadersSchema, req.headers)['last-event-id']
    const asked = { ...query, after: lastId || query.after }
    await serveStream(req, res, asked).catch((error: unknown) => {
      throw lastId ? nameHeader(error) : error
    })
  })
  router.all('/events/stream', allowOnly('GET', 'HEAD'))
  return router
}

/** A parameter that does nothing would be taken for one that does. */
const noQuerySchema = z.strictObject({})

/** The cursor's own fault speaks of `after`. */
function nameHeader(error: unknown): unknown {
  if (!(error instanceof AppError) || error.code !== 'invalid-cursor') return error
  const errors = error.errors.map((one) => ({ ...one, path: 'Last-Event-ID' }))
  return new AppError(error.code, { detail: error.detail, errors, cause: error })
}

/** The events are written already. */
function writePage({ events, next }: FeedPage): string {
  return `{"events":[${events.map(({ json }) => json).join(',')}],"next":"${next}"}`
}

const refusals = ['invalid-request', 'invalid-cursor', 'cursor-expired', 'cursor-superseded'] as const

export const eventOperations: Operation[] = [
  {
    id: 'listEvents',
    method: 'get',
    path: '/v1/events',
    tag: 'events',
    summary: 'The log, oldest first',
    description:
      'Keep `next` and give it as `after`. An empty page with another `next` means that a filter left out all that was looked through: go on.',
    scope: 'events:read',
    query: pageQuerySchema,
    answers: {
      200: {
        description: 'A page of events',
        schema: z.object({ events: z.array(cloudEventSchema), next: z.string() }),
      },
    },
    problems: refusals,
  },
  {
    id: 'readEventsHead',
    method: 'get',
    path: '/v1/events/head',
    tag: 'events',
    summary: 'Where the log ends: per partition the count of all events and the last of them',
    scope: 'events:read',
    query: noQuerySchema,
    answers: { 200: { description: 'The head of the log', schema: feedHeadSchema } },
    problems: ['invalid-request'],
  },
  {
    id: 'streamEvents',
    method: 'get',
    path: '/v1/events/stream',
    tag: 'events',
    summary: 'The log as server-sent events, without an end',
    description:
      'Each message has the cursor as its `id`, the type as its `event` and the CloudEvent as its `data`. A message without data, beside the heartbeats, moves the cursor past what a filter left out.',
    scope: 'events:read',
    query: streamQuerySchema,
    headers: streamHeadersSchema,
    answers: {
      200: { description: 'Events as they come', contentType: 'text/event-stream', schema: z.string() },
    },
    problems: [...refusals, 'too-many-in-flight'],
  },
]
