/** What the console's pages read and do: the parts of the API, and a few readings of its own. */
import type { Queue } from 'bullmq'
import { createAccountLook } from '../http/api/account-health.ts'
import { type CreateConsole, createConsole } from '../http/ops/console/router.ts'
import type { RedisClient } from '../redis/client.ts'
import type { AuditReading } from '../store/audit-reading.ts'
import { createCollections } from '../store/collections.ts'
import { createEndpoints } from '../store/endpoints.ts'
import { createFindNamed } from '../store/find-named.ts'
import type { Members } from '../store/members.ts'
import { createReadPendingSums } from '../store/pending-sums.ts'
import { createReadRecent } from '../store/recent-events.ts'
import type { Subscriptions } from '../store/subscriptions.ts'
import type { Logger } from '../telemetry/logger.ts'
import { type AccountParts, createBaseDeliveryFigures } from './accounts.ts'
import { type Base, clock } from './base.ts'
import type { DeliveryParts } from './deliveries.ts'
import type { RecordParts, Records } from './records.ts'

export interface ComposeConsoleDeps {
  redis: RedisClient
  queues: readonly Queue[]
  usage: Records['usage']
  members: Members
  records: RecordParts
  accounts: AccountParts
  subscriptions: Subscriptions
  deliveries: DeliveryParts
  audit: AuditReading
  logger: Logger
}

export function composeConsole(base: Base, deps: ComposeConsoleDeps): CreateConsole {
  const { redis, queues, usage, members, records, accounts, subscriptions, deliveries, audit, logger } = deps
  const { keys, providers } = base
  const { intents } = records
  const endpoints = createEndpoints({ redis, keys })
  return createConsole({
    ...records,
    ...createAccountLook(accounts),
    members,
    findNamed: createFindNamed({ intents, collections: createCollections({ redis, keys, intents }) }),
    knownAccounts: accounts.accounts,
    pausing: accounts.pausing,
    delays: accounts.delays,
    providers,
    usage,
    pendingSums: createReadPendingSums({ redis, keys, intents }),
    readRecent: createReadRecent({ redis, keys }),
    depths: () => Promise.all(queues.map(readDepth)),
    subscriptions,
    healthOf: ({ id }) => endpoints.find(id),
    subscriptionFigures: createBaseDeliveryFigures(base, redis),
    deliveries,
    audit,
    clock,
    logger,
  })
}

async function readDepth(queue: Queue) {
  const counts = await queue.getJobCounts('waiting', 'active', 'delayed', 'failed')
  return { name: queue.name, counts }
}
