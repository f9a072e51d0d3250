/** The two listeners: callbacks in public, API and operators' pages in private. */

import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import type { Queue } from 'bullmq'
import type { Express } from 'express'
import type { ErrorCode } from '../domain/errors.ts'
import { createFeed } from '../events/feed.ts'
import { createReadHead } from '../events/head.ts'
import { createApiApp } from '../http/api/app.ts'
import { createAuditRoutes } from '../http/api/audit.ts'
import { createBatchRoutes } from '../http/api/batches.ts'
import { createCallbackReplayRoutes } from '../http/api/callback-replays.ts'
import { createCollectionRoutes } from '../http/api/collections.ts'
import { createCouponRoutes } from '../http/api/coupons.ts'
import { createEventRoutes } from '../http/api/events.ts'
import { operations } from '../http/api/operations.ts'
import { createSubmissionRoutes } from '../http/api/submissions.ts'
import { createTokenRoutes } from '../http/api/tokens.ts'
import { createTransferRoutes } from '../http/api/transfers.ts'
import { createFailureLimiter } from '../http/callbacks/failure-limiter.ts'
import { createCallbackHandler } from '../http/callbacks/handler.ts'
import { createIntake } from '../http/callbacks/intake.ts'
import { createRoom } from '../http/callbacks/room.ts'
import { createCallbackServer } from '../http/callbacks/server.ts'
import { createSourceOf, createSourceRule } from '../http/callbacks/source.ts'
import { createDocumentRoutes } from '../http/documents/routes.ts'
import { listen } from '../http/listen.ts'
import { createOpsRouter } from '../http/ops/router.ts'
import { createTokens } from '../http/tokens.ts'
import { maskJobData } from '../queue/job-data.ts'
import { createCallbackProducer } from '../queue/producer.ts'
import type { RedisState } from '../queue/redis-guard.ts'
import type { RedisClient } from '../redis/client.ts'
import { deriveKey } from '../seal/keyring.ts'
import { createCollections } from '../store/collections.ts'
import { createReadyReceipts } from '../store/ready-receipts.ts'
import { createTokenUse } from '../store/token-use.ts'
import { createReadyPump } from '../workers/ready-pump.ts'
import { createAccountMetrics, createAccountPartRoutes, createAccountParts } from './accounts.ts'
import { createAuditedApi, createAuditParts } from './audit.ts'
import { type AddJobs, type Base, type ComposeDeps, clock, ids, open, openQueue } from './base.ts'
import { composeConsole } from './console.ts'
import { openDeliveryQueue } from './deliver.ts'
import { createDeliveryParts, createDeliveryRoutesOf } from './deliveries.ts'
import { createOidc, createOperatorParts } from './operators.ts'
import type { Published } from './published.ts'
import { createRecordParts, createRecordRoutes, openRecords, type Records } from './records.ts'
import { createReplayParts } from './replay.ts'
import { createSubscriptionParts } from './subscriptions.ts'
import { describeTerms } from './terms.ts'
import { readVersion } from './version.ts'

const inFlightMax = 4_096
const underWayMax = 2_048
/** Every provider has given up by then. */
const senderMsMax = 8_000
const inFlightBytesMax = 64 * 1024 * 1024

/** Past every account's budget; a write that takes longer is given up, so that the next may try. */
const writeMsMax = 5_000

export interface Served {
  callbackUrl: string
  apiUrl: string
}

export async function startServe(deps: ComposeDeps, base: Base, published: Published): Promise<Served> {
  const { config, lifecycle, logger } = deps
  const { queue, addJobs } = await openQueue(base, lifecycle, 'fail-fast', 'serve-queue')
  const turns = await openDeliveryQueue(base, lifecycle, 'fail-fast', 'serve-deliveries')
  // The intake has a connection of its own: others must not stand behind its writes where these wait for replicas.
  const intake = await openQueue(base, lifecycle, 'fail-fast', 'intake', config.durability.replicas)
  const redis = await open(base, lifecycle, 'fail-fast', 'serve')
  const records = openRecords(deps, base, redis)
  const callbacks = startIntake(deps, base, records, intake.addJobs)
  const stopping = new AbortController()
  const api = await createApi(
    deps,
    base,
    { records, published, redis, queue, turns, addJobs, accept: intake.addJobs },
    stopping.signal,
  )
  const callbackUrl = await listen(callbacks, config.callbackPort, config.host, {
    lifecycle,
    name: 'callback-listener',
  })
  const apiUrl = await listen(createServer(api), config.apiPort, config.host, {
    lifecycle,
    name: 'api-listener',
  })
  // Stopped before the listener: those who wait for events are let go, or its stop would wait for them.
  lifecycle.add({ name: 'event-waits', stop: async () => stopping.abort() })
  logger.info('listening', { callbackUrl, apiUrl })
  return { callbackUrl, apiUrl }
}

function startIntake(
  { config, lifecycle, logger }: ComposeDeps,
  base: Base,
  { quarantine, usage, askForQuery }: Records,
  addJobs: AddJobs,
) {
  const producer = createCallbackProducer({
    addJobs,
    seal: base.keyring.seal,
    ids,
    inFlightMax,
    inFlightBytesMax,
    writeMsMax,
  })
  lifecycle.add({ name: 'producer', stop: () => producer.drain() })
  const handler = createCallbackHandler({
    providers: base.providers,
    intake: createIntake({
      unavailable: () => unavailableBecause(base.guard.state()),
      enqueue: producer.enqueue,
      ids,
    }),
    limiter: createFailureLimiter(clock),
    sourceOf: createSourceOf(config.callbacks.trustedProxies),
    isSourceAllowed: createSourceRule(config.callbacks.sources),
    quarantine: (refused) => {
      quarantine.keep(refused).catch((error) => logger.warn('quarantine.not-kept', { error }))
    },
    room: createRoom(inFlightBytesMax),
    usage,
    figures: base.figures,
    askForQuery: (provider, body) => void askForQuery(provider, body),
    underWayMax,
    senderMsMax,
    clock,
    logger,
  })
  return createCallbackServer(handler)
}

function unavailableBecause(state: RedisState): ErrorCode | undefined {
  return state.state === 'ok' ? undefined : `redis-${state.state}`
}

interface ApiParts {
  records: Records
  published: Published
  redis: RedisClient
  queue: Queue
  /** Whose turn it is to be delivered to. */
  turns: Queue
  addJobs: AddJobs
  /** As the intake writes: a callback that leaves the quarantine has to be as durable as one that is acknowledged. */
  accept: AddJobs
}

async function createApi(
  deps: ComposeDeps,
  base: Base,
  { records, published, redis, queue, turns, addJobs, accept }: ApiParts,
  stopping: AbortSignal,
): Promise<Express> {
  const { config, lifecycle, logger } = deps
  const { keys, guard, digestPerson } = base
  const { intents, vault, register, batches, members } = records.parts
  const tokenUse = createTokenUse({ redis, keys, clock })
  const tokens = createTokens(config.tokens, { clock, onUse: tokenUse.note })
  const { authenticate } = tokens
  const contentKey = deriveKey(config.seal.indexKey, 'content')
  const registration = {
    authenticate,
    intents,
    vault,
    digestPerson,
    accounts: describeTerms(config, base.providers),
    digestContent: (text: string) =>
      createHmac('sha256', contentKey).update(text).digest('base64url').slice(0, 22),
    unavailable: () => unavailableBecause(guard.state()),
    pumpReady: createReadyPump({ ready: createReadyReceipts({ redis, keys }), addJobs, ids }),
    clock,
    logger,
  }
  const { log, tail } = published
  const feed = createFeed({ log: tail, epoch: base.epoch, clock })
  const { callbackReplays } = createReplayParts(base, { redis, queue, parts: records.parts, logger })
  const audit = createAuditParts(redis, keys, config)
  const audited = createAuditedApi(audit, logger)
  const subscribed = createSubscriptionParts(deps, base, {
    redis,
    log: published.log,
    authenticate,
    stopping,
  })
  const limits = { historyMs: config.deliveries.historyMs, logMs: config.retention.logMs }
  const deliveries = createDeliveryParts({
    redis,
    keys,
    limits,
    log: published.log,
    epoch: base.epoch,
    logger,
  })
  const { usage } = records
  const recordParts = createRecordParts(deps, base, records, { redis, queue, addJobs: accept })
  const accountParts = createAccountParts(deps, base, { redis, usage })
  const routes = [
    ...createRecordRoutes(deps, recordParts, { providers: base.providers, usage, authenticate }),
    ...createAccountPartRoutes(accountParts, authenticate),
    createCouponRoutes({ ...registration, register }),
    createCollectionRoutes({
      authenticate,
      intents,
      vault,
      collections: createCollections({ redis, keys, intents }),
    }),
    createTransferRoutes({ ...registration, register, batches }),
    createSubmissionRoutes(registration),
    createBatchRoutes({ ...registration, batches, members }),
    createEventRoutes({
      authenticate,
      feed,
      readHead: createReadHead({ log, epoch: base.epoch }),
      stopping,
      onChange: base.figures.streams,
      clock,
      logger,
    }),
    createCallbackReplayRoutes({ authenticate, callbackReplays }),
    createAuditRoutes({ authenticate, audit: audit.reading }),
    createTokenRoutes({ authenticate, tokens: config.tokens, use: tokenUse, clock }),
    subscribed.routes,
    ...createDeliveryRoutesOf(deliveries, { ...subscribed, authenticate }),
  ]
  const ops = createOpsRouter({
    audit: audit.log,
    operators: createOperatorParts(redis, keys).local,
    oidc: createOidc(config),
    queues: [queue, turns],
    ...tokens,
    sessionKey: deriveKey(config.seal.indexKey, 'session'),
    maskJobData,
    callbackReplays,
    console: composeConsole(base, {
      redis,
      queues: [queue, turns],
      usage,
      members,
      records: recordParts,
      accounts: accountParts,
      subscriptions: subscribed.subscriptions,
      deliveries,
      audit: audit.reading,
      logger,
    }),
    clock,
    logger,
  })
  // Stopped after the listener: what it answered last is still to be put on record.
  lifecycle.add({ name: 'audit', stop: async () => void (await Promise.all([audited.drain(), ops.drain()])) })
  const metrics = createAccountMetrics(deps, base, redis)
  const documents = createDocumentRoutes({ operations, version: readVersion() })
  return createApiApp({
    routes,
    ops: ops.router,
    audit: audited.handle,
    documents,
    metrics,
    authenticate,
    redisState: guard.state,
    clock,
    logger,
  })
}
