/** The calls about subscriptions, on a test's own store, with whatever is said of what they send. */
import { randomBytes } from 'node:crypto'
import { Router } from 'express'
import request from 'supertest'
import { createReadSubscriberUrl } from '../../src/http/api/subscriber-url.ts'
import type { SendTest } from '../../src/http/api/subscription-test.ts'
import { createSubscriptionRoutes } from '../../src/http/api/subscriptions.ts'
import { createTokens } from '../../src/http/tokens.ts'
import { createAddressCheck } from '../../src/outbound/networks.ts'
import { createDeliveryHistory } from '../../src/store/delivery-history.ts'
import { createEndpoints } from '../../src/store/endpoints.ts'
import { createLogPlaces } from '../../src/store/log-places.ts'
import { createReplays } from '../../src/store/replays.ts'
import { createRuns } from '../../src/store/runs.ts'
import { createSkipLines } from '../../src/store/skip-lines.ts'
import { createStoodAt } from '../../src/store/stood-at.ts'
import { createApiApp } from './api-app.ts'
import { createMemoryLogger } from './log.ts'
import { sha256 } from './small-api.ts'
import { day, ids, type TestStore } from './store.ts'
import { createTestSubscriptions } from './subscriptions.ts'

export interface SubscriptionApiOptions {
  clock?: () => number
  send?: SendTest
  max?: number
  accounts?: string[]
}

const { authenticate } = createTokens([
  { id: 'ledger', sha256: sha256('ledger'), scopes: ['subscriptions:write'] },
  { id: 'reader', sha256: sha256('reader'), scopes: ['events:read', 'transfers:write', 'ops:act'] },
])

export function createSubscriptionApi(
  store: TestStore,
  {
    clock = Date.now,
    send = async () => ({ outcome: 'given-up' }),
    max,
    accounts = ['zeno', 'wx'],
  }: SubscriptionApiOptions = {},
) {
  const { redis, keys, log } = store
  const logger = createMemoryLogger()
  const subscriptions = createTestSubscriptions(store, { clock, ...(max !== undefined && { max }) })
  const endpoints = createEndpoints({ redis, keys })
  const runs = createRuns({ redis, keys })
  const limits = { historyMs: 14 * day, logMs: 90 * day }
  const history = createDeliveryHistory({ redis, keys, clock, limits })
  const skipLines = createSkipLines({ runs, history, clock, logger })
  const replays = createReplays({ redis, keys, clock })
  const routes = createSubscriptionRoutes({
    authenticate,
    subscriptions,
    readUrl: createReadSubscriberUrl({ mayReach: createAddressCheck([]), http: false }),
    knownAccounts: async () => accounts,
    newest: log.newest,
    stoodAt: createStoodAt({ runs, places: createLogPlaces({ redis, keys }) }),
    async passedOver(run, { id, live }) {
      const partitions = Array.from({ length: keys.partitions }, (_, partition) => partition)
      await Promise.all(partitions.map((partition) => skipLines({ partition, run }, id, live.run)))
    },
    async beganAnew({ id, live }) {
      await endpoints.forget(id)
      await runs.wake(live.run, clock())
    },
    stopped: ({ id }) => replays.endAll(id, 'disabled'),
    healthOf: ({ id }) => endpoints.find(id),
    send,
    stopping: new AbortController().signal,
    ids,
    randomBytes,
    clock,
    logger,
  })
  const app = createApiApp({
    routes: [routes],
    ops: Router(),
    authenticate,
    redisState: () => ({ state: 'ok' }),
    clock,
    logger,
  })
  const call = (method: 'get' | 'post' | 'patch' | 'delete' | 'put', path: string, token = 'ledger') =>
    request(app)[method](`/v1/subscriptions${path}`).set('authorization', `Bearer ${token}`)
  return {
    app,
    logger,
    subscriptions,
    endpoints,
    replays,
    runs,
    get: (path = '', token?: string) => call('get', path, token),
    post: (path: string, body?: unknown, token?: string) => {
      const sent = call('post', path, token)
      return body === undefined ? sent : sent.send(body as object)
    },
    patch: (path: string, body: unknown, token?: string) => call('patch', path, token).send(body as object),
    delete: (path: string, token?: string) => call('delete', path, token),
    call,
  }
}

export type SubscriptionApi = ReturnType<typeof createSubscriptionApi>
