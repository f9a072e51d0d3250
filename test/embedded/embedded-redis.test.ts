import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { AppError } from '../../src/domain/errors.ts'
import { type EmbeddedRedis, startEmbeddedRedis } from '../../src/embedded/embedded-redis.ts'
import { findOnPath } from '../../src/embedded/find-server.ts'
import { identify, isAlive } from '../../src/embedded/live-process.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'
import { until } from '../support/until.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const owner = fileURLToPath(new URL('../fixtures/embedded-owner.ts', import.meta.url))

interface Answer {
  pid: number
  socketPath: string
  adopted: boolean
  code?: string
  detail?: string
}

describe('embedded Redis', function () {
  this.timeout(60_000)
  let dataDir: string
  const started: EmbeddedRedis[] = []
  const children: ChildProcess[] = []
  const redisPids = new Set<number>()

  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'tallyhook-embedded-'))
  })
  afterEach(async () => {
    for (const child of children.splice(0))
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    for (const redis of started.splice(0)) await redis.stop()
    for (const pid of redisPids) if (isAlive(pid)) process.kill(pid, 'SIGKILL')
    redisPids.clear()
    rmSync(dataDir, { recursive: true, force: true })
  })

  async function start(folder = dataDir, env = process.env): Promise<EmbeddedRedis> {
    const redis = await startEmbeddedRedis({ dataDir: folder, logger: silentLogger, env })
    started.push(redis)
    redisPids.add(redis.pid)
    return redis
  }

  async function startElsewhere(
    options: { uid?: number; env?: NodeJS.ProcessEnv; folder?: string } = {},
  ): Promise<{ child: ChildProcess; answer: Answer }> {
    const child = spawn(process.execPath, ['--import', 'tsx', owner, options.folder ?? dataDir], {
      cwd: root,
      // A group of its own, as a shell would give it.
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: options.env ?? process.env,
      ...(options.uid !== undefined && { uid: options.uid, gid: options.uid }),
    })
    children.push(child)
    assert.ok(child.stdout)
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
    const answer = JSON.parse(line) as Answer
    if (answer.pid) redisPids.add(answer.pid)
    return { child, answer }
  }

  async function ask<T>(redis: { socketPath: string }, question: (client: Redis) => Promise<T>): Promise<T> {
    const client = new Redis({ path: redis.socketPath, lazyConnect: true, retryStrategy: () => null })
    client.on('error', () => {})
    await client.connect()
    try {
      return await question(client)
    } finally {
      client.disconnect()
    }
  }

  async function kill(child: ChildProcess, signal: NodeJS.Signals, group: boolean): Promise<void> {
    const gone = once(child, 'exit')
    process.kill(group ? -(child.pid ?? 0) : (child.pid ?? 0), signal)
    await gone
  }

  it('writes before it answers, evicts nothing, and listens on no port', async () => {
    const redis = await start()
    const names = [
      'appendonly',
      'appendfsync',
      'no-appendfsync-on-rewrite',
      'maxmemory-policy',
      'port',
      'save',
    ]
    const values = await ask(redis, async (client) =>
      Promise.all(names.map(async (name) => ((await client.config('GET', name)) as string[])[1])),
    )
    assert.deepEqual(values, ['yes', 'always', 'no', 'noeviction', '0', ''])
    const [, maxmemory] = await ask(redis, (client) => client.config('GET', 'maxmemory') as Promise<string[]>)
    assert.ok(Number(maxmemory) > 0)
    assert.equal(statSync(redis.socketPath).mode & 0o077, 0, 'nobody else may connect')
  })

  it('keeps its data between runs', async () => {
    const first = await start()
    await ask(first, (client) => client.set('kept', 'yes'))
    await first.stop()
    await first.stop()
    assert.equal(isAlive(first.pid), false)
    const second = await start()
    assert.equal(second.adopted, false)
    assert.equal(await ask(second, (client) => client.get('kept')), 'yes')
  })

  it('is refused to a second start while its owner lives', async () => {
    await start()
    await assert.rejects(
      start(),
      (error) =>
        error instanceof AppError &&
        error.code === 'data-dir-in-use' &&
        error.detail.includes(String(process.pid)),
    )
    const { answer } = await startElsewhere()
    assert.equal(answer.code, 'data-dir-in-use')
  })

  for (const [signal, group, title] of [
    ['SIGKILL', false, 'its parent alone is killed'],
    ['SIGKILL', true, 'the whole process group is killed'],
    ['SIGINT', true, 'a Ctrl-C goes to the whole process group'],
  ] as const) {
    it(`lives on when ${title}, and is adopted with what it holds`, async () => {
      const { child, answer } = await startElsewhere()
      await ask(answer, (client) => client.set('kept', signal))
      await kill(child, signal, group)
      assert.equal(isAlive(answer.pid), true)
      const redis = await start()
      assert.equal(redis.adopted, true)
      assert.equal(redis.pid, answer.pid)
      assert.equal(await ask(redis, (client) => client.get('kept')), signal)
      await redis.stop()
      assert.equal(isAlive(answer.pid), false, 'the adopter ends it')
    })
  }

  it('ignores the lock of an owner that is dead, or whose number another process has now', async () => {
    mkdirSync(join(dataDir, 'redis'), { recursive: true })
    const lock = join(dataDir, 'redis/lock.100')
    const dead = spawn(process.execPath, ['-e', ''])
    await once(dead, 'exit')
    writeFileSync(lock, JSON.stringify({ pid: dead.pid, startedAt: null }))
    await (await start()).stop()
    if (identify(process.pid).startedAt !== null) {
      writeFileSync(
        join(dataDir, 'redis/lock.150'),
        JSON.stringify({ pid: process.pid, startedAt: 'another boot:1' }),
      )
      await (await start()).stop()
    }
    writeFileSync(join(dataDir, 'redis/lock.200'), 'half-writt')
    await (await start()).stop()
  })

  it('starts a new one after the old one has died as well', async () => {
    const { child, answer } = await startElsewhere()
    await ask(answer, (client) => client.set('kept', 'yes'))
    await kill(child, 'SIGKILL', false)
    process.kill(answer.pid, 'SIGKILL')
    await until('the end of Redis', () => !isAlive(answer.pid))
    const redis = await start()
    assert.equal(redis.adopted, false)
    assert.equal(await ask(redis, (client) => client.get('kept')), 'yes')
  })

  it('is started again when it ends by itself, with what it held', async () => {
    const redis = await start()
    await ask(redis, (client) => client.set('kept', 'yes'))
    const firstPid = redis.pid
    process.kill(firstPid, 'SIGKILL')
    await until('the next one', () => redis.pid !== firstPid)
    redisPids.add(redis.pid)
    assert.equal(await ask(redis, (client) => client.get('kept')), 'yes')
    await redis.stop()
    assert.equal(isAlive(redis.pid), false)
  })

  it('is started by one of two that come at the same moment, also over a stale lock', async () => {
    mkdirSync(join(dataDir, 'redis'), { recursive: true })
    const dead = spawn(process.execPath, ['-e', ''])
    await once(dead, 'exit')
    writeFileSync(join(dataDir, 'redis/lock.7'), JSON.stringify({ pid: dead.pid, startedAt: null }))
    const answers = (await Promise.all([startElsewhere(), startElsewhere(), startElsewhere()])).map(
      ({ answer }) => answer,
    )
    assert.deepEqual(answers.map(({ code }) => code ?? 'started').sort(), [
      'data-dir-in-use',
      'data-dir-in-use',
      'started',
    ])
    assert.equal(redisPids.size, 1)
  })

  it('finds another place for its socket where the folder lies too deep', async () => {
    const deep = join(dataDir, 'd'.repeat(60), 'e'.repeat(60))
    mkdirSync(deep, { recursive: true })
    const redis = await start(deep)
    assert.ok(redis.socketPath.length < 100)
    assert.equal(await ask(redis, (client) => client.ping()), 'PONG')
    const socketFolder = join(redis.socketPath, '..')
    assert.equal(statSync(socketFolder).mode & 0o777, 0o700)
    await redis.stop()
    chmodSync(socketFolder, 0o755)
    await assert.rejects(start(deep), /is not ours alone/)
    rmSync(socketFolder, { recursive: true })
  })

  it('says how to get a Redis where there is none, and no package either', async () => {
    const empty = join(dataDir, 'empty')
    mkdirSync(empty)
    await assert.rejects(start(dataDir, { PATH: empty }), (error) => {
      assert.ok(error instanceof AppError && error.code === 'redis-unavailable')
      for (const way of ['apt-get install redis-server', 'docker compose up redis', 'REDIS_URL'])
        assert.ok(error.detail.includes(way), way)
      return true
    })
    await (await start()).stop()
  })

  it('says where to look when the server that it found does not run', async () => {
    const bin = join(dataDir, 'bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'redis-server'), '#!/bin/sh\necho broken >&2\nexit 3\n', { mode: 0o755 })
    await assert.rejects(
      start(dataDir, { ...process.env, PATH: `${bin}:${process.env.PATH}` }),
      /redis-server ended with code 3; .*redis\.log may say why/,
    )
    assert.match(readFileSync(join(dataDir, 'redis/redis.log'), 'utf8'), /broken/)
  })

  it('fetches the distribution’s package without root and without touching the system', async function () {
    if (!findOnPath('apt-get', process.env) || !findOnPath('dpkg', process.env)) return this.skip()
    const before = statSync('/var/lib/dpkg/status').mtimeMs
    const bin = join(dataDir, 'bin')
    const folder = join(dataDir, 'data')
    mkdirSync(bin)
    mkdirSync(folder)
    linkToolsOnly(bin)
    // 65534 is nobody. Who is not root already is nobody enough.
    const uid = process.getuid?.() === 0 ? 65_534 : undefined
    if (uid !== undefined) for (const path of [dataDir, bin, folder]) chownSync(path, uid, uid)
    const env = { PATH: bin, HOME: folder, TMPDIR: process.env.TMPDIR }
    const { child, answer } = await startElsewhere({ ...(uid !== undefined && { uid }), env, folder })
    assert.equal(answer.code, undefined, answer.detail)
    assert.equal(await ask(answer, (client) => client.ping()), 'PONG')
    assert.equal(statSync('/var/lib/dpkg/status').mtimeMs, before)
    const unpacked = readdirSync(join(folder, 'redis-package', 'usr', 'bin'))
    assert.ok(unpacked.includes('redis-server'))

    await kill(child, 'SIGKILL', false)
    process.kill(answer.pid, 'SIGTERM')
    await until('the end of Redis', () => !isAlive(answer.pid))
    const again = await startElsewhere({
      ...(uid !== undefined && { uid }),
      env: { ...env, PATH: '' },
      folder,
    })
    assert.equal(again.answer.code, undefined, 'unpacked once, it is found again without apt')
  })

  /** A PATH with everything that apt needs and no Redis, also where one is installed. */
  function linkToolsOnly(bin: string): void {
    for (const folder of ['/usr/bin', '/bin']) {
      for (const name of readdirSync(folder)) {
        if (/^(redis|valkey)-/.test(name)) continue
        try {
          symlinkSync(join(folder, name), join(bin, name))
        } catch {
          // The two folders are often one.
        }
      }
    }
  }
})
