/** What every role stands on: a Redis that is reachable, safe to use, and the one that was used before. */
import { Queue } from 'bullmq'
import { type CommonSettings, commonDefaults } from '../config/accounts/common.ts'
import type { Config } from '../config/config.ts'
import { AppError } from '../domain/errors.ts'
import { createIdMaker } from '../domain/ids.ts'
import { startEmbeddedRedis } from '../embedded/embedded-redis.ts'
import type { AccountProvider } from '../providers/provider.ts'
import { callbackQueueName, type JobDraft } from '../queue/catalogue.ts'
import {
  type Connect,
  type ConnectionTemper,
  connectOnce,
  createConnect,
  describeTarget,
  type RedisTarget,
} from '../queue/connections.ts'
import { createRedisGuard, type RedisGuard, type RedisState } from '../queue/redis-guard.ts'
import { confirmByReplicas } from '../queue/replicas.ts'
import type { RedisClient } from '../redis/client.ts'
import type { Door } from '../sandbox/door.ts'
import { checkValue, createDigest, createKeyring, deriveKey, type Keyring } from '../seal/keyring.ts'
import { createPersonSealer, type PersonSealer } from '../seal/person-keys.ts'
import { createRandomPool } from '../seal/random-pool.ts'
import type { Archive } from '../store/archive.ts'
import { createKeys, type Keys } from '../store/keys.ts'
import { checkFixed, type Fixed, noteAccounts, openEpoch } from '../store/meta.ts'
import type { Lifecycle } from '../telemetry/lifecycle.ts'
import type { Logger } from '../telemetry/logger.ts'
import { createProcessFigures, type ProcessFigures } from '../telemetry/process-figures.ts'
import { createArchive, prepareArchive } from './archive.ts'
import { type CallParts, createCallParts } from './calls.ts'
import { createProviders } from './providers.ts'

export const keyPrefix = 'tallyhook'
/** The queue's keys carry a tag of their own, so that on a cluster they share a slot. */
export const queuePrefix = `{${keyPrefix}:q}`

const guardIntervalMs = 1_000

/** Less than a command may take (`queue/connections.ts`). */
export const replicaWaitMs = 1_000

export const clock = () => Date.now()
export const ids = createIdMaker(clock, createRandomPool())

export interface ComposeDeps {
  config: Config
  env: NodeJS.ProcessEnv
  lifecycle: Lifecycle
  logger: Logger
  /** Of sandbox mode: what the make-believe providers will stand behind. */
  door?: Door | undefined
}

export interface Base {
  target: RedisTarget
  connect: Connect
  guard: RedisGuard
  role: string
  /** What this process does, for the monitor. */
  figures: ProcessFigures
  keys: Keys
  /** Of the event log. */
  epoch: string
  keyring: Keyring
  /** What has left Redis. */
  archive: Archive
  providers: ReadonlyMap<string, AccountProvider>
  /** How the providers call out. */
  calls: CallParts
  persons: PersonSealer
  /** Under which a person is found without being named. */
  digestPerson(text: string): string
  /** Tells what was said from anything else that might be. */
  digestFact(text: string): string
  /** Also of an account that is no longer configured, of which something may still be kept. */
  settingsOf(account: string): CommonSettings
}

export async function openBase({ config, env, lifecycle, logger }: ComposeDeps, role: string): Promise<Base> {
  const target = await findRedis(config, env, lifecycle, logger)
  const connect = createConnect(target)
  const client = connect('fail-fast', 'guard')
  const guard = createRedisGuard({ client, policy: config.durability, logger, intervalMs: guardIntervalMs })
  lifecycle.add({ name: 'guard', stop: () => guard.stop() })
  await connectOnce(client, target)
  refuseUnsafe(await guard.check(), target)

  const keys = createKeys(keyPrefix, config.partitions)
  const settings = new Map(config.accounts.map((account) => [account.id, account]))
  await checkFixed(client, keys, describeFixed(config))
  await noteAccounts(client, keys, [...settings.keys()])
  const epoch = await openEpoch(client, keys, createRandomPool())
  const { dir } = config.archive
  prepareArchive(dir)
  const archive = createArchive({ dir, clock, randomBytes: createRandomPool(), logger })
  lifecycle.add({ name: 'archive', stop: () => archive.close() })
  const callsRedis = await open({ connect, target }, lifecycle, 'fail-fast', 'calls')
  const calls = createCallParts({ config, redis: callsRedis, keys, clock, logger })
  return {
    target,
    connect,
    guard,
    role,
    figures: createProcessFigures(),
    calls,
    keys,
    epoch,
    archive,
    keyring: createKeyring(config.seal.keys),
    providers: createProviders(config, {
      clock,
      randomBytes: createRandomPool(),
      logger,
      connectTo: calls.connectTo,
    }),
    persons: createPersonSealer(),
    ...createDigests(config),
    settingsOf: (account) => settings.get(account) ?? commonDefaults,
  }
}

/** By which what is sealed is found and compared, in every process alike. */
export function createDigests({ seal }: Pick<Config, 'seal'>): Pick<Base, 'digestPerson' | 'digestFact'> {
  return {
    digestPerson: createDigest(deriveKey(seal.indexKey, 'person')),
    digestFact: createDigest(deriveKey(seal.indexKey, 'fact'), 11),
  }
}

/** What a start compares with what the last one left in Redis. */
export function describeFixed({ partitions, seal }: Config): Fixed {
  return {
    partitions,
    indexCheck: checkValue(seal.indexKey),
    sealChecks: Object.fromEntries(seal.keys.map(({ id, key }) => [id, checkValue(key)])),
    sealsWith: seal.keys[0]?.id ?? '',
  }
}

async function findRedis(
  config: Config,
  env: NodeJS.ProcessEnv,
  lifecycle: Lifecycle,
  logger: Logger,
): Promise<RedisTarget> {
  if (config.redis) return config.redis
  const embedded = await startEmbeddedRedis({ dataDir: config.dataDir, logger, env })
  lifecycle.add({ name: 'embedded-redis', stop: () => embedded.stop() })
  return { kind: 'socket', path: embedded.socketPath }
}

/** Full is no reason not to start: the workers have to drain it. Nor are missing replicas: they come back by themselves. */
function refuseUnsafe(state: RedisState, target: RedisTarget): void {
  if (state.state === 'away')
    throw new AppError('redis-unavailable', { detail: `Redis at ${describeTarget(target)}: ${state.reason}` })
  if (state.state === 'weak' && state.because === 'settings') {
    throw new AppError('redis-weak', {
      detail: `${state.reason} Mend it, or set durability.onWeaker to warn.`,
    })
  }
}

export async function open(
  base: Pick<Base, 'connect' | 'target'>,
  lifecycle: Lifecycle,
  temper: ConnectionTemper,
  name: string,
): Promise<RedisClient> {
  const client = base.connect(temper, name)
  lifecycle.add({ name: `redis-${name}`, stop: async () => client.disconnect() })
  await connectOnce(client, base.target)
  return client
}

export type AddJobs = (jobs: JobDraft[]) => Promise<unknown>

export async function openQueue(
  base: Base,
  lifecycle: Lifecycle,
  temper: ConnectionTemper,
  name: string,
  replicas = 0,
) {
  const connection = await open(base, lifecycle, temper, name)
  if (replicas > 0) confirmByReplicas(connection, { replicas, waitMs: replicaWaitMs })
  const queue = new Queue(callbackQueueName, { connection, prefix: queuePrefix })
  // Each command reports its own failure; without a listener the same error would end the process.
  queue.on('error', () => {})
  lifecycle.add({ name: `queue-${name}`, stop: () => queue.close() })
  const addJobs: AddJobs = (jobs) => {
    const [only] = jobs
    // Replicas confirm what is sent as a batch.
    return jobs.length === 1 && only && replicas === 0
      ? queue.add(only.name, only.data, only.opts)
      : queue.addBulk(jobs)
  }
  return { queue, addJobs }
}
