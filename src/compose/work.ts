/** The workers. */
import { createLease } from '../store/lease.ts'
import { createLeaving } from '../store/leaving.ts'
import { createLogLeaving } from '../store/log-leaving.ts'
import { createReadyReceipts } from '../store/ready-receipts.ts'
import { createArchiveSweep } from '../workers/archive.ts'
import { startEvery } from '../workers/every.ts'
import { createReadyPump, startSweep } from '../workers/ready-pump.ts'
import { createReconcile } from '../workers/reconcile.ts'
import { createReconcileWorker } from '../workers/reconcile-worker.ts'
import { type Base, type ComposeDeps, clock, ids, open, openQueue, queuePrefix } from './base.ts'
import { createIntentParts } from './store.ts'

const sweepIntervalMs = 5_000
const archiveIntervalMs = 60_000
/** A sweep renews it after each append, and no append takes this long. */
const archiveLeaseMs = 5 * 60_000
const workerConcurrency = 16

export async function startWork({ config, lifecycle, logger }: ComposeDeps, base: Base): Promise<void> {
  const { keys, keyring } = base
  const redis = await open(base, lifecycle, 'wait', 'work')
  const { addJobs } = await openQueue(base, lifecycle, 'wait', 'work-queue')
  const { intents, vault, cases } = createIntentParts(base, redis)
  const reconcile = createReconcile({
    ...base,
    sealer: keyring,
    intents,
    vault,
    windowMsOf: (account) => base.settingsOf(account).duplicateWindowMs,
    clock,
    logger,
  })

  const connection = await open(base, lifecycle, 'wait', 'worker')
  const worker = createReconcileWorker({
    reconcile,
    sealer: keyring,
    addJobs,
    cases,
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

  const archiveSweep = createArchiveSweep({
    partitions: keys.partitions,
    leaving: createLeaving({ redis, keys }),
    log: createLogLeaving({ redis, keys }),
    archive: base.archive,
    leaseOf: (partition) => createLease(redis, keys.archiving(partition), ids.jobId(), archiveLeaseMs),
    retentionOf: (account) => base.settingsOf(account).retention,
    logMs: config.retention.logMs,
    clock,
    onFailure: (error, about) => logger.warn('archive.not-swept', { ...about, error }),
  })
  const archiver = startEvery(
    archiveIntervalMs,
    async (signal) => {
      const counts = await archiveSweep(signal)
      if (counts.intents + counts.receipts + counts.events > 0) logger.info('archive.swept', { ...counts })
    },
    (error) => logger.warn('archive.not-swept', { error }),
  )
  lifecycle.add({ name: 'archive-sweep', stop: () => archiver.stop({ force: isAway() }) })
}
