/**
 * The only file that knows every concrete part. It builds what one role needs, in the order in which things depend on
 * each other, and hands each part to the lifecycle, which stops them in reverse.
 */
import { createHmac, createPrivateKey, createPublicKey } from 'node:crypto'
import { createServer } from 'node:http'
import { Queue } from 'bullmq'
import type { Express } from 'express'
import type { Redis } from 'ioredis'
import type { Config } from './config/config.ts'
import { AppError, type ErrorCode } from './domain/errors.ts'
import { createIdMaker } from './domain/ids.ts'
import { startEmbeddedRedis } from './embedded/embedded-redis.ts'
import { createFeed } from './events/feed.ts'
import { createApiApp } from './http/api/app.ts'
import { createEventRoutes } from './http/api/events.ts'
import { createTransferRoutes } from './http/api/transfers.ts'
import { createFailureLimiter } from './http/callbacks/failure-limiter.ts'
import { createCallbackHandler } from './http/callbacks/handler.ts'
import { createIntake } from './http/callbacks/intake.ts'
import { createCallbackServer } from './http/callbacks/server.ts'
import { listen } from './http/listen.ts'
import { createOpsRouter } from './http/ops/router.ts'
import { createTokens } from './http/tokens.ts'
import type { AccountProvider } from './providers/provider.ts'
import { createZenospay } from './providers/zenospay/index.ts'
import { callbackQueueName, type JobDraft, maskJobData } from './queue/catalogue.ts'
import {
  type Connect,
  type ConnectionTemper,
  connectOnce,
  createConnect,
  describeTarget,
  type RedisTarget,
} from './queue/connections.ts'
import { createCallbackProducer } from './queue/producer.ts'
import { createRedisGuard, type RedisGuard, type RedisState } from './queue/redis-guard.ts'
import { startSandbox } from './sandbox/sandbox.ts'
import { checkValue, createKeyring, deriveKey, type Keyring } from './seal/keyring.ts'
import { createRandomPool } from './seal/random-pool.ts'
import { createEventLog } from './store/event-log.ts'
import { createKeys, type Keys, transferIdOf } from './store/keys.ts'
import { checkFixed } from './store/meta.ts'
import { createQuarantine } from './store/quarantine.ts'
import { createReadyReceipts } from './store/ready-receipts.ts'
import { loadScripts } from './store/scripts.ts'
import { createTransferStore } from './store/transfers.ts'
import { createWake } from './store/wake.ts'
import type { Lifecycle } from './telemetry/lifecycle.ts'
import type { Logger } from './telemetry/logger.ts'
import { createReadyPump, startSweep } from './workers/ready-pump.ts'
import { createReconcile } from './workers/reconcile.ts'
import { createReconcileWorker } from './workers/reconcile-worker.ts'

export const roles = ['all', 'serve', 'work'] as const
export type Role = (typeof roles)[number]

export interface Running {
  callbackUrl?: string
  apiUrl?: string
  /** What a person who tries it out may paste. */
  sandbox?: { apiToken: string; account: string; reference: string; curl: string }
}

export interface ComposeDeps {
  config: Config
  role: Role
  env: NodeJS.ProcessEnv
  lifecycle: Lifecycle
  logger: Logger
}

const keyPrefix = 'tallyhook'
/** The queue's keys carry a tag of their own, so that on a cluster they share a slot. */
const queuePrefix = `{${keyPrefix}:q}`

const guardIntervalMs = 1_000
const sweepIntervalMs = 5_000
const workerConcurrency = 16
const inFlightMax = 4_096
const underWayMax = 2_048
/** Every provider has given up by then. */
const senderMsMax = 8_000
const inFlightBytesMax = 64 * 1024 * 1024

/** Past every account's budget; a write that takes longer is given up, so that the next may try. */
const writeMsMax = 5_000

const clock = () => Date.now()
const ids = createIdMaker(clock, createRandomPool())

export async function compose(deps: ComposeDeps): Promise<Running> {
  const { role } = deps
  const base = await openRedis(deps)
  if (role !== 'serve') await startWork(deps, base)
  if (role === 'work') return {}
  const running = await startServe(deps, base)
  if (role === 'serve') return running
  return { ...running, ...(await startSandboxMode(deps, running)) }
}

/** What both roles stand on: a Redis that is reachable, safe to use, and the one that we used before. */
interface Base {
  target: RedisTarget
  connect: Connect
  guard: RedisGuard
  keys: Keys
  keyring: Keyring
  providers: ReadonlyMap<string, AccountProvider>
}

async function openRedis({ config, env, lifecycle, logger }: ComposeDeps): Promise<Base> {
  const target = await findRedis(config, env, lifecycle, logger)
  const connect = createConnect(target)
  const client = connect('fail-fast', 'guard')
  const guard = createRedisGuard({ client, policy: config.durability, logger, intervalMs: guardIntervalMs })
  lifecycle.add({ name: 'guard', stop: () => guard.stop() })
  await connectOnce(client, target)
  refuseUnsafe(await guard.check(), target)

  const keys = createKeys(keyPrefix, config.partitions)
  const sealChecks = Object.fromEntries(config.seal.keys.map(({ id, key }) => [id, checkValue(key)]))
  const indexCheck = checkValue(config.seal.indexKey)
  await checkFixed(client, keys, { partitions: config.partitions, indexCheck, sealChecks })
  return {
    target,
    connect,
    guard,
    keys,
    keyring: createKeyring(config.seal.keys),
    providers: createProviders(config),
  }
}

async function findRedis(
  config: Config,
  env: NodeJS.ProcessEnv,
  lifecycle: Lifecycle,
  logger: Logger,
): Promise<RedisTarget> {
  if (config.redisUrl) return { kind: 'url', url: config.redisUrl }
  const embedded = await startEmbeddedRedis({ dataDir: config.dataDir, logger, env })
  lifecycle.add({ name: 'embedded-redis', stop: () => embedded.stop() })
  return { kind: 'socket', path: embedded.socketPath }
}

/** Full is no reason not to start: the workers have to drain it. */
function refuseUnsafe(state: RedisState, target: RedisTarget): void {
  if (state.state === 'away')
    throw new AppError('redis-unavailable', { detail: `Redis at ${describeTarget(target)}: ${state.reason}` })
  if (state.state === 'weak') {
    throw new AppError('redis-weak', {
      detail: `${state.reason} Mend it, or set durability.onWeaker to warn.`,
    })
  }
}

function createProviders(config: Config): ReadonlyMap<string, AccountProvider> {
  return new Map(config.accounts.map((account) => [account.id, createZenospay(account)]))
}

async function startWork({ lifecycle, logger }: ComposeDeps, base: Base): Promise<void> {
  const { keys, keyring, providers } = base
  const redis = await open(base, lifecycle, 'wait', 'work')
  const { addJobs } = await openQueue(base, lifecycle, 'wait', 'work-queue')
  const transfers = createTransferStore({ redis, scripts: loadScripts(redis), keys, sealer: keyring })
  const reconcile = createReconcile({ providers, open: keyring.open, transfers, transferIdOf, clock, logger })

  const connection = await open(base, lifecycle, 'wait', 'worker')
  const worker = createReconcileWorker({
    reconcile,
    addJobs,
    connection,
    prefix: queuePrefix,
    concurrency: workerConcurrency,
    random: Math.random,
    logger,
  })
  const isAway = () => base.guard.state().state === 'away'
  lifecycle.add({ name: 'reconcile-worker', stop: () => worker.stop({ force: isAway() }) })

  const pump = createReadyPump({ ready: createReadyReceipts({ redis, keys }), addJobs, ids })
  const sweep = startSweep(pump, sweepIntervalMs, logger)
  lifecycle.add({ name: 'ready-sweep', stop: () => sweep.stop({ force: isAway() }) })
}

async function startServe(
  deps: ComposeDeps,
  base: Base,
): Promise<Required<Pick<Running, 'callbackUrl' | 'apiUrl'>>> {
  const { config, lifecycle, logger } = deps
  const { queue, addJobs } = await openQueue(base, lifecycle, 'fail-fast', 'intake')
  const redis = await open(base, lifecycle, 'fail-fast', 'serve')
  const callbacks = startIntake(deps, base, redis, addJobs)
  const stopping = new AbortController()
  const api = await createApi(deps, base, redis, queue, addJobs, stopping.signal)
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

type AddJobs = (jobs: JobDraft[]) => Promise<unknown>

function startIntake({ lifecycle, logger }: ComposeDeps, base: Base, redis: Redis, addJobs: AddJobs) {
  const producer = createCallbackProducer({ addJobs, ids, inFlightMax, inFlightBytesMax, writeMsMax })
  lifecycle.add({ name: 'producer', stop: () => producer.drain() })
  const quarantine = createQuarantine({ redis, keys: base.keys, sealer: base.keyring })
  const handler = createCallbackHandler({
    providers: base.providers,
    intake: createIntake({
      unavailable: () => unavailableBecause(base.guard.state()),
      enqueue: producer.enqueue,
      seal: base.keyring.seal,
      ids,
    }),
    limiter: createFailureLimiter(clock),
    quarantine: (refused) => {
      quarantine.keep(refused).catch((error) => logger.warn('quarantine.not-kept', { error }))
    },
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

async function createApi(
  { config, lifecycle, logger }: ComposeDeps,
  base: Base,
  redis: Redis,
  queue: Queue,
  addJobs: AddJobs,
  stopping: AbortSignal,
): Promise<Express> {
  const { keys, keyring, guard } = base
  const tokens = createTokens(config.tokens)
  const { authenticate } = tokens
  const wake = createWake({ client: base.connect('wait', 'wake'), channel: keys.wakeChannel })
  await wake.start()
  lifecycle.add({ name: 'wake', stop: () => wake.stop() })

  const log = createEventLog({ redis, keys, sealer: keyring })
  const contentKey = deriveKey(config.seal.indexKey, 'content')
  const transferRoutes = createTransferRoutes({
    authenticate,
    transfers: createTransferStore({ redis, scripts: loadScripts(redis), keys, sealer: keyring }),
    currencies: new Map(config.accounts.map(({ id, currency }) => [id, currency])),
    digestContent: (text) => createHmac('sha256', contentKey).update(text).digest('base64url').slice(0, 22),
    pumpReady: createReadyPump({ ready: createReadyReceipts({ redis, keys }), addJobs, ids }),
    clock,
    logger,
  })
  const feed = createFeed({ log, waitForGrowth: wake.waitForGrowth, clock })
  const ops = createOpsRouter({
    queues: [queue],
    ...tokens,
    sessionKey: deriveKey(config.seal.indexKey, 'session'),
    maskJobData,
    clock,
    logger,
  })
  const routes = [transferRoutes, createEventRoutes({ authenticate, feed, stopping })]
  return createApiApp({ routes, ops, authenticate, redisState: guard.state, clock, logger })
}

async function open(
  base: Base,
  lifecycle: Lifecycle,
  temper: ConnectionTemper,
  name: string,
): Promise<Redis> {
  const client = base.connect(temper, name)
  lifecycle.add({ name: `redis-${name}`, stop: async () => client.disconnect() })
  await connectOnce(client, base.target)
  return client
}

async function openQueue(base: Base, lifecycle: Lifecycle, temper: ConnectionTemper, name: string) {
  const connection = await open(base, lifecycle, temper, name)
  const queue = new Queue(callbackQueueName, { connection, prefix: queuePrefix })
  // Each command reports its own failure; without a listener the same error would end the process.
  queue.on('error', () => {})
  lifecycle.add({ name: `queue-${name}`, stop: () => queue.close() })
  const addJobs: AddJobs = (jobs) => {
    const [only] = jobs
    return jobs.length === 1 && only ? queue.add(only.name, only.data, only.opts) : queue.addBulk(jobs)
  }
  return { queue, addJobs }
}

async function startSandboxMode(
  { config, lifecycle, logger }: ComposeDeps,
  { callbackUrl, apiUrl }: { callbackUrl: string; apiUrl: string },
): Promise<Pick<Running, 'sandbox'>> {
  const identity = config.sandbox
  if (!identity) return {}
  const sandbox = await startSandbox({
    identity,
    merchantPublicKey: createPublicKey(identity.merchantPrivateKey),
    merchantPrivateKey: createPrivateKey(identity.merchantPrivateKey),
    providerPrivateKey: createPrivateKey(identity.providerPrivateKey),
    callbackUrl: `${callbackUrl}/callbacks/${identity.account}`,
    apiUrl,
    clock,
    random: Math.random,
    fetch,
    logger,
  })
  lifecycle.add({ name: 'sandbox', stop: () => sandbox.stop() })
  const { apiToken, account } = identity
  return { sandbox: { apiToken, account, reference: sandbox.reference, curl: sandbox.curl } }
}
