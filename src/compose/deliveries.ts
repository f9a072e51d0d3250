/** What was tried for subscriptions, and sending it again: for the API and for whoever works on the store itself. */
import type { Router } from 'express'
import type { Config } from '../config/config.ts'
import { AppError } from '../domain/errors.ts'
import { createCountStretch } from '../events/count-stretch.ts'
import { decodeCursor, encodeCursor } from '../events/cursor.ts'
import { createDeliveryRoutes } from '../http/api/deliveries.ts'
import { createShowReplay } from '../http/api/replay-present.ts'
import { createReadRange } from '../http/api/replay-request.ts'
import { createReplayRoutes } from '../http/api/replays.ts'
import { createReplaying } from '../http/api/resend.ts'
import type { Principal } from '../http/principal.ts'
import type { RedisClient } from '../redis/client.ts'
import type { HistoryLimits } from '../store/deliveries.ts'
import { createDeliveriesOf } from '../store/deliveries-of.ts'
import { createDeliveryHistory } from '../store/delivery-history.ts'
import { createEndpoints } from '../store/endpoints.ts'
import type { EventLog } from '../store/event-log.ts'
import { createFindDelivery } from '../store/find-delivery.ts'
import type { Keys } from '../store/keys.ts'
import { createLogPlaces } from '../store/log-places.ts'
import { createReplays } from '../store/replays.ts'
import { createRuns } from '../store/runs.ts'
import { createSubscriptions, type Subscriptions, type SubscriptionsDeps } from '../store/subscriptions.ts'
import { createWaitingDeliveries } from '../store/waiting-deliveries.ts'
import type { Logger } from '../telemetry/logger.ts'
import { clock, ids } from './base.ts'

export interface DeliveryPartsDeps {
  redis: RedisClient
  keys: Keys
  limits: HistoryLimits
  log: Pick<EventLog, 'newest' | 'oldest' | 'readPartition'>
  /** Which log it is: a cursor of another one is refused. */
  epoch: string
  logger: Logger
}

/** What was sent of one intent, for whoever wants to know why it is where it is. */
export function openDeliveriesOf(
  { deliveries, retention }: Pick<Config, 'deliveries' | 'retention'>,
  { redis, keys, sealer }: Pick<SubscriptionsDeps, 'redis' | 'keys' | 'sealer'>,
) {
  const limits = { historyMs: deliveries.historyMs, logMs: retention.logMs }
  return createDeliveriesOf({
    subscriptions: createSubscriptions({ redis, keys, sealer, clock }),
    history: createDeliveryHistory({ redis, keys, clock, limits }),
  })
}

export type DeliveryParts = ReturnType<typeof createDeliveryParts>

export function createDeliveryParts({ redis, keys, limits, log, epoch, logger }: DeliveryPartsDeps) {
  const runs = createRuns({ redis, keys, limits })
  const replays = createReplays({ redis, keys, clock })
  const history = createDeliveryHistory({ redis, keys, clock, limits })
  const waiting = createWaitingDeliveries({ redis, keys, runs })
  const find = createFindDelivery({ history, waiting, replays })
  const endpoints = createEndpoints({ redis, keys })
  const places = createLogPlaces({ redis, keys })
  const { newest } = log
  const encode = (positions: readonly string[]) => encodeCursor(positions, epoch)
  const replaying = createReplaying({
    readRange: createReadRange({
      places,
      newest,
      async decodeCursor(text) {
        const cursor = decodeCursor(text, keys.partitions)
        if (cursor.epoch === undefined || cursor.epoch === epoch) return cursor.positions
        throw new AppError('cursor-superseded', {
          detail: 'This cursor is of another log: what Redis held when it was given out is gone.',
        })
      },
    }),
    places,
    newest,
    countStretch: createCountStretch(log),
    replays,
    runs,
    endpoints,
    find,
    begin: async () => encode(await log.oldest()),
    ids,
    partitionOf: keys.partitionOf,
    clock,
    logger,
  })
  const showReplay = createShowReplay({ progressOf: runs.progressOf, encodeCursor: encode })
  return {
    runs,
    endpoints,
    replays,
    history,
    waiting,
    find,
    replaying,
    showReplay,
    encodeCursor: encode,
    logger,
  }
}

export function createDeliveryRoutesOf(
  parts: DeliveryParts,
  {
    subscriptions,
    authenticate,
  }: { subscriptions: Pick<Subscriptions, 'find'>; authenticate(token: string): Principal | null },
): Router[] {
  const common = { ...parts, subscriptions, authenticate }
  return [createDeliveryRoutes({ ...common, resend: parts.replaying.resend }), createReplayRoutes(common)]
}
