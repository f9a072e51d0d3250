/**
 * One worker as a process: it works on what is in its queue, and says when it has done as many callbacks as it was told to
 * wait for.
 */
import { once } from 'node:events'
import { Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { callbackQueueName } from '../../src/queue/catalogue.ts'
import { createConnect } from '../../src/queue/connections.ts'
import { createCases } from '../../src/store/cases.ts'
import { createIntentStore } from '../../src/store/intents.ts'
import { loadScripts } from '../../src/store/scripts.ts'
import { createVault } from '../../src/store/vault.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import { createReconcile } from '../../src/workers/reconcile.ts'
import { createReconcileWorker } from '../../src/workers/reconcile-worker.ts'
import { type ApplyReceipts, shareRounds } from '../../src/workers/share-rounds.ts'
import { tellCpu } from '../processes.ts'
import type { WorkerOrder } from '../reconcile.ts'
import { benchAccount, schemes } from '../schemes.ts'
import { createParts } from '../store.ts'
import { createPeer, type PeerJob } from './peer.ts'

const windowMs = 35 * 24 * 60 * 60 * 1000

const [order] = (await once(process, 'message')) as [WorkerOrder]

/** Below zero while the first jobs are quicker than the word of how many there will be. */
let awaited = 0
function count(done: number): void {
  awaited -= done
  if (awaited === 0) process.send?.({ done: true })
}

function startPlain(handle: (job: PeerJob) => Promise<void>): Worker {
  const connection = new Redis({ path: order.socketPath, maxRetriesPerRequest: null })
  const processor = async ({ data }: { data: PeerJob }) => {
    await handle(data)
    count(1)
  }
  return new Worker<PeerJob>(callbackQueueName, processor, {
    connection,
    prefix: order.prefix,
    concurrency: order.concurrency,
  })
}

/** As compose.ts builds it, with the log at the level that a busy site runs at. */
async function startOurs(): Promise<void> {
  const connect = createConnect({ kind: 'socket', path: order.socketPath })
  const [redis, connection] = [connect('wait', 'work'), connect('wait', 'worker')]
  await Promise.all([redis.connect(), connection.connect()])
  const parts = createParts(order.secrets)
  const { keys, keyring } = parts
  const vault = createVault({ ...parts, redis, sealer: keyring })
  loadScripts(redis)
  const intents = createIntentStore({
    redis,
    keys,
    sealer: keyring,
    vault,
    archive: { read: () => Promise.reject(new Error('Nothing is archived here.')) },
    parkedMax: () => 10_000,
  })
  const logger = createLogger({ level: 'warn', format: 'json' })
  const provider = schemes.zenospay.createProvider(order.keys)
  const reconcile = createReconcile({
    ...parts,
    providers: new Map([[benchAccount, provider]]),
    sealer: keyring,
    intents,
    vault,
    windowMsOf: () => windowMs,
    clock: Date.now,
    logger,
  })
  createReconcileWorker({
    reconcile: counting(shareRounds(reconcile)),
    sealer: keyring,
    addJobs: () => Promise.reject(new Error('No callback of a benchmark is split out.')),
    cases: createCases({ redis, keys, clock: Date.now }),
    connection,
    prefix: order.prefix,
    concurrency: order.concurrency,
    random: Math.random,
    logger,
  })
}

function counting({ applyOne, applyAll }: ApplyReceipts): ApplyReceipts {
  return {
    async applyOne(receipt) {
      const applied = await applyOne(receipt)
      count(1)
      return applied
    },
    async applyAll(receipts) {
      const failed = await applyAll(receipts)
      count(receipts.length)
      return failed
    },
  }
}

switch (order.kind) {
  case 'limit':
    startPlain(async () => {})
    break
  case 'peer':
    startPlain(createPeer(order))
    break
  case 'ours':
    await startOurs()
}

process.on('message', (message: 'cpu' | { await: number }) => {
  if (message === 'cpu') tellCpu()
  else count(-message.await)
})
process.send?.({ ready: true })
