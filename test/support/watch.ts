/** The watch of one account on a test's store, round by round and at the time that a test says. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Intent } from '../../src/domain/intent.ts'
import { waitingSince } from '../../src/domain/submission.ts'
import type { Transfer } from '../../src/domain/transfer.ts'
import type { OrderSteps } from '../../src/store/order-steps.ts'
import { createWatch } from '../../src/store/watch.ts'
import type { Logger } from '../../src/telemetry/logger.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'
import { createReconcile } from '../../src/workers/reconcile.ts'
import type { WatchTimes } from '../../src/workers/watch/times.ts'
import { createWatchAccount } from '../../src/workers/watch/watch-account.ts'
import { account, createFakeProvider, type FakeClient } from './fake-client.ts'
import {
  createTestReconcile,
  day,
  digestFact,
  digestPerson,
  ids,
  keyring,
  readAllEvents,
  registerIn,
  type TestStore,
} from './store.ts'

export const minute = 60_000
export const times: WatchTimes = {
  firstMs: 30_000,
  everyMs: minute,
  overdueMs: 60 * minute,
  giveUpMs: 7 * day,
}

export interface TestWatchOptions {
  watch?: Partial<WatchTimes>
  leaseMs?: number
  inFlightMax?: number
  logger?: Logger
  orderSteps?: OrderSteps
}

export interface TestClock {
  now: number
}

export function createTestWatch(
  store: TestStore,
  fake: FakeClient,
  time: TestClock,
  {
    watch: fields = {},
    leaseMs = 60_000,
    inFlightMax = 8,
    logger = silentLogger,
    orderSteps,
  }: TestWatchOptions = {},
) {
  const provider = createFakeProvider(fake)
  const providers = new Map([[account, provider]])
  const clock = () => time.now
  const reconcile = createReconcile({
    providers,
    sealer: keyring,
    digestPerson,
    digestFact,
    intents: store.intents,
    vault: store.vault,
    windowMsOf: () => 35 * day,
    clock,
    logger,
  })
  const watch = createWatch(store)
  const state = { paused: false, stopping: false, pokes: 0 }
  const { orders, questions, reservationMs, explains } = fake.client
  const one = createWatchAccount({
    account,
    client: fake.client,
    translate: provider.translate,
    terms: {
      orders,
      questions,
      watch: { ...times, ...fields },
      ...(reservationMs !== undefined && { reservationMs }),
      ...(explains && { explains }),
    },
    intents: store.intents,
    orderSteps,
    vault: store.vault,
    reconcile,
    watch,
    isPaused: async () => state.paused,
    mintReceipt: ids.receiptId,
    clock,
    wait: async (ms) => {
      time.now += ms
    },
    logger,
    inFlightMax,
    leaseMs,
    isStopping: () => state.stopping,
    poke: () => {
      state.pokes++
    },
  })

  /** Until nothing is due at this time any more. */
  async function settle(rounds = 12): Promise<void> {
    for (let i = 0; i < rounds; i++) {
      await one.round()
      await one.drained()
    }
  }

  return {
    ...one,
    settle,
    watch,
    state,
    providers,
    reconcile,
    /** Later, everything that is due by then having been done when it was. */
    async pass(ms: number): Promise<void> {
      time.now += ms
      await settle()
    },
    /** Lets what has begun go on without waiting for its end. */
    async roundOnly(): Promise<void> {
      await one.round()
      await sleep(30)
    },
  }
}

/** When it is due next; undefined where it is not watched. */
export async function dueAt(
  { redis, keys }: TestStore,
  { id }: Pick<Intent, 'id'>,
): Promise<number | undefined> {
  const score = await redis.zscore(keys.watch(keys.partitionOf(id), account), id)
  return score === null ? undefined : Number(score)
}

/** Registered, and to be sent at once. */
export async function registerToSend(
  store: TestStore,
  reference: string,
  fields: Parameters<typeof registerIn>[2] & { force?: boolean } = {},
): Promise<Transfer> {
  const { force = false, ...rest } = fields
  return registerIn(store, reference, { submission: waitingSince(Date.now(), force), ...rest })
}

export async function factsOf(store: TestStore, { id }: Pick<Intent, 'id'>): Promise<string[]> {
  return (await readAllEvents(store)).filter(({ intent }) => intent.id === id).map(({ fact }) => fact.name)
}

export { createTestReconcile }
