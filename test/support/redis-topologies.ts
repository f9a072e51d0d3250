/** A master with a replica behind Sentinels, and a cluster of three masters: real servers on ports of their own. */
import { Redis } from 'ioredis'
import { countSlots, readSlots, slotCount } from '../../src/queue/cluster-report.ts'
import { type RedisServerProcess, startRedisServer } from './redis-server.ts'
import { until } from './until.ts'

const masterName = 'tallyhook'

export type Sentinel = Awaited<ReturnType<typeof startSentinel>>
export type RedisCluster = Awaited<ReturnType<typeof startCluster>>

export async function startSentinel() {
  const servers: RedisServerProcess[] = []
  const start = async (...args: Parameters<typeof startRedisServer>) => {
    const server = await startRedisServer(...args)
    servers.push(server)
    return server
  }
  const master = await start()
  const replica = await startReplica(master, start)
  const monitor = `sentinel monitor ${masterName} 127.0.0.1 ${master.port} 1
sentinel down-after-milliseconds ${masterName} 500
sentinel failover-timeout ${masterName} 2000
`
  const sentinel = await start({}, { sentinel: monitor })
  await until('the Sentinel to know the replica', () =>
    ask(sentinel.port, async (client) => {
      const replicas = (await client.call('SENTINEL', 'REPLICAS', masterName)) as string[][]
      return replicas.length === 1 && !replicas[0]?.join().includes('disconnected')
    }),
  )
  return {
    url: `redis+sentinel://127.0.0.1:${sentinel.port}/${masterName}`,
    master,
    replica,
    sentinel,
    async stop() {
      await Promise.all(servers.map((server) => server.stop()))
    },
  }
}

/** Follows the master, and is in step with it when this resolves. */
export async function startReplica(
  master: RedisServerProcess,
  start: typeof startRedisServer = startRedisServer,
): Promise<RedisServerProcess> {
  const replica = await start({ replicaof: `127.0.0.1 ${master.port}`, 'repl-diskless-sync-delay': '0' })
  await until('the replica', () =>
    ask(replica.port, async (client) => /master_link_status:up/.test(await client.info('replication'))),
  )
  return replica
}

export async function startCluster() {
  const masters = await Promise.all(
    [0, 1, 2].map(() => startRedisServer({ 'cluster-enabled': 'yes', 'cluster-node-timeout': '1000' })),
  )
  const [first] = masters
  const share = Math.ceil(slotCount / masters.length)
  for (const [i, { port }] of masters.entries()) {
    await ask(port, async (client) => {
      await client.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1)
      const to = Math.min((i + 1) * share, slotCount) - 1
      await client.call('CLUSTER', 'ADDSLOTSRANGE', i * share, to)
      if (first && i > 0) await client.call('CLUSTER', 'MEET', '127.0.0.1', first.port)
    })
  }
  for (const { port } of masters) {
    await until('the cluster', () =>
      ask(port, async (client) => {
        const healthy = /cluster_state:ok/.test(String(await client.cluster('INFO')))
        return healthy && countSlots(readSlots(await client.cluster('SLOTS'))) === slotCount
      }),
    )
  }
  return {
    url: `redis+cluster://${masters.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    masters,
    async stop() {
      await Promise.all(masters.map((server) => server.stop()))
    },
  }
}

/** Asks one server something, on a connection for that alone. */
export async function ask<T>(port: number, question: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis({ port, host: '127.0.0.1', lazyConnect: true, retryStrategy: () => null })
  client.on('error', () => {})
  try {
    await client.connect()
    return await question(client)
  } finally {
    client.disconnect()
  }
}
