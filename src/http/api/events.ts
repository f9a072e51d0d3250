import { Router } from 'express'
import { z } from 'zod'
import { cloudEventSchema, matchTypes } from '../../events/catalogue.ts'
import type { Feed } from '../../events/feed.ts'
import { anySignal } from '../../telemetry/any-signal.ts'
import type { Principal } from '../principal.ts'
import { allowOnly } from './allow.ts'
import { requireScope } from './authorize.ts'
import type { Operation } from './operation.ts'
import { limitOf, validate, wholeNumber } from './validate.ts'

const limitMax = 1000
const waitSecondsMax = 60

const typesSchema = z.string().transform((text, context) => {
  const types = text.split(',').flatMap((pattern) => {
    const matched = matchTypes(pattern)
    if (matched.length === 0) {
      context.addIssue({
        code: 'custom',
        params: { code: 'unknown-type' },
        message: 'No type of event is named so.',
      })
    }
    return matched
  })
  return types
})

const querySchema = z.strictObject({
  after: z.string().max(16_384).optional(),
  limit: wholeNumber(1, limitMax).optional(),
  wait: wholeNumber(0, waitSecondsMax).optional(),
  types: typesSchema.optional(),
  account: z.string().min(1).optional(),
})

export interface EventRoutesDeps {
  authenticate(token: string): Principal | null
  feed: Feed
  /** Ends every wait, so that a stop need not sit it out. */
  stopping: AbortSignal
}

export function createEventRoutes({ authenticate, feed, stopping }: EventRoutesDeps): Router {
  const router = Router()
  router.get('/events', requireScope(authenticate, 'events:read'), async (req, res) => {
    const query = validate(querySchema, req.query)
    const gone = new AbortController()
    res.on('close', () => gone.abort())
    const page = await feed.read({
      after: query.after,
      limit: limitOf(query.limit),
      types: query.types,
      account: query.account,
      waitMs: (query.wait ?? 0) * 1000,
      signal: anySignal(gone.signal, stopping),
    })
    res.json(page)
  })
  router.all('/events', allowOnly('GET', 'HEAD'))
  return router
}

export const eventOperations: readonly Operation[] = [
  {
    id: 'listEvents',
    method: 'get',
    path: '/v1/events',
    tag: 'events',
    summary: 'The log of events, oldest first',
    description:
      'Without `after` from the oldest that is kept. With `wait` it answers as soon as there is one.',
    scope: 'events:read',
    query: querySchema,
    answers: {
      200: {
        description: 'One page, and where it ended',
        schema: z.object({
          events: z.array(cloudEventSchema),
          next: z
            .string()
            .meta({ description: 'Never null: give it as `after` to go on, also after an empty page.' }),
        }),
      },
    },
    problems: ['invalid-cursor', 'cursor-expired', 'cursor-superseded'],
  },
]
