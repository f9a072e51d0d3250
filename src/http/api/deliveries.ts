/**
 * What was tried for a subscription: a list of attempts, newest first; what is not delivered yet, as it stands; one event
 * with all that is known of it; and sending that one again.
 */
import { Router } from 'express'
import { z } from 'zod'
import { AppError } from '../../domain/errors.ts'
import { readEventId, readSubjectId, type SubjectId } from '../../domain/ids.ts'
import type { Subscription } from '../../domain/subscription.ts'
import type { DeliveryHistory } from '../../store/delivery-history.ts'
import type { Endpoints } from '../../store/endpoints.ts'
import { deliveryStatuses, type FindDelivery, type FoundDelivery, runsOf } from '../../store/find-delivery.ts'
import type { Replays } from '../../store/replays.ts'
import type { Subscriptions } from '../../store/subscriptions.ts'
import type { WaitingDeliveries } from '../../store/waiting-deliveries.ts'
import type { Principal } from '../principal.ts'
import { allowOnly } from './allow.ts'
import { requireScope } from './authorize.ts'
import {
  type DeliveryResource,
  deliverySchema,
  eventDeliverySchema,
  presentFound,
  presentNote,
  presentWaiting,
} from './delivery-present.ts'
import { findSubscription } from './find-subscription.ts'
import { type Operation, pageOf } from './operation.ts'
import { replaySchema, type ShowReplay } from './replay-present.ts'
import type { Resend } from './resend.ts'
import { limitOf, validate, wholeNumber } from './validate.ts'

export interface DeliveryRoutesDeps extends ListDeliveriesDeps {
  authenticate(token: string): Principal | null
  subscriptions: Pick<Subscriptions, 'find'>
  find: FindDelivery
  resend: Resend
  showReplay: ShowReplay
}

export interface ListDeliveriesDeps {
  history: Pick<DeliveryHistory, 'list'>
  waiting: Pick<WaitingDeliveries, 'list'>
  replays: Pick<Replays, 'list'>
  endpoints: Pick<Endpoints, 'find'>
}

const listSchema = z
  .strictObject({
    status: z.enum(deliveryStatuses).optional(),
    event: z
      .string()
      .refine((text) => readEventId(text) !== undefined, 'It is not the id of an event.')
      .optional(),
    subject: z
      .string()
      .refine((text) => readSubjectId(text) !== undefined, 'It is not the id of what an event is about.')
      .optional(),
    after: z.string().max(16_384).optional(),
    limit: wholeNumber(1, 1000).optional(),
  })
  .refine(({ event, subject }) => isSameSubject(event, subject), {
    path: ['subject'],
    params: { code: 'not-of-the-event' },
    message: 'The event is about another one.',
  })

const nothingSchema = z.strictObject({})

const resentSchema = z.object({
  as: z.enum(['replay', 'retry']).meta({
    description:
      'replay: it is sent once more. retry: it waits to be tried already, and that is done now, in the order of its subject.',
  }),
  replay: replaySchema.optional(),
})

export function createDeliveryRoutes(deps: DeliveryRoutesDeps): Router {
  const { subscriptions } = deps
  const router = Router()
  const mayAct = requireScope(deps.authenticate, 'subscriptions:write')

  router.get('/subscriptions/:id/deliveries', mayAct, async (req, res) => {
    const subscription = await findSubscription(subscriptions, req.params.id)
    const { limit, ...asked } = validate(listSchema, req.query)
    res.json(await listDeliveries(deps, subscription, { ...asked, limit: limitOf(limit) }))
  })

  router.get('/subscriptions/:id/deliveries/:event', mayAct, async (req, res) => {
    const subscription = await findSubscription(subscriptions, req.params.id)
    validate(nothingSchema, req.query)
    const found = await findEvent(deps, subscription, req.params.event)
    res.json(presentFound(found, await replaysOf(deps, subscription), await heldUntil(deps, subscription)))
  })

  router.post('/subscriptions/:id/deliveries/:event/resend', mayAct, async (req, res) => {
    const subscription = await findSubscription(subscriptions, req.params.id)
    validate(nothingSchema, req.body ?? {})
    const found = await findEvent(deps, subscription, req.params.event)
    const resent = await deps.resend(subscription, found, String(res.locals.principal))
    const replay = resent.as === 'replay' ? await deps.showReplay(resent.replay) : undefined
    res.status(202).json({ as: resent.as, replay })
  })

  router.all('/subscriptions/:id/deliveries', allowOnly('GET', 'HEAD'))
  router.all('/subscriptions/:id/deliveries/:event', allowOnly('GET', 'HEAD'))
  router.all('/subscriptions/:id/deliveries/:event/resend', allowOnly('POST'))
  return router
}

export type ListRequest = Omit<z.output<typeof listSchema>, 'limit'> & { limit: number }

export async function listDeliveries(
  { history, waiting, replays, endpoints }: ListDeliveriesDeps,
  subscription: Subscription,
  { status, event: eventText, subject: subjectText, after, limit }: ListRequest,
): Promise<{ items: DeliveryResource[]; next: string | null }> {
  const asked = readEventId(eventText ?? '')
  const event = asked?.id
  const subject: SubjectId | undefined = asked?.subject ?? readSubjectId(subjectText ?? '')
  const known = await replaysOf({ replays }, subscription)
  if (status === 'failing' || status === 'waiting') {
    const runs = await runsOf(subscription, replays)
    const page = await waiting.list({ runs, status, event, subject, after, limit })
    const held = await heldUntil({ endpoints }, subscription)
    return { items: page.waiting.map((one) => presentWaiting(one, known, held)), next: page.next }
  }
  const of = status === 'skipped' ? 'skipped' : 'deliveries'
  const page = await history.list({
    subscription: subscription.id,
    of,
    outcome: status,
    event,
    subject,
    after,
    limit,
  })
  return { items: page.notes.map((note) => presentNote(note, known)), next: page.next }
}

async function replaysOf({ replays }: Pick<ListDeliveriesDeps, 'replays'>, { id }: Pick<Subscription, 'id'>) {
  return new Set((await replays.list(id)).map((replay) => replay.id))
}

/** While its breaker is open. */
async function heldUntil(
  { endpoints }: Pick<ListDeliveriesDeps, 'endpoints'>,
  { id }: Pick<Subscription, 'id'>,
): Promise<number | undefined> {
  return (await endpoints.find(id))?.openUntil
}

/** For whoever has another door than the API. */
export function readListRequest(query: unknown): ListRequest {
  const { limit, ...asked } = validate(listSchema, query)
  return { ...asked, limit: limitOf(limit) }
}

async function findEvent(
  { find }: Pick<DeliveryRoutesDeps, 'find'>,
  subscription: Subscription,
  text: unknown,
): Promise<FoundDelivery> {
  const asked = readEventId(String(text))
  const found = asked && (await find(subscription, asked))
  if (!found) {
    throw new AppError('not-found', {
      detail:
        'Nothing is known of this event for this subscription: it was not tried yet, is not one that it takes, or the history does not reach back so far. A replay by time sends it all the same.',
    })
  }
  return found
}

function isSameSubject(event: string | undefined, subject: string | undefined): boolean {
  const about = event === undefined ? undefined : readEventId(event)?.subject
  return about === undefined || subject === undefined || about === subject
}

export const deliveryOperations: readonly Operation[] = [
  {
    id: 'listDeliveries',
    method: 'get',
    path: '/v1/subscriptions/{id}/deliveries',
    tag: 'subscriptions',
    summary: 'What was tried for a subscription, newest first',
    description:
      'Without `status`, every attempt that is known. `failing` and `waiting`: what is not delivered yet, as it stands now, by when it is tried next. `skipped`: what was given up. A page may hold fewer than `limit` and yet have a `next`, where a filter leaves out much.',
    scope: 'subscriptions:write',
    query: listSchema,
    answers: { 200: { description: 'A page of them.', schema: pageOf(deliverySchema) } },
    problems: ['not-found', 'invalid-request', 'invalid-cursor'],
  },
  {
    id: 'getDelivery',
    method: 'get',
    path: '/v1/subscriptions/{id}/deliveries/{event}',
    tag: 'subscriptions',
    summary: 'One event: how its delivery stands, with every attempt that is known',
    scope: 'subscriptions:write',
    answers: { 200: { description: 'The event and its attempts.', schema: eventDeliverySchema } },
    problems: ['not-found'],
  },
  {
    id: 'resendDelivery',
    method: 'post',
    path: '/v1/subscriptions/{id}/deliveries/{event}/resend',
    tag: 'subscriptions',
    summary: 'Sends one event again',
    description:
      'What waits to be tried is tried now; anything else is sent by a replay of this event alone.',
    scope: 'subscriptions:write',
    body: nothingSchema,
    bodyOptional: true,
    answers: { 202: { description: 'It is on its way.', schema: resentSchema } },
    problems: [
      'not-found',
      'subscription-disabled',
      'too-many-replays',
      'cursor-expired',
      'commit-contended',
    ],
  },
]
