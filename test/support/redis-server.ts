/** A Redis on a port of its own, with the settings that a test wants. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { findServer } from '../../src/embedded/find-server.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'
import { until } from './until.ts'

const safe = {
  appendonly: 'yes',
  appendfsync: 'always',
  maxmemory: '256mb',
  'maxmemory-policy': 'noeviction',
  // A master waits for more replicas before it sends its data; here there is one.
  'repl-diskless-sync-delay': '0',
}

export interface RedisServerProcess {
  url: string
  port: number
  /** Hangs: the connections stay, nothing is answered. */
  freeze(): void
  thaw(): void
  kill(): Promise<void>
  stop(): Promise<void>
  /** Again on the same port, with what is on its disk. */
  restart(): Promise<void>
}

/** `sentinel`: it runs as a Sentinel with this configuration, and the settings are not used. */
export async function startRedisServer(
  settings: Record<string, string> = {},
  { sentinel }: { sentinel?: string } = {},
): Promise<RedisServerProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'tallyhook-redis-'))
  const server = await findServer({
    packageFolder: join(folder, 'package'),
    env: process.env,
    logger: silentLogger,
  })
  const port = await freePort()
  const args = sentinel === undefined ? flagsOf({ port, folder, settings }) : [sentinelFile()]

  function flagsOf(place: { port: number; folder: string; settings: Record<string, string> }): string[] {
    const flags = Object.entries({
      port: String(place.port),
      bind: '127.0.0.1',
      dir: place.folder,
      save: '',
      ...safe,
      ...place.settings,
    })
    return flags.flatMap(([name, value]) => [`--${name}`, ...value.split(' ')])
  }

  function sentinelFile(): string {
    const file = join(folder, 'sentinel.conf')
    writeFileSync(file, `port ${port}\nbind 127.0.0.1\ndir ${folder}\n${sentinel}`)
    return file
  }

  const launch = async () => {
    const options = { stdio: 'ignore', env: { ...process.env, ...server.env } } as const
    const started = spawn(server.path, sentinel === undefined ? args : [...args, '--sentinel'], options)
    await until('Redis', () => answers(port))
    return started
  }
  let child = await launch()

  async function kill(): Promise<void> {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    kill,
    async stop() {
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
    async restart() {
      child = await launch()
    },
  }
}

async function answers(port: number): Promise<boolean> {
  const client = new Redis({ port, lazyConnect: true, retryStrategy: () => null })
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

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
