/** Replays of callbacks: for the listener and the command, which plan and begin them, and for the workers, which do them. */
import type { Queue } from 'bullmq'
import type { RedisClient } from '../redis/client.ts'
import type { Archive } from '../store/archive.ts'
import { createLease } from '../store/lease.ts'
import { createParked } from '../store/parked.ts'
import { createFindNumbers } from '../store/payout-numbers.ts'
import { createOpenBody, createReceiptFinder } from '../store/receipts.ts'
import { createListRecorded } from '../store/recorded.ts'
import { createReplayPlans } from '../store/replay-plans.ts'
import type { Logger } from '../telemetry/logger.ts'
import { createObserve } from '../workers/observe.ts'
import type { ReconcileEach } from '../workers/reconcile.ts'
import { createChoose } from '../workers/replay/choose.ts'
import { createFailedJobs } from '../workers/replay/failed-jobs.ts'
import { createFetchReceipt } from '../workers/replay/fetch.ts'
import { createForesee } from '../workers/replay/foresee.ts'
import { createCallbackReplays } from '../workers/replay/replays.ts'
import { createRunSteps } from '../workers/replay/run.ts'
import { startReplayRunner } from '../workers/replay/runner.ts'
import type { Rounds } from '../workers/rounds.ts'
import { type Base, clock, ids } from './base.ts'
import type { IntentParts } from './store.ts'

interface ReplayBase
  extends Pick<Base, 'keys' | 'keyring' | 'providers' | 'digestPerson' | 'digestFact' | 'settingsOf'> {
  archive: Pick<Archive, 'find'>
}

export interface ReplayPartsDeps {
  redis: RedisClient
  queue: Queue
  parts: Pick<IntentParts, 'intents' | 'vault' | 'cases'>
  logger: Logger
}

/** How soon one that was begun is taken up. A look costs one round trip. */
const intervalMs = 500
/** Longer than the steps of one go take; after a crash another goes on no later than this. */
const leaseMs = 10_000

export type ReplayParts = ReturnType<typeof createReplayParts>

export function createReplayParts(base: ReplayBase, { redis, queue, parts, logger }: ReplayPartsDeps) {
  const { keys, keyring: sealer, archive, providers } = base
  const { intents, vault, cases } = parts
  const jobs = createFailedJobs(queue)
  const parked = createParked({ redis, keys })
  const receipts = createReceiptFinder({ redis, keys, archive })
  const openBody = createOpenBody({ keys, sealer, vault })
  const fetch = createFetchReceipt({ jobs, parked, receipts, openBody, sealer })
  const plans = createReplayPlans({ redis, keys, clock })
  const listRecorded = createListRecorded({ redis, keys })
  const observe = createObserve({ ...base, sealer })
  const findNumbers = createFindNumbers({ redis, keys })
  const windowMsOf = (account: string) => base.settingsOf(account).duplicateWindowMs
  const parkedMax = (account: string) => Math.ceil(base.settingsOf(account).parkedMax / keys.partitions)
  const callbackReplays = createCallbackReplays({
    choose: createChoose({
      jobs,
      cases,
      parked,
      receipts,
      listRecorded,
      intents,
      accounts: [...providers.keys()],
    }),
    fetch,
    createForesee: () =>
      createForesee({ intents, cases, findNumbers, parked, parkedMax, observe, sealer, windowMsOf, clock }),
    plans,
    ids,
    clock,
    logger,
  })
  return { callbackReplays, plans, jobs, parked, fetch }
}

export function startReplays(
  base: ReplayBase,
  deps: ReplayPartsDeps & { reconcile: Pick<ReconcileEach, 'applyEach'> },
): Rounds {
  const { redis, logger, reconcile } = deps
  const { plans, jobs, parked, fetch } = createReplayParts(base, deps)
  return startReplayRunner({
    plans,
    runSteps: createRunSteps({ fetch, reconcile, jobs, parked, cases: deps.parts.cases, logger }),
    leaseOf: (id) => createLease(redis, base.keys.callbackReplay(id, 'lease'), ids.jobId(), leaseMs),
    intervalMs,
    clock,
    logger,
  })
}
