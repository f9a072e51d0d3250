/** Stretches of the log that are sent to a subscription again: counted first, begun, looked at and stopped. */
import { Router } from 'express'
import { z } from 'zod'
import { AppError } from '../../domain/errors.ts'
import { readRunId } from '../../domain/ids.ts'
import type { Positions, Replay, Subscription } from '../../domain/subscription.ts'
import type { Replays } from '../../store/replays.ts'
import type { Subscriptions } from '../../store/subscriptions.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { Principal } from '../principal.ts'
import { allowOnly } from './allow.ts'
import { requireScope } from './authorize.ts'
import { findSubscription } from './find-subscription.ts'
import { type Operation, pageOf } from './operation.ts'
import { replaySchema, type ShowReplay } from './replay-present.ts'
import { replayRequestSchema } from './replay-request.ts'
import type { Counted, Replaying } from './resend.ts'
import { validate } from './validate.ts'

export interface ReplayRoutesDeps {
  authenticate(token: string): Principal | null
  subscriptions: Pick<Subscriptions, 'find'>
  replays: Pick<Replays, 'list' | 'find' | 'end'>
  replaying: Pick<Replaying, 'count' | 'start'>
  showReplay: ShowReplay
  encodeCursor(positions: Positions): string
  logger: Logger
}

const nothingSchema = z.strictObject({})

const countSchema = z.object({
  count: z.number().int(),
  atLeast: z.literal(true).optional(),
  from: z.string(),
  until: z.string(),
})

export function createReplayRoutes(deps: ReplayRoutesDeps): Router {
  const { subscriptions, replays, replaying, showReplay, encodeCursor, logger } = deps
  const router = Router()
  const mayAct = requireScope(deps.authenticate, 'subscriptions:write')

  router.post('/subscriptions/:id/replay', mayAct, async (req, res) => {
    const subscription = await findSubscription(subscriptions, req.params.id)
    const asked = validate(replayRequestSchema, req.body)
    const counted = await replaying.count(subscription, asked)
    if (asked.dryRun) {
      res.json(presentCount(counted, encodeCursor))
      return
    }
    const by = String(res.locals.principal)
    const replay = await replaying.start(subscription, counted, { types: asked.types, by })
    res
      .status(202)
      .location(`/v1/subscriptions/${subscription.id}/replays/${replay.id}`)
      .json(await showReplay(replay))
  })

  router.get('/subscriptions/:id/replays', mayAct, async (req, res) => {
    const { id } = await findSubscription(subscriptions, req.params.id)
    validate(nothingSchema, req.query)
    res.json({ items: await Promise.all((await replays.list(id)).map(showReplay)), next: null })
  })

  router.get('/subscriptions/:id/replays/:run', mayAct, async (req, res) => {
    const subscription = await findSubscription(subscriptions, req.params.id)
    res.json(await showReplay(await findReplay(subscription, req.params.run)))
  })

  router.post('/subscriptions/:id/replays/:run/cancel', mayAct, async (req, res) => {
    const subscription = await findSubscription(subscriptions, req.params.id)
    validate(nothingSchema, req.body ?? {})
    const { id } = await findReplay(subscription, req.params.run)
    const ended = await replays.end(subscription.id, id, 'cancelled')
    if (!ended) throw noSuchReplay()
    const principal = String(res.locals.principal)
    if (ended.isNew) logger.info('replay.cancelled', { subscription: subscription.id, run: id, principal })
    res.json(await showReplay(ended.replay))
  })

  async function findReplay({ id }: Subscription, text: unknown): Promise<Replay> {
    const run = readRunId(String(text))
    const found = run && (await replays.find(id, run))
    if (!found) throw noSuchReplay()
    return found
  }

  router.all('/subscriptions/:id/replay', allowOnly('POST'))
  router.all('/subscriptions/:id/replays', allowOnly('GET', 'HEAD'))
  router.all('/subscriptions/:id/replays/:run', allowOnly('GET', 'HEAD'))
  router.all('/subscriptions/:id/replays/:run/cancel', allowOnly('POST'))
  return router
}

export function presentCount({ count, atLeast, range }: Counted, encodeCursor: (at: Positions) => string) {
  return { count, atLeast, from: encodeCursor(range.from), until: encodeCursor(range.until) }
}

function noSuchReplay(): AppError {
  return new AppError('not-found', { detail: 'There is no such replay of this subscription (any more).' })
}

export const replayOperations: readonly Operation[] = [
  {
    id: 'startReplay',
    method: 'post',
    path: '/v1/subscriptions/{id}/replay',
    tag: 'subscriptions',
    summary: 'Sends a stretch of the log again',
    description:
      'From a time, a cursor or what was missed while it was disabled, until a time, a cursor or now; of what the subscription takes, or of narrower types. It is counted first; `dryRun` counts alone. In order for each intent, beside what is new.',
    scope: 'subscriptions:write',
    body: replayRequestSchema,
    example: { since: '2027-01-10T00:00:00Z', types: ['tallyhook.transfer.*'], dryRun: true },
    answers: {
      200: { description: 'Of a dry run: how many would be sent.', schema: countSchema },
      202: {
        description: 'It is running.',
        schema: replaySchema,
        headers: { location: 'The path of the replay.' },
      },
    },
    problems: [
      'not-found',
      'invalid-request',
      'invalid-cursor',
      'subscription-disabled',
      'too-many-replays',
      'cursor-expired',
      'cursor-superseded',
    ],
  },
  {
    id: 'listReplays',
    method: 'get',
    path: '/v1/subscriptions/{id}/replays',
    tag: 'subscriptions',
    summary: 'The replays of a subscription, newest first',
    description: 'Those that run, and the newest 20 of those that have ended.',
    scope: 'subscriptions:write',
    answers: { 200: { description: 'All of them.', schema: pageOf(replaySchema) } },
    problems: ['not-found'],
  },
  {
    id: 'getReplay',
    method: 'get',
    path: '/v1/subscriptions/{id}/replays/{run}',
    tag: 'subscriptions',
    summary: 'How far a replay has come',
    scope: 'subscriptions:write',
    answers: { 200: { description: 'The replay.', schema: replaySchema } },
    problems: ['not-found'],
  },
  {
    id: 'cancelReplay',
    method: 'post',
    path: '/v1/subscriptions/{id}/replays/{run}/cancel',
    tag: 'subscriptions',
    summary: 'Stops a replay',
    description: 'What is under way may still arrive. One that had ended stays as it was.',
    scope: 'subscriptions:write',
    body: nothingSchema,
    bodyOptional: true,
    answers: { 200: { description: 'As it stands then.', schema: replaySchema } },
    problems: ['not-found', 'commit-contended'],
  },
]
