/** A Redis on a port of its own, with the settings that a test wants. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
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
}

export async function startRedisServer(settings: Record<string, string> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'tallyhook-redis-'))
  const server = await findServer({
    packageFolder: join(folder, 'package'),
    env: process.env,
    logger: silentLogger,
  })
  const port = await freePort()
  const flags = Object.entries({
    port: String(port),
    bind: '127.0.0.1',
    dir: folder,
    save: '',
    ...safe,
    ...settings,
  })
  const child = spawn(
    server.path,
    flags.flatMap(([name, value]) => [`--${name}`, value]),
    { stdio: 'ignore', env: { ...process.env, ...server.env } },
  )
  await until('Redis', () => answers(port))
  return {
    url: `redis://127.0.0.1:${port}`,
    async stop() {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      rmSync(folder, { recursive: true, force: true })
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
