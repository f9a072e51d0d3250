import assert from 'node:assert/strict'
import { Queue } from 'bullmq'
import type { SubscriptionId } from '../../../src/domain/ids.ts'
import { deliveryQueueName, turnJob } from '../../../src/queue/catalogue.ts'
import { createDeliverWorker } from '../../../src/workers/deliver/deliver-worker.ts'
import type { TurnOutcome } from '../../../src/workers/deliver/turn.ts'
import { createTurnJobs } from '../../../src/workers/deliver/turn-jobs.ts'
import { createMemoryLogger } from '../../support/log.ts'
import { createTestClients, uniquePrefix } from '../../support/redis.ts'
import { ids } from '../../support/store.ts'
import { until } from '../../support/until.ts'

describe('turns on BullMQ', () => {
  const clients = createTestClients()
  after(() => clients.closeAll())

  it('one that stopped since it was not sure of its lock is followed by another at once', async () => {
    const prefix = `{${uniquePrefix()}}`
    const logger = createMemoryLogger()
    const queue = new Queue(deliveryQueueName, { connection: await clients.open(), prefix })
    const jobs = createTurnJobs({ addJobs: (all) => queue.addBulk(all), clock: Date.now, logger })
    const outcomes: TurnOutcome[] = [{ outcome: 'stopped' }, { outcome: 'open' }]
    const walk = {
      place: { run: ids.runId(), partition: 0 },
      target: { subscription: 'sub-1' as SubscriptionId, endpoint: async () => undefined },
      isWanted: () => true,
      isCurrent: async () => true,
      from: '0-0',
    }
    const worker = createDeliverWorker({
      findWalk: async () => walk,
      takeTurn: async () => ({
        ...(outcomes.shift() ?? { outcome: 'open' }),
        counts: { events: 0, delivered: 0, pages: 0 },
      }),
      jobs,
      onReplayEnd: async () => {},
      leave: { maySend: () => true, signal: new AbortController().signal },
      connection: await clients.open(),
      prefix,
      concurrency: 1,
      clock: Date.now,
      random: Math.random,
      logger,
    })
    try {
      await queue.addBulk([turnJob(walk.place.run, walk.target.subscription, 0)])
      await until('the second turn', () => outcomes.length === 0, 5_000)
    } finally {
      await worker.stop()
      await jobs.stop()
      await queue.close()
    }
    assert.deepEqual(outcomes, [])
  })
})
