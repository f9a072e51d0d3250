/** What a store has to do, asked of the model, of Redis, and of a cluster of three masters. */
import type { Cluster } from 'ioredis'
import { createConnect } from '../../src/queue/connections.ts'
import type { RedisClient } from '../../src/redis/client.ts'
import { createModelSubject } from '../model/model-subject.ts'
import { createRedisSubject } from '../model/redis-subject.ts'
import type { Subject, SubjectSettings } from '../model/subject.ts'
import { createTestClients, uniquePrefix } from '../support/redis.ts'
import { type RedisCluster, startCluster } from '../support/redis-topologies.ts'
import { describeBatches } from './contract/batches.ts'
import { describeCases } from './contract/cases.ts'
import { describeCommit } from './contract/commit.ts'
import { describeParking } from './contract/parking.ts'
import { describeRegistration } from './contract/register.ts'

type Open = (settings?: Partial<SubjectSettings>) => Promise<Subject>

const usual: SubjectSettings = { partitions: 4, clock: () => 2_000, parkedMax: 1_000 }

function describeStore(open: Open): void {
  describeRegistration(open)
  describeParking((parkedMax = 1_000) => open({ parkedMax }))
  describeCommit(open)
  describeBatches(open)
  describeCases(open)
}

describe('the store’s contract, kept by the model', () => {
  describeStore(async (settings) => createModelSubject({ ...usual, ...settings }))
})

describe('the store’s contract, kept on Redis', () => {
  const clients = createTestClients()
  let redis: RedisClient
  before(async () => {
    redis = await clients.open()
  })
  after(() => clients.closeAll())
  describeStore(async (settings) => createRedisSubject(redis, uniquePrefix(), { ...usual, ...settings }))
})

describe('the store’s contract, kept on a cluster of three masters', function () {
  this.timeout(60_000)
  let cluster: RedisCluster
  let redis: Cluster
  before(async () => {
    cluster = await startCluster()
    const nodes = cluster.masters.map(({ port }) => ({ host: '127.0.0.1', port }))
    redis = createConnect({ kind: 'cluster', nodes, tls: false })('wait', 'contract') as Cluster
    await redis.connect()
  })
  after(async () => {
    redis.disconnect()
    await cluster.stop()
  })
  describeStore(async (settings) => createRedisSubject(redis, uniquePrefix(), { ...usual, ...settings }))
})
