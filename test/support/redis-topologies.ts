/** A master with a replica behind Sentinels, and a cluster of three masters: real servers on ports of their own. */
import { Redis } from 'ioredis'
import { countSlots, readSlots, slotCount } from '../../src/queue/cluster-report.ts'
import { readLink } from '../../src/queue/durability.ts'
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
  const replica = await start({ replicaof: `127.0.0.1 ${master.port}` })
  await until('the replica', () =>
    ask(master.port, async (client) => readLink(await client.info('replication')).replicas > 0),
  )
  return replica
}

const clusterSettings = { 'cluster-enabled': 'yes', 'cluster-node-timeout': '1000' }

export async function startCluster() {
  const masters = await Promise.all([0, 1, 2].map(() => startRedisServer(clusterSettings)))
  const nodes = [...masters]
  const share = Math.ceil(slotCount / masters.length)
  for (const [i, { port }] of masters.entries()) {
    await ask(port, async (client) => {
      await client.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1)
      const to = Math.min((i + 1) * share, slotCount) - 1
      await client.call('CLUSTER', 'ADDSLOTSRANGE', i * share, to)
      if (i > 0) await client.call('CLUSTER', 'MEET', '127.0.0.1', masters[0]?.port ?? 0)
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
    /** Masters and replicas. */
    nodes,
    /** The master that serves the key's slot. */
    async ownerOf(key: string): Promise<RedisServerProcess> {
      // Any that answers will do; the last one started is never the one that a test has stopped.
      const port = await ask(nodes.at(-1)?.port ?? 0, async (client) => {
        const slot = Number(await client.cluster('KEYSLOT', key))
        const ranges = readSlots(await client.cluster('SLOTS'))
        return Number(ranges.find(({ from, to }) => from <= slot && slot <= to)?.master.split(':')[1])
      })
      const owner = nodes.find((node) => node.port === port)
      if (!owner) throw new Error('Nobody serves the slot.')
      return owner
    },
    /** A replica of this master, in step with it, that the other masters know. */
    async addReplica(master: RedisServerProcess): Promise<RedisServerProcess> {
      const replica = await startRedisServer({
        ...clusterSettings,
        'cluster-replica-validity-factor': '0',
      })
      nodes.push(replica)
      const id = await ask(master.port, (client) => client.call('CLUSTER', 'MYID'))
      await ask(replica.port, async (client) => {
        await client.call('CLUSTER', 'MEET', '127.0.0.1', master.port)
        await until('the replica to know its master', async () =>
          String(await client.cluster('NODES')).includes(String(id)),
        )
        await client.call('CLUSTER', 'REPLICATE', String(id))
        await until('the link', async () => /master_link_status:up/.test(await client.info('replication')))
      })
      for (const { port } of masters) {
        await until('the replica to be known', () =>
          ask(port, async (client) => String(await client.cluster('NODES')).includes(`:${replica.port}@`)),
        )
      }
      return replica
    },
    async stop() {
      await Promise.all(nodes.map((server) => server.stop()))
    },
  }
}

const offsetOf = (port: number) =>
  ask(port, async (client) =>
    Number(/^(?:slave|master)_repl_offset:(\d+)/m.exec(await client.info('replication'))?.[1]),
  )

/** Waits until the replica has everything that the master has written by now. */
export async function untilInStep(master: RedisServerProcess, replica: RedisServerProcess): Promise<void> {
  const written = await offsetOf(master.port)
  await until('the replica to be in step', async () => (await offsetOf(replica.port)) >= written)
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
