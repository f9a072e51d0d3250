/** The workers. */
import { createCases } from '../store/cases.ts'
import { transferIdOf } from '../store/keys.ts'
import { createQueriesWanted } from '../store/queries-wanted.ts'
import { createReadyReceipts } from '../store/ready-receipts.ts'
import { loadScripts } from '../store/scripts.ts'
import { createTransferStore } from '../store/transfers.ts'
import { createReadyPump, startSweep } from '../workers/ready-pump.ts'
import { createReconcile } from '../workers/reconcile.ts'
import { createReconcileWorker } from '../workers/reconcile-worker.ts'
import { type Base, type ComposeDeps, clock, ids, open, openQueue, queuePrefix } from './base.ts'

const sweepIntervalMs = 5_000
const workerConcurrency = 16

export async function startWork({ lifecycle, logger }: ComposeDeps, base: Base): Promise<void> {
  const { keys, keyring, providers, digestNumber } = base
  const redis = await open(base, lifecycle, 'wait', 'work')
  const { addJobs } = await openQueue(base, lifecycle, 'wait', 'work-queue')
  const scripts = loadScripts(redis)
  const transfers = createTransferStore({
    redis,
    scripts,
    keys,
    sealer: keyring,
    digestNumber,
  })
  const queriesWanted = createQueriesWanted({ redis, keys })
  const reconcile = createReconcile({
    providers,
    sealer: keyring,
    transfers,
    transferIdOf,
    queriesWanted,
    clock,
    logger,
  })

  const connection = await open(base, lifecycle, 'wait', 'worker')
  const worker = createReconcileWorker({
    reconcile,
    sealer: keyring,
    addJobs,
    cases: createCases({ redis, scripts, keys, clock }),
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
