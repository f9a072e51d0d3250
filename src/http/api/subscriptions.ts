/**
 * Who events are pushed to. A secret is shown when it is made and never again. What a call changes is heeded by every
 * process within a second; until then the endpoint may be sent what it was to get before.
 */
import { Router } from 'express'
import {
  changeSubscription,
  createSubscription,
  disableSubscription,
  rotateSecret,
  type SubscriptionStep,
} from '../../domain/decide-subscription.ts'
import { AppError } from '../../domain/errors.ts'
import type { Because } from '../../domain/event.ts'
import { type IdMaker, readSubscriptionId } from '../../domain/ids.ts'
import type { Positions, Subscription } from '../../domain/subscription.ts'
import { formatTime } from '../../domain/time.ts'
import type { Subscriptions } from '../../store/subscriptions.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { Principal } from '../principal.ts'
import { allowOnly } from './allow.ts'
import { requireScope } from './authorize.ts'
import type { ReadSubscriberUrl } from './subscriber-url.ts'
import { createEnabling } from './subscription-enabling.ts'
import { pageOfSubscriptions, subscriptionPageSchema } from './subscription-page.ts'
import { type EndpointHealth, showSubscription } from './subscription-present.ts'
import {
  changeSubscriptionSchema,
  createSubscriptionSchema,
  makeSecret,
  nothingSchema,
  overlapHoursDefault,
  rotateSchema,
  type SubscriptionTerms,
} from './subscription-request.ts'
import { createSubscriptionTest, type SendTest } from './subscription-test.ts'
import { limitOf, validate } from './validate.ts'

export interface SubscriptionRoutesDeps {
  authenticate(token: string): Principal | null
  subscriptions: Subscriptions
  readUrl: ReadSubscriberUrl
  /** Every account that was ever configured. */
  knownAccounts(): Promise<readonly string[]>
  /** Where the log ends, and where a subscription's live run stands: all before it was dealt with. */
  newest(): Promise<Positions>
  stoodAt(subscription: Subscription): Promise<Positions>
  /** It was enabled, or goes elsewhere: what its endpoint failed of before counts no more, and its run is looked at now. */
  beganAnew(subscription: Subscription): Promise<void>
  healthOf(subscription: Subscription): Promise<EndpointHealth | undefined>
  send: SendTest
  /** Ends the tests that are under way. */
  stopping: AbortSignal
  ids: Pick<IdMaker, 'subscriptionId' | 'runId'>
  randomBytes(count: number): Uint8Array
  clock: () => number
  logger: Logger
}

const hourMs = 3_600_000

export function createSubscriptionRoutes(deps: SubscriptionRoutesDeps): Router {
  const { subscriptions, ids, randomBytes, clock, logger } = deps
  const router = Router()
  const mayWrite = requireScope(deps.authenticate, 'subscriptions:write')
  const enabling = createEnabling(deps)
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
    const { url, types, accounts, description, enabled, missed, reason } = asked
    const by = String(res.locals.principal)
    const enable = await enabling.prepare(found, enabled === true ? (missed ?? 'skip') : undefined)
    const changes = {
      url: url === undefined ? undefined : normalise(url),
      types: types && unique(types),
      accounts: accounts && unique(accounts),
      description,
    }
    const changed = await subscriptions.change(found.id, becauseOf(by, reason), (before) => {
      const at = clock()
      return follow(before, [
        (one) => changeSubscription(one, changes, at),
        (one) => enable(one, at),
        (one) =>
          enabled === false ? disableSubscription(one, { because: 'by-person', by, reason }, at) : undefined,
      ])
    })
    if (!changed) throw noSuchSubscription()
    for (const { name } of changed.facts)
      logger.info(`subscription.${name}`, { subscription: found.id, principal: by })
    const isEnabled = changed.facts.some(({ name }) => name === 'enabled')
    if (isEnabled || changed.after.url !== found.url) await deps.beganAnew(changed.after)
    res.json(await show(changed.after))
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
    const asked = validate(rotateSchema, req.body ?? {})
    const by = String(res.locals.principal)
    const secret = asked.secret ?? makeSecret(randomBytes)
    const overlapMs = (asked.overlapHours ?? overlapHoursDefault) * hourMs
    const sealed = subscriptions.sealSecret(id, secret)
    const changed = await subscriptions.change(id, becauseOf(by, 'secret-rotated'), (before) => {
      const [current, ...older] = subscriptions.openSecrets(before)
      // The same call again, whose answer was lost.
      if (secret === current) return []
      if (older.includes(secret)) throw secretInUse()
      return [rotateSecret(before, { sealed, overlapMs }, clock())]
    })
    if (!changed) throw noSuchSubscription()
    if (changed.facts.length > 0) logger.info('subscription.rotated', { subscription: id, principal: by })
    const until = Math.max(...changed.after.secrets.map((one) => one.until ?? 0))
    res.json({
      ...(await show(changed.after)),
      secret,
      ...(until > clock() && { overlapUntil: formatTime(until) }),
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

export function noSuchSubscription(): AppError {
  return new AppError('not-found', { detail: 'There is no such subscription.' })
}

type Decide = (before: Subscription) => SubscriptionStep | undefined

/** Each on what the one before it left; those that change nothing are no steps. */
function follow(before: Subscription, decisions: readonly Decide[]): SubscriptionStep[] {
  const steps: SubscriptionStep[] = []
  for (const decide of decisions) {
    const step = decide(steps.at(-1)?.after ?? before)
    if (step) steps.push(step)
  }
  return steps
}

function becauseOf(by: string, reason?: string): Because {
  return { source: 'operator', by, ...(reason !== undefined && { reason }) }
}

function unique(texts: readonly string[] = []): string[] {
  return [...new Set(texts)]
}

function secretInUse(): AppError {
  const message = 'It was rotated away and still signs.'
  return new AppError('invalid-request', {
    detail: message,
    errors: [{ path: 'secret', code: 'secret-in-use', message }],
  })
}
