/** Who events are pushed to: the routes of the API, and what they stand on. */
import type { Router } from 'express'
import { createReadSubscriberUrl } from '../http/api/subscriber-url.ts'
import { createSubscriptionRoutes } from '../http/api/subscriptions.ts'
import type { Principal } from '../http/principal.ts'
import { createAddressCheck } from '../outbound/networks.ts'
import type { RedisClient } from '../redis/client.ts'
import { createRandomPool } from '../seal/random-pool.ts'
import { createEndpoints } from '../store/endpoints.ts'
import type { EventLog } from '../store/event-log.ts'
import { createReplays } from '../store/replays.ts'
import { createRuns } from '../store/runs.ts'
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
  const runs = createRuns({ redis, keys })
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
    async stoodAt({ live }) {
      const progress = await runs.progressOf(live.run)
      return live.from.map((from, partition) => progress[partition]?.position ?? from)
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
