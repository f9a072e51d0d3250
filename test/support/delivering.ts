/** Deliveries on a test's store: subscriptions, an engine or several, and a log that grows as the test says. */
import { Queue } from 'bullmq'
import { createSubscription } from '../../src/domain/decide-subscription.ts'
import type { RunId } from '../../src/domain/ids.ts'
import type { Subscription } from '../../src/domain/subscription.ts'
import { deliveryQueueName } from '../../src/queue/catalogue.ts'
import type { RedisTarget } from '../../src/queue/connections.ts'
import { encodeStep } from '../../src/store/codec/codec.ts'
import { createDeliveryHistory } from '../../src/store/delivery-history.ts'
import { createEndpoints } from '../../src/store/endpoints.ts'
import { createReadAt } from '../../src/store/events-at.ts'
import { transferIdOf } from '../../src/store/ids.ts'
import { createReplays } from '../../src/store/replays.ts'
import { createRuns } from '../../src/store/runs.ts'
import { loadScripts } from '../../src/store/scripts.ts'
import { createSubscriptionDirectory } from '../../src/store/subscription-directory.ts'
import { createSubscriptions } from '../../src/store/subscriptions.ts'
import { type Engine, type EngineDeps, startEngine } from '../../src/workers/deliver/engine.ts'
import { followFeed } from './feed.ts'
import { createMemoryLogger } from './log.ts'
import { createTestClients, uniquePrefix } from './redis.ts'
import { createTestSender, testSecret } from './sending.ts'
import { createTestStore, day, ids, keyring, registrationOf } from './store.ts'
import { testAccount } from './zenospay.ts'

export const testSettings = {
  timeoutMs: 5_000,
  retryMs: 72 * 3_600_000,
  disableAfterMs: 120 * 3_600_000,
  concurrency: 8,
}
/** Short, so that no test waits for them. */
export const testIntervals = { dueMs: 50, behindMs: 300, janitorMs: 100 }

export async function createDelivering(partitions = 2, target?: RedisTarget) {
  const clients = createTestClients(target)
  const redis = await clients.open()
  const store = createTestStore(redis, partitions)
  const { keys } = store
  const prefix = `{${uniquePrefix()}}`
  const logger = createMemoryLogger()
  let ahead = 0
  const clock = () => Date.now() + ahead
  const runs = createRuns({ redis, keys })
  const limits = { historyMs: 14 * day, logMs: 90 * day }
  const history = createDeliveryHistory({ redis, keys, clock, limits })
  const endpoints = createEndpoints({ redis, keys })
  const replays = createReplays({ redis, keys, clock })
  const subscriptions = createSubscriptions({ redis, keys, sealer: keyring, clock })
  const queue = new Queue(deliveryQueueName, { connection: await clients.open(), prefix })
  const stops: (() => Promise<void>)[] = []

  async function subscribe(url: string, fields: Partial<Subscription> = {}): Promise<Subscription> {
    const id = ids.subscriptionId()
    const step = createSubscription(
      {
        id,
        url,
        types: fields.types ?? ['tallyhook.transfer.*'],
        accounts: fields.accounts ?? [],
        live: fields.live ?? { run: ids.runId(), from: await store.log.newest() },
        createdBy: 'test',
        secret: subscriptions.sealSecret(id, testSecret),
      },
      clock(),
    )
    return subscriptions.create(step, { source: 'operator', by: 'test' })
  }

  async function startOne(fields: Partial<EngineDeps> = {}): Promise<Engine & { kill(): void }> {
    const own = createTestClients(target)
    const { tail, stop: stopTail } = await followFeed(store, own)
    const sender = createTestSender({ timeoutMs: fields.settings?.timeoutMs ?? testSettings.timeoutMs })
    const connection = await own.open()
    const engineRedis = await own.open()
    loadScripts(engineRedis)
    const readAt = createReadAt({ redis: engineRedis, keys })
    const engineSubscriptions = createSubscriptions({ redis: engineRedis, keys, sealer: keyring, clock })
    const ownQueue = new Queue(deliveryQueueName, { connection: await own.open(), prefix })
    ownQueue.on('error', () => {})
    const engine = startEngine({
      partitions,
      log: tail,
      async readEvents(partition, positions) {
        const events = await tail.publish(await readAt(partition, positions))
        return new Map(events.map((event) => [event.position, event]))
      },
      follow: (onEvents) => tail.subscribe({ onEvents }),
      runs,
      history,
      endpoints,
      replays,
      directory: createSubscriptionDirectory({
        ...engineSubscriptions,
        clock: Date.now,
        logger,
        refreshMs: 100,
      }),
      subscriptions: engineSubscriptions,
      send: sender.send,
      addJobs: (jobs) => ownQueue.addBulk(jobs),
      connection,
      prefix,
      settings: testSettings,
      intervals: testIntervals,
      clock,
      random: Math.random,
      logger,
      // The clock runs ahead of the requests: a line that is under way is left alone for long on it.
      terms: { timeoutMs: 600_000 },
      ...fields,
    })
    let ended = false
    const stop = async (options?: { force?: boolean }) => {
      if (ended) return
      ended = true
      await engine.stop(options)
      await ownQueue.close()
      await stopTail()
      sender.close()
      own.closeAll()
    }
    stops.push(stop)
    return {
      stop,
      /** As a process that dies: its connections are gone, and nothing more is written. */
      kill() {
        ended = true
        sender.close()
        own.closeAll()
        void engine.stop({ force: true }).catch(() => {})
        void stopTail().catch(() => {})
      },
    }
  }

  /** The transfer's event with this number: as the log has it, whatever its state. */
  async function publish(reference: string, sequence = 1): Promise<string> {
    const event = await registrationOf(store, reference)
    const intent = { ...event.intent, sequence }
    const text = encodeStep({ ...event, intent, fact: { ...event.fact, sequence } }).event
    const partition = keys.partitionOf(intent.id)
    const position = await redis.xadd(keys.events(partition), '*', 'e', text)
    await redis.publish(keys.wakeChannel, String(partition))
    return position as string
  }

  return {
    store,
    redis,
    keys,
    runs,
    endpoints,
    replays,
    subscriptions,
    queue,
    logger,
    clock,
    subscribe,
    startOne,
    publish,
    idOf: (reference: string) => transferIdOf(testAccount.id, reference),
    mintRun: () => ids.runId() as RunId,
    /** The clock of all engines goes on by so much. */
    pass: (ms: number) => {
      ahead += ms
    },
    async close() {
      await Promise.all(stops.map((stop) => stop()))
      await queue.close()
      clients.closeAll()
    },
  }
}

export type Delivering = Awaited<ReturnType<typeof createDelivering>>
