/** What is kept of callbacks beside the transfers: who was refused, which key verified how many, what a person must see to. */

import type { Queue } from 'bullmq'
import type { Router } from 'express'
import { createAccountRoutes } from '../http/api/accounts.ts'
import { createCaseRoutes } from '../http/api/cases.ts'
import { createReceiptRoutes } from '../http/api/receipts.ts'
import { createReverify } from '../http/api/reverify.ts'
import { createTransferSearchRoutes } from '../http/api/transfer-search.ts'
import { createSourceRule } from '../http/callbacks/source.ts'
import type { Principal } from '../http/principal.ts'
import { findQueuedReceipt } from '../queue/job-data.ts'
import type { RedisClient } from '../redis/client.ts'
import { type Cases, createCases } from '../store/cases.ts'
import { createKeyUsage, type KeyUsage, startUsageFlush } from '../store/key-usage.ts'
import { transferIdOf } from '../store/keys.ts'
import { createQuarantine, type Quarantine } from '../store/quarantine.ts'
import { createQueriesWanted } from '../store/queries-wanted.ts'
import { createReceiptFinder } from '../store/receipts.ts'
import { loadScripts } from '../store/scripts.ts'
import { createTransferSearch } from '../store/transfer-search.ts'
import { createTransferStore } from '../store/transfers.ts'
import { type AskForQuery, createAskForQuery } from '../workers/ask-for-query.ts'
import { type AddJobs, type Base, type ComposeDeps, clock, ids } from './base.ts'

/** A count that is lost with the process is of this time at most. */
const usageFlushMs = 1_000

/** Both listeners use them: the one writes, the other shows. */
export interface Records {
  usage: KeyUsage
  quarantine: Quarantine
  askForQuery: AskForQuery
  cases: Cases
}

export function openRecords(
  { config, lifecycle, logger }: ComposeDeps,
  base: Base,
  redis: RedisClient,
): Records {
  const { keys, keyring: sealer, digestNumber } = base
  const scripts = loadScripts(redis)
  const usage = createKeyUsage({ redis, scripts, keys })
  const flush = startUsageFlush(usage, usageFlushMs, (error) => logger.warn('usage.not-kept', { error }))
  lifecycle.add({ name: 'key-usage', stop: () => flush.stop() })
  const limits = config.quarantine
  return {
    usage,
    cases: createCases({ redis, scripts, keys, clock }),
    quarantine: createQuarantine({ redis, scripts, keys, sealer, ids, limits, clock }),
    askForQuery: createAskForQuery({
      transfers: createTransferStore({ redis, scripts, keys, sealer, digestNumber }),
      transferIdOf,
      queriesWanted: createQueriesWanted({ redis, keys }),
      clock,
      logger,
    }),
  }
}

export function createRecordRoutes(
  { config, logger }: ComposeDeps,
  { keys, keyring, providers, digestNumber }: Base,
  { quarantine, usage, cases }: Records,
  { redis, queue, addJobs, authenticate }: RecordRoutesDeps,
): Router[] {
  return [
    // Before the transfers' own routes, which would take `search` for an id.
    createTransferSearchRoutes({
      authenticate,
      search: createTransferSearch({ redis, keys, sealer: keyring, digestNumber }),
    }),
    createReceiptRoutes({
      authenticate,
      accounts: [...providers.keys()],
      quarantine,
      receipts: createReceiptFinder({ redis, keys }),
      findQueued: (id) => findQueuedReceipt(queue, id),
      reverify: createReverify({
        providers,
        isSourceAllowed: createSourceRule(config.callbacks.sources),
        quarantine,
        addJobs,
        ...keyring,
        ids,
        noteUse: usage.note,
      }),
      logger,
    }),
    createAccountRoutes({ authenticate, providers, usage }),
    createCaseRoutes({ authenticate, cases, logger }),
  ]
}

interface RecordRoutesDeps {
  redis: RedisClient
  queue: Queue
  addJobs: AddJobs
  authenticate(token: string): Principal | null
}
