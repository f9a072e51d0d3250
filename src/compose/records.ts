/** What is kept of callbacks beside the transfers: who was refused, which key verified how many, what a person must see to. */

import type { Queue } from 'bullmq'
import type { Router } from 'express'
import type { ReceiptId } from '../domain/ids.ts'
import { createAccountRoutes } from '../http/api/accounts.ts'
import { createCancelRoutes } from '../http/api/cancel.ts'
import { createCaseRoutes } from '../http/api/cases.ts'
import { createReceiptRoutes } from '../http/api/receipts.ts'
import { createRepeatRoutes } from '../http/api/repeats.ts'
import { createReverify } from '../http/api/reverify.ts'
import { createTimelineRoutes } from '../http/api/timeline.ts'
import { createTransferSearchRoutes } from '../http/api/transfer-search.ts'
import { createSourceRule } from '../http/callbacks/source.ts'
import type { Principal } from '../http/principal.ts'
import { findQueuedReceipt } from '../queue/job-data.ts'
import type { RedisClient } from '../redis/client.ts'
import type { Cases } from '../store/cases.ts'
import { createKeyUsage, type KeyUsage, startUsageFlush } from '../store/key-usage.ts'
import { createQuarantine, type Quarantine } from '../store/quarantine.ts'
import { createReadyReceipts } from '../store/ready-receipts.ts'
import { createOpenBody, createReceiptFinder } from '../store/receipts.ts'
import { createRepeatCounts } from '../store/repeat-counts.ts'
import { createTransferSearch } from '../store/transfer-search.ts'
import { type AskForQuery, createAskForQuery } from '../workers/ask-for-query.ts'
import { createObserve } from '../workers/observe.ts'
import { createReadyPump } from '../workers/ready-pump.ts'
import { type AddJobs, type Base, type ComposeDeps, clock, ids } from './base.ts'
import { createCaseParts } from './cases.ts'
import { openDeliveriesOf } from './deliveries.ts'
import { createIntentParts, type IntentParts } from './store.ts'

/** A count that is lost with the process is of this time at most. */
const usageFlushMs = 1_000

/** Both listeners use them: the one writes, the other shows. */
export interface Records {
  usage: KeyUsage
  quarantine: Quarantine
  askForQuery: AskForQuery
  cases: Cases
  parts: IntentParts
}

export function openRecords(
  { config, lifecycle, logger }: ComposeDeps,
  base: Base,
  redis: RedisClient,
): Records {
  const { keys, keyring: sealer } = base
  const parts = createIntentParts(base, redis)
  const { scripts, intents } = parts
  const usage = createKeyUsage({ redis, scripts, keys })
  const flush = startUsageFlush(usage, usageFlushMs, (error) => logger.warn('usage.not-kept', { error }))
  lifecycle.add({ name: 'key-usage', stop: () => flush.stop() })
  const limits = config.quarantine
  return {
    usage,
    parts,
    cases: parts.cases,
    quarantine: createQuarantine({ redis, scripts, keys, sealer, ids, limits, clock }),
    askForQuery: createAskForQuery({
      intents,
      observe: createObserve({ ...base, sealer }),
      clock,
      logger,
    }),
  }
}

export type RecordParts = ReturnType<typeof createRecordParts>

/** What is done with them: by the API and by the console alike. */
export function createRecordParts(
  { config, logger }: Pick<ComposeDeps, 'config' | 'logger'>,
  base: Base,
  { quarantine, usage, parts }: Records,
  { redis, queue, addJobs }: RecordPartsDeps,
) {
  const { keys, keyring, archive, providers, digestPerson } = base
  const { intents, vault } = parts
  const pumpReady = createReadyPump({ ready: createReadyReceipts({ redis, keys }), addJobs, ids })
  return {
    ...createCaseParts(base, parts, {
      pumpReady,
      deliveriesOf: openDeliveriesOf(config, { redis, keys, sealer: keyring }),
      logger,
    }),
    intents,
    vault,
    accounts: [...providers.keys()],
    search: createTransferSearch({ redis, keys, intents, digestNumber: digestPerson }),
    quarantine,
    receipts: createReceiptFinder({ redis, keys, archive }),
    findQueued: (id: ReceiptId) => findQueuedReceipt(queue, id),
    reverify: createReverify({
      providers,
      isSourceAllowed: createSourceRule(config.callbacks.sources),
      quarantine,
      addJobs,
      seal: keyring.seal,
      openBody: createOpenBody({ keys, sealer: keyring, vault }),
      ids,
      noteUse: usage.note,
    }),
    repeats: createRepeatCounts({ redis, keys }),
  }
}

export function createRecordRoutes(
  { logger }: Pick<ComposeDeps, 'logger'>,
  parts: RecordParts,
  { providers, usage, authenticate }: RecordRoutesDeps,
): Router[] {
  const common = { ...parts, authenticate, logger }
  return [
    // Before the transfers' own routes, which would take `search` for an id.
    createTransferSearchRoutes(common),
    createReceiptRoutes(common),
    createAccountRoutes({ authenticate, providers, usage }),
    createRepeatRoutes(common),
    createCaseRoutes(common),
    createTimelineRoutes(common),
    createCancelRoutes({ ...common, clock }),
  ]
}

interface RecordPartsDeps {
  redis: RedisClient
  queue: Queue
  addJobs: AddJobs
}

interface RecordRoutesDeps {
  providers: Base['providers']
  usage: KeyUsage
  authenticate(token: string): Principal | null
}
