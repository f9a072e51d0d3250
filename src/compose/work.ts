/** The workers. */
import { createLinks } from '../store/links.ts'
import { createReadyReceipts } from '../store/ready-receipts.ts'
import { createFinishLinks } from '../workers/finish-links.ts'
import { createReadyPump, startSweep } from '../workers/ready-pump.ts'
import { createReconcile } from '../workers/reconcile.ts'
import { createReconcileWorker } from '../workers/reconcile-worker.ts'
import { type Base, type ComposeDeps, clock, ids, open, openQueue, queuePrefix } from './base.ts'
import { createIntentParts } from './store.ts'

const sweepIntervalMs = 5_000
const workerConcurrency = 16

export async function startWork({ lifecycle, logger }: ComposeDeps, base: Base): Promise<void> {
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
  const finishLinks = createFinishLinks({
    partitions: keys.partitions,
    links: createLinks({ redis, keys }),
    intents,
    clock,
    logger,
  })
  const sweeps = {
    'ready-sweep': startSweep(pump, sweepIntervalMs, logger),
    'link-sweep': startSweep(() => finishLinks(pump), sweepIntervalMs, logger, 'links'),
  }
  for (const [name, sweep] of Object.entries(sweeps))
    lifecycle.add({ name, stop: () => sweep.stop({ force: isAway() }) })
}
