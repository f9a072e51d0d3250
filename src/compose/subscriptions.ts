/** Who events are pushed to: the routes of the API, and what they stand on. */
import type { Router } from 'express'
import { createReadSubscriberUrl } from '../http/api/subscriber-url.ts'
import { createSubscriptionRoutes } from '../http/api/subscriptions.ts'
import type { Principal } from '../http/principal.ts'
import { createAddressCheck } from '../outbound/networks.ts'
import type { RedisClient } from '../redis/client.ts'
import { createRandomPool } from '../seal/random-pool.ts'
import { createDeliveryHistory } from '../store/delivery-history.ts'
import { createEndpoints } from '../store/endpoints.ts'
import type { EventLog } from '../store/event-log.ts'
import { createLogPlaces } from '../store/log-places.ts'
import { createReplays } from '../store/replays.ts'
import { createRuns } from '../store/runs.ts'
import { createSkipLines } from '../store/skip-lines.ts'
import { createStoodAt } from '../store/stood-at.ts'
import { createSubscriptions, type Subscriptions } from '../store/subscriptions.ts'
import { type Base, type ComposeDeps, clock, ids } from './base.ts'
import { createSender } from './send.ts'

export interface SubscriptionParts {
  subscriptions: Subscriptions
  routes: Router
}

interface SubscriptionPartsDeps {
  redis: RedisClient
  log: Pick<EventLog, 'newest'>
  authenticate(token: string): Principal | null
  /** Ends what is under way. */
  stopping: AbortSignal
}

export function createSubscriptionParts(
  { config, lifecycle, logger }: ComposeDeps,
  { keys, keyring }: Base,
  { redis, log, authenticate, stopping }: SubscriptionPartsDeps,
): SubscriptionParts {
  const subscriptions = createSubscriptions({ redis, keys, sealer: keyring, clock })
  const endpoints = createEndpoints({ redis, keys })
  const limits = { historyMs: config.deliveries.historyMs, logMs: config.retention.logMs }
  const runs = createRuns({ redis, keys, limits })
  const history = createDeliveryHistory({ redis, keys, clock, limits })
  const skipLines = createSkipLines({ runs, history, clock, logger })
  const replays = createReplays({ redis, keys, clock })
  const routes = createSubscriptionRoutes({
    authenticate,
    subscriptions,
    readUrl: createReadSubscriberUrl({
      mayReach: createAddressCheck(config.outbound.allow),
      http: config.outbound.http,
    }),
    knownAccounts: () => redis.smembers(keys.accounts),
    newest: log.newest,
    stoodAt: createStoodAt({ runs, places: createLogPlaces({ redis, keys }) }),
    async passedOver(run, { id, live }) {
      const partitions = Array.from({ length: keys.partitions }, (_, partition) => partition)
      await Promise.all(partitions.map((partition) => skipLines({ partition, run }, id, live.run)))
    },
    async beganAnew({ id, live, disabled }) {
      await endpoints.forget(id)
      if (!disabled) await runs.wake(live.run, clock())
    },
    stopped: ({ id }) => replays.endAll(id, 'disabled'),
    healthOf: ({ id }) => endpoints.find(id),
    send: createSender({ config, lifecycle, clock }),
    stopping,
    ids,
    randomBytes: createRandomPool(),
    clock,
    logger,
  })
  return { subscriptions, routes }
}
