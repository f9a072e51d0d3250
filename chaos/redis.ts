/** A Redis as Tallyhook wants it, on files that survive it, and on one port for its life: the receiver must find it again. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { Redis } from 'ioredis'
import type { RedisServer } from '../src/embedded/find-server.ts'
import { until } from '../test/support/until.ts'
import { createProcess } from './process.ts'
import { createRandom } from './random.ts'

const settings = {
  bind: '127.0.0.1',
  save: '',
  appendonly: 'yes',
  appendfsync: 'always',
  'no-appendfsync-on-rewrite': 'no',
  maxmemory: '256mb',
  'maxmemory-policy': 'noeviction',
  // So small that the file is rewritten while it is being killed as well.
  'auto-aof-rewrite-min-size': '128kb',
}

export type ChaosRedis = Awaited<ReturnType<typeof createRedis>>

export async function createRedis(server: RedisServer, folder: string) {
  const port = await findPort()
  const flags = Object.entries({ ...settings, dir: folder, port: String(port) })
  const running = createProcess('Redis', {
    path: server.path,
    args: flags.flatMap(([name, value]) => [`--${name}`, value]),
    env: { ...process.env, ...server.env },
  })
  return {
    url: `redis://127.0.0.1:${port}`,
    broken: running.broken,
    /** Resolves when it answers, which is after it has read its files. */
    async start(): Promise<void> {
      const child = running.start()
      child.stdout?.resume()
      child.stderr?.resume()
      await Promise.race([until('Redis', () => answers(port)), running.broken])
    },
    kill: running.kill,
    pause: () => running.signal('SIGSTOP'),
    goOn: () => running.signal('SIGCONT'),
  }
}

async function answers(port: number): Promise<boolean> {
  const client = new Redis({ port, lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 })
  client.on('error', () => {})
  try {
    await client.connect()
    return (await client.ping()) === 'PONG'
  } catch {
    return false
  } finally {
    client.disconnect()
  }
}

/**
 * Below those that the system gives to outgoing connections. A client that keeps trying a port from among those may in the
 * end be given that very port to call from, and is connected to itself.
 */
async function findPort(): Promise<number> {
  const random = createRandom(`${process.pid}:${performance.now()}`)
  for (;;) {
    const port = random.between(15_000, 30_000)
    const server = createServer().listen(port, '127.0.0.1')
    try {
      await once(server, 'listening')
    } catch {
      continue
    }
    server.close()
    await once(server, 'close')
    return port
  }
}
