import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { AppError } from '../../src/domain/errors.ts'
import { type EmbeddedRedis, startEmbeddedRedis } from '../../src/embedded/embedded-redis.ts'
import { callbackQueueName } from '../../src/queue/catalogue.ts'
import { createConnect } from '../../src/queue/connections.ts'
import { createCallbackProducer } from '../../src/queue/producer.ts'
import { createRedisGuard, type RedisGuard } from '../../src/queue/redis-guard.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'
import { createTestClients } from '../support/redis.ts'
import { ids, keyring, openReceiptOf } from '../support/store.ts'
import { until } from '../support/until.ts'

/** These tests turn the server's settings and stop it, so it is one of their own. */
describe('redis guard', () => {
  let folder: string
  let server: EmbeddedRedis
  let clients: ReturnType<typeof createTestClients>
  let admin: Redis
  let guard: RedisGuard

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tallyhook-guard-'))
    server = await startEmbeddedRedis({ dataDir: folder, logger: silentLogger, env: process.env })
    clients = createTestClients({ kind: 'socket', path: server.socketPath })
    admin = await clients.open()
  })
  afterEach(async () => {
    await guard.stop()
    clients.closeAll()
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  async function watch(onWeaker: 'refuse' | 'warn' = 'refuse'): Promise<void> {
    const client = await clients.open('fail-fast')
    guard = createRedisGuard({
      client,
      policy: { fsync: 'always', replicas: 0, onWeaker },
      logger: silentLogger,
      intervalMs: 20,
    })
    await guard.check()
  }

  it('trusts a Redis that writes before it answers', async () => {
    await watch()
    assert.deepEqual(guard.state(), { state: 'ok' })
  })

  it('refuses one that is weaker, and says what to set', async () => {
    await admin.config('SET', 'appendfsync', 'everysec')
    await watch()
    assert.deepEqual(guard.state(), {
      state: 'weak',
      because: 'settings',
      reason: 'Redis would lose data: appendfsync must be always.',
    })
    await admin.config('SET', 'appendfsync', 'always')
    await until('trust', () => guard.state().state === 'ok')
  })

  it('warns instead where the configuration says so', async () => {
    await admin.config('SET', 'maxmemory-policy', 'allkeys-lru')
    await watch('warn')
    assert.deepEqual(guard.state(), { state: 'ok' })
  })

  it('looks at the settings again while it runs, and at every reconnect', async () => {
    await watch()
    await admin.config('SET', 'no-appendfsync-on-rewrite', 'yes')
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    await until('distrust', () => guard.state().state === 'weak')
  })

  it('sees Redis filling up, and sees it drained', async () => {
    await watch()
    const used = Number(/used_memory:(\d+)/.exec(await admin.info('memory'))?.[1])
    await admin.config('SET', 'maxmemory', String(Math.round(used * 1.1)))
    const full = await until('fullness', () => guard.state().state === 'full' && guard.state())
    assert.match('reason' in full ? full.reason : '', /Redis uses \d+ of \d+ bytes/)
    await admin.config('SET', 'maxmemory', String(used * 10))
    await until('room', () => guard.state().state === 'ok')
  })

  it('sees a Redis that hangs as one that is away, and sees it come back', async () => {
    await watch()
    process.kill(server.pid, 'SIGSTOP')
    try {
      await until('absence', () => guard.state().state === 'away')
    } finally {
      process.kill(server.pid, 'SIGCONT')
    }
    await until('return', () => guard.state().state === 'ok')
  })

  it('sees a Redis that is gone, and the producer fails at once and recovers without a restart', async () => {
    await watch()
    const connection = createConnect({ kind: 'socket', path: server.socketPath })('fail-fast', 'intake')
    await connection.connect()
    const queue = new Queue(callbackQueueName, { connection })
    queue.on('error', () => {})
    const producer = createCallbackProducer({
      addJobs: (jobs) => queue.addBulk(jobs),
      seal: keyring.seal,
      ids,
      inFlightMax: 10,
      inFlightBytesMax: 1e6,
      writeMsMax: 5_000,
    })
    await producer.enqueue(openReceiptOf('{}'))

    await server.stop()
    await until('absence', () => guard.state().state === 'away')
    const startedAt = Date.now()
    await assert.rejects(
      producer.enqueue(openReceiptOf('{}')),
      (error) => error instanceof AppError && error.code === 'not-durable-yet',
    )
    assert.ok(Date.now() - startedAt < 1_000, 'it does not wait for Redis')

    server = await startEmbeddedRedis({ dataDir: folder, logger: silentLogger, env: process.env })
    await until('return', () => guard.state().state === 'ok')
    await until('a durable write', () =>
      producer.enqueue(openReceiptOf('{}')).then(
        () => true,
        () => false,
      ),
    )
    assert.equal(await queue.count(), 2, 'what was acknowledged before is there, and what came after')
    await queue.close()
    connection.disconnect()
  })
})
