/**
 * Who events are pushed to. A secret is shown when it is made and never again. What a call changes is heeded by every
 * process within a second; until then the endpoint may be sent what it was to get before.
 */
import { Router } from 'express'
import type { AuditFacts } from '../../domain/audit.ts'
import { createSubscription } from '../../domain/decide-subscription.ts'
import { AppError } from '../../domain/errors.ts'
import type { Because } from '../../domain/event.ts'
import { type IdMaker, readSubscriptionId } from '../../domain/ids.ts'
import type { Subscription } from '../../domain/subscription.ts'
import { formatTime } from '../../domain/time.ts'
import type { Subscriptions } from '../../store/subscriptions.ts'
import { noteFacts } from '../audited.ts'
import type { Principal } from '../principal.ts'
import { allowOnly } from './allow.ts'
import { requireScope } from './authorize.ts'
import type { ReadSubscriberUrl } from './subscriber-url.ts'
import { createSubscriptionChange, type SubscriptionChangeDeps } from './subscription-change.ts'
import { pageOfSubscriptions, subscriptionPageSchema } from './subscription-page.ts'
import { type EndpointHealth, showSubscription } from './subscription-present.ts'
import {
  changeSubscriptionSchema,
  createSubscriptionSchema,
  makeSecret,
  nothingSchema,
  rotateSchema,
  type SubscriptionTerms,
} from './subscription-request.ts'
import { createSubscriptionRotate } from './subscription-rotate.ts'
import { createSubscriptionTest, type SendTest } from './subscription-test.ts'
import { limitOf, validate } from './validate.ts'

export interface SubscriptionRoutesDeps extends SubscriptionChangeDeps {
  authenticate(token: string): Principal | null
  subscriptions: Subscriptions
  readUrl: ReadSubscriberUrl
  /** Every account that was ever configured. */
  knownAccounts(): Promise<readonly string[]>
  healthOf(subscription: Subscription): Promise<EndpointHealth | undefined>
  send: SendTest
  /** Ends the tests that are under way. */
  stopping: AbortSignal
  ids: Pick<IdMaker, 'subscriptionId' | 'runId'>
  randomBytes(count: number): Uint8Array
}

export function createSubscriptionRoutes(deps: SubscriptionRoutesDeps): Router {
  const { subscriptions, ids, randomBytes, clock, logger } = deps
  const router = Router()
  const mayWrite = requireScope(deps.authenticate, 'subscriptions:write')
  const change = createSubscriptionChange(deps)
  const rotate = createSubscriptionRotate(deps)
  const test = createSubscriptionTest(deps)

  const show = async (one: Subscription) => showSubscription(one, await deps.healthOf(one), clock())

  async function readTerms(): Promise<SubscriptionTerms> {
    const accounts = new Set(await deps.knownAccounts())
    return { readUrl: deps.readUrl, isAccount: (id) => accounts.has(id) }
  }

  /** As it will be called; the schema has looked at it. */
  function normalise(text: string): string {
    const read = deps.readUrl(text)
    return read.ok ? read.url : text
  }

  async function find(text: unknown): Promise<Subscription> {
    const id = readSubscriptionId(String(text))
    const found = id && (await subscriptions.find(id))
    if (!found) throw noSuchSubscription()
    return found
  }

  router.post('/subscriptions', mayWrite, async (req, res) => {
    const { url, types, accounts, description, disabled } = validate(
      createSubscriptionSchema(await readTerms()),
      req.body,
    )
    const by = String(res.locals.principal)
    const id = ids.subscriptionId()
    const secret = makeSecret(randomBytes)
    // Read before it is written: nothing that comes after it is missed.
    const live = { run: ids.runId(), from: await deps.newest() }
    const step = createSubscription(
      {
        id,
        url: normalise(url),
        ...(description !== undefined && { description }),
        types: unique(types),
        accounts: unique(accounts),
        live,
        createdBy: by,
        secret: subscriptions.sealSecret(id, secret),
        disabled,
      },
      clock(),
    )
    const created = await subscriptions.create(step, becauseOf(by))
    noteFacts(res, { after: { id, ...factsOf(created) } })
    logger.info('subscription.created', { subscription: id, principal: by })
    res
      .status(201)
      .location(`/v1/subscriptions/${id}`)
      .json({ ...(await show(created)), secret })
  })

  router.get('/subscriptions', mayWrite, async (req, res) => {
    const { after, limit } = validate(subscriptionPageSchema, req.query)
    const page = pageOfSubscriptions(await subscriptions.list(), after, limitOf(limit))
    res.json({ items: await Promise.all(page.items.map(show)), next: page.next })
  })

  router.get('/subscriptions/:id', mayWrite, async (req, res) => {
    validate(nothingSchema, req.query)
    res.json(await show(await find(req.params.id)))
  })

  router.patch('/subscriptions/:id', mayWrite, async (req, res) => {
    const found = await find(req.params.id)
    const asked = validate(changeSubscriptionSchema(await readTerms()), req.body)
    const { url, types, accounts } = asked
    const changes = {
      ...asked,
      url: url === undefined ? undefined : normalise(url),
      types: types && unique(types),
      accounts: accounts && unique(accounts),
    }
    const changed = await change(found, changes, String(res.locals.principal))
    if (!changed) throw noSuchSubscription()
    noteFacts(res, { before: factsOf(found), after: factsOf(changed) })
    res.json(await show(changed))
  })

  router.delete('/subscriptions/:id', mayWrite, async (req, res) => {
    validate(nothingSchema, req.query)
    const { id } = await find(req.params.id)
    const by = String(res.locals.principal)
    if (!(await subscriptions.remove(id, becauseOf(by)))) throw noSuchSubscription()
    logger.info('subscription.deleted', { subscription: id, principal: by })
    res.status(204).end()
  })

  router.post('/subscriptions/:id/rotate', mayWrite, async (req, res) => {
    const { id } = await find(req.params.id)
    const rotated = await rotate(id, validate(rotateSchema, req.body ?? {}), String(res.locals.principal))
    if (!rotated) throw noSuchSubscription()
    const { after, secret, overlapUntil } = rotated
    res.json({
      ...(await show(after)),
      secret,
      ...(overlapUntil !== undefined && { overlapUntil: formatTime(overlapUntil) }),
    })
  })

  router.post('/subscriptions/:id/test', mayWrite, async (req, res) => {
    const found = await find(req.params.id)
    validate(nothingSchema, req.body ?? {})
    const gone = new AbortController()
    res.on('close', () => gone.abort())
    res.json(await test(found, String(res.locals.principal), gone.signal))
  })

  router.all('/subscriptions', allowOnly('GET', 'HEAD', 'POST'))
  router.all('/subscriptions/:id', allowOnly('GET', 'HEAD', 'PATCH', 'DELETE'))
  router.all('/subscriptions/:id/rotate', allowOnly('POST'))
  router.all('/subscriptions/:id/test', allowOnly('POST'))
  return router
}

/** For the audit log. Path and query of its URL may be secret. */
function factsOf({ url, types, accounts, disabled }: Subscription): AuditFacts {
  return {
    host: new URL(url).host,
    types: types.join(','),
    accounts: accounts.join(','),
    enabled: disabled === undefined,
  }
}

export function noSuchSubscription(): AppError {
  return new AppError('not-found', { detail: 'There is no such subscription.' })
}

function becauseOf(by: string): Because {
  return { source: 'operator', by }
}

function unique(texts: readonly string[] = []): string[] {
  return [...new Set(texts)]
}
