/** The workers. */

import { createLease } from '../store/lease.ts'
import { createLeaving } from '../store/leaving.ts'
import { createLinks } from '../store/links.ts'
import { createLogLeaving } from '../store/log-leaving.ts'
import { createOrderSteps, type OrderSteps } from '../store/order-steps.ts'
import { createReadyReceipts } from '../store/ready-receipts.ts'
import { createWatch } from '../store/watch.ts'
import type { Logger } from '../telemetry/logger.ts'
import { createArchiveSweep } from '../workers/archive.ts'
import { createAudit } from '../workers/audit.ts'
import { createFinishLinks } from '../workers/finish-links.ts'
import { createFinishRegistrations } from '../workers/finish-registrations.ts'
import { createReadyPump, startSweep } from '../workers/ready-pump.ts'
import { createReconcile } from '../workers/reconcile.ts'
import { createReconcileWorker } from '../workers/reconcile-worker.ts'
import { startRounds } from '../workers/rounds.ts'
import { createSettleBatches } from '../workers/settle-batches.ts'
import { shareRounds } from '../workers/share-rounds.ts'
import { startWatch } from '../workers/watch/watch.ts'
import { createBasePauses } from './accounts.ts'
import { startAuditTrim } from './audit.ts'
import {
  type Base,
  type ComposeDeps,
  clock,
  ids,
  open,
  openQueue,
  queuePrefix,
  replicaWaitMs,
} from './base.ts'
import { startDeliver } from './deliver.ts'
import type { Published } from './published.ts'
import { startReplays } from './replay.ts'
import { createIntentParts, type IntentParts } from './store.ts'

const sweepIntervalMs = 5_000
/** Longer than the registration of a full batch takes. */
const registrationMs = 5_000
/** How long a batch that is finished may wait to be said so. A round without work is one round trip. */
const settleIntervalMs = 250
/** One batch of each partition in a round, and each batch once an hour: bounded work beside that for callbacks. */
const auditIntervalMs = 1_000
const auditMs = 60 * 60_000
const archiveIntervalMs = 60_000
/** A sweep renews it after each append, and no append takes this long. */
const archiveLeaseMs = 5 * 60_000
/** Jobs share rounds, so that more at once makes each of them cheaper. */
const workerConcurrency = 64

export async function startWork(deps: ComposeDeps, base: Base, published: Published): Promise<void> {
  const { config, lifecycle, logger } = deps
  const { keys, keyring } = base
  const redis = await open(base, lifecycle, 'wait', 'work')
  const { queue, addJobs } = await openQueue(base, lifecycle, 'wait', 'work-queue')
  const parts = createIntentParts(base, redis)
  const { intents, vault, cases } = parts
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
    reconcile: shareRounds(reconcile),
    sealer: keyring,
    addJobs,
    cases,
    connection,
    prefix: queuePrefix,
    concurrency: workerConcurrency,
    random: Math.random,
    figures: base.figures,
    logger,
  })
  const isAway = () => base.guard.state().state === 'away'
  lifecycle.add({ name: 'reconcile-worker', stop: () => worker.stop({ force: isAway() }) })

  const replays = startReplays(base, { redis, queue, parts, reconcile, logger })
  lifecycle.add({ name: 'replays', stop: () => replays.stop({ force: isAway() }) })

  const pump = createReadyPump({ ready: createReadyReceipts({ redis, keys }), addJobs, ids })
  const sweep = startSweep(pump, sweepIntervalMs, logger)
  lifecycle.add({ name: 'ready-sweep', stop: () => sweep.stop({ force: isAway() }) })
  const finishLinks = createFinishLinks({
    partitions: keys.partitions,
    links: createLinks({ redis, keys }),
    intents,
    clock,
    logger,
  })
  const links = startRounds({
    round: () => finishLinks(pump),
    intervalMs: sweepIntervalMs,
    failed: 'links.not-finished',
    logger,
  })
  lifecycle.add({ name: 'link-sweep', stop: () => links.stop({ force: isAway() }) })
  for (const { name, ...rounds } of describeBatchRounds(parts, logger)) {
    const running = startRounds({ ...rounds, logger })
    lifecycle.add({ name, stop: () => running.stop({ force: isAway() }) })
  }

  const watching = startWatch({
    orderSteps: await openOrderSteps({ config, lifecycle }, base),
    providers: base.providers,
    settingsOf: base.settingsOf,
    pauses: createBasePauses(base, redis),
    intents,
    vault,
    reconcile,
    watch: createWatch({ redis, keys }),
    mintReceipt: ids.receiptId,
    clock,
    logger,
  })
  lifecycle.add({ name: 'watch', stop: () => watching.stop({ force: isAway() }) })

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
  const archiver = startRounds({
    round: async (stopping) => {
      const counts = await archiveSweep(stopping)
      if (counts.intents + counts.receipts + counts.events > 0) logger.info('archive.swept', { ...counts })
    },
    intervalMs: archiveIntervalMs,
    failed: 'archive.not-swept',
    logger,
  })
  lifecycle.add({ name: 'archive-sweep', stop: () => archiver.stop({ force: isAway() }) })
  startAuditTrim(deps, base, redis)
  await startDeliver(deps, base, published)
}

/** On a connection of their own: others must not stand behind them where these wait for replicas. */
async function openOrderSteps(
  { config, lifecycle }: Pick<ComposeDeps, 'config' | 'lifecycle'>,
  base: Base,
): Promise<OrderSteps | undefined> {
  const { replicas } = config.durability
  if (replicas === 0) return undefined
  const redis = await open(base, lifecycle, 'wait', 'order-steps')
  const { intents } = createIntentParts(base, redis)
  return createOrderSteps({ redis, intents, keys: base.keys, replicas, waitMs: replicaWaitMs })
}

/** What becomes of batches beside what is reported of them. */
function describeBatchRounds({ batches, intents, members, due }: IntentParts, logger: Logger) {
  return [
    {
      name: 'registrations',
      round: createFinishRegistrations({ batches, olderThanMs: registrationMs, clock, logger }),
      intervalMs: sweepIntervalMs,
      failed: 'batch.registrations-not-finished',
    },
    {
      name: 'settle-batches',
      round: createSettleBatches({ intents, due, clock, logger }),
      intervalMs: settleIntervalMs,
      failed: 'batch.not-settled',
    },
    {
      name: 'audit',
      round: createAudit({ intents, members, due, everyMs: auditMs, clock, logger }),
      intervalMs: auditIntervalMs,
      failed: 'batch.not-audited',
    },
  ]
}
