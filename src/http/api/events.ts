import { Router } from 'express'
import { z } from 'zod'
import { matchTypes } from '../../events/catalogue.ts'
import type { Feed } from '../../events/feed.ts'
import { anySignal } from '../../telemetry/any-signal.ts'
import type { Principal } from '../principal.ts'
import { allowOnly } from './allow.ts'
import { requireScope } from './authorize.ts'
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
