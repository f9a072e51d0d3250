/** Callbacks on a real queue, a provider whose translation can be broken and mended, and what replays them. */
import { Queue } from 'bullmq'
import { createReplayParts } from '../../src/compose/replay.ts'
import { commonDefaults } from '../../src/config/accounts/common.ts'
import type { ReceiptId } from '../../src/domain/ids.ts'
import type { Receipt } from '../../src/domain/receipt.ts'
import type { AccountProvider } from '../../src/providers/provider.ts'
import { createZenospay } from '../../src/providers/zenospay/index.ts'
import { callbackQueueName, groupJob, type JobDraft } from '../../src/queue/catalogue.ts'
import { describeDisbursement } from '../../src/sandbox/signed-callback.ts'
import { createLease } from '../../src/store/lease.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'
import { createReconcile, type ReconcileEach } from '../../src/workers/reconcile.ts'
import { createReconcileWorker } from '../../src/workers/reconcile-worker.ts'
import { createRunSteps } from '../../src/workers/replay/run.ts'
import { startReplayRunner } from '../../src/workers/replay/runner.ts'
import type { Rounds } from '../../src/workers/rounds.ts'
import { createTestClients, uniquePrefix } from './redis.ts'
import { createTestStore, day, digestFact, digestPerson, ids, keyring, receiptOf } from './store.ts'
import { until } from './until.ts'
import { disbursement, testAccount } from './zenospay.ts'

export type ReplayWorld = Awaited<ReturnType<typeof createReplayWorld>>

export async function createReplayWorld({ parkedMax = 1_000 }: { parkedMax?: number } = {}) {
  const clients = createTestClients()
  const redis = await clients.open()
  const store = createTestStore(redis, 4, parkedMax)
  const { keys, intents, vault, cases, archive } = store
  const prefix = `{${uniquePrefix()}}`
  const queue = new Queue(callbackQueueName, { connection: await clients.open(), prefix })
  const zenospay = createZenospay(testAccount)
  let fault: string | undefined
  const provider: AccountProvider = {
    ...zenospay,
    translate: (body, asked) =>
      fault === undefined ? zenospay.translate(body, asked) : { outcome: 'not-understood', reason: fault },
  }
  const providers = new Map([[testAccount.id, provider]])
  const reconcile = createReconcile({
    providers,
    sealer: keyring,
    digestPerson,
    digestFact,
    intents,
    vault,
    windowMsOf: () => 35 * day,
    clock: Date.now,
    logger: silentLogger,
  })
  const worker = createReconcileWorker({
    reconcile,
    sealer: keyring,
    addJobs: (jobs: JobDraft[]) => queue.addBulk(jobs),
    cases,
    connection: await clients.open(),
    prefix,
    concurrency: 4,
    random: () => 0,
    logger: silentLogger,
  })
  const { jobs, parked, fetch, plans, callbackReplays } = createReplayParts(
    {
      keys,
      keyring,
      archive,
      providers,
      digestPerson,
      digestFact,
      settingsOf: () => ({ ...commonDefaults, parkedMax, duplicateWindowMs: 35 * day }),
    },
    { redis, queue, parts: { intents, vault, cases }, logger: silentLogger },
  )
  const replays = callbackReplays
  const runners: Rounds[] = []

  return {
    store,
    queue,
    cases,
    parked,
    plans,
    replays,
    reconcile,
    worker,

    /** From now on nothing is understood. */
    breakWith(reason: string): void {
      fault = reason
    },
    mend(): void {
      fault = undefined
    },

    /** A job for each, as they came; waits until each has failed or gone. */
    async callBack(...bodies: Record<string, unknown>[]): Promise<ReceiptId[]> {
      const came = bodies.map((fields) => receiptOf(describeDisbursement(disbursement(fields))))
      await this.bring(came)
      return came.map(({ id }) => id)
    },
    async bring(came: readonly Receipt[]): Promise<void> {
      for (const receipt of came) await queue.addBulk([groupJob(ids.jobId(), [receipt])])
      await this.idle()
    },
    idle: () =>
      until('an idle queue', async () => {
        const counts = await queue.getJobCounts('wait', 'active', 'delayed')
        return Object.values(counts).every((count) => count === 0)
      }),
    failedIds: async () => (await queue.getFailed()).map(({ id }) => id ?? '').sort(),

    /** What a working process has. */
    startRunner(
      applyEach: ReconcileEach['applyEach'] = reconcile.applyEach,
      { leaseMs = 10_000 }: { leaseMs?: number } = {},
    ): Rounds {
      const runner = startReplayRunner({
        plans,
        runSteps: createRunSteps({
          fetch,
          reconcile: { applyEach },
          jobs,
          parked,
          cases,
          logger: silentLogger,
        }),
        leaseOf: (id) => createLease(redis, keys.callbackReplay(id, 'lease'), ids.jobId(), leaseMs),
        intervalMs: 20,
        clock: Date.now,
        logger: silentLogger,
      })
      runners.push(runner)
      return runner
    },
    ended: (id: string) =>
      until('the end of the replay', async () => {
        const found = await replays.find(id)
        return found.replay.state === 'running' ? undefined : found
      }),

    async stop(): Promise<void> {
      await Promise.all(runners.map((runner) => runner.stop({ force: true })))
      await worker.stop()
      await queue.close()
      clients.closeAll()
    },
  }
}
