/**
 * The server process: started in a session of its own, so that a Ctrl-C or a signal to our whole process group passes
 * it by, or found running and taken over. Its number is written down before it is waited for.
 */
import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { AppError } from '../domain/errors.ts'
import type { RedisServer } from './find-server.ts'
import { identify, isAlive, isSameAlive, type ProcessIdentity } from './live-process.ts'

export interface RedisPlace {
  folder: string
  socketPath: string
}

export interface RedisProcess {
  pid: number
  socketPath: string
  onExit(listener: () => void): void
  stop(): Promise<void>
}

const memoryBytesMax = 2 * 1024 ** 3

/** Loading a large log takes its time; a server that answers nothing at all for so long is broken. */
const startMsMax = 60_000
const stopMsMax = 8_000
const lookMs = 20
const watchMs = 500

/** What the promise "acknowledged means durable" asks of the server. */
function settingsFor({ folder, socketPath }: RedisPlace): Record<string, string> {
  return {
    dir: folder,
    port: '0',
    unixsocket: socketPath,
    unixsocketperm: '700',
    daemonize: 'no',
    appendonly: 'yes',
    appendfsync: 'always',
    'no-appendfsync-on-rewrite': 'no',
    save: '',
    maxmemory: String(Math.min(memoryBytesMax, Math.floor(totalmem() / 4))),
    'maxmemory-policy': 'noeviction',
  }
}

export async function launchRedis(place: RedisPlace, server: RedisServer): Promise<RedisProcess> {
  const flags = Object.entries(settingsFor(place)).flatMap(([name, value]) => [`--${name}`, value])
  const logFile = join(place.folder, 'redis.log')
  const log = openSync(logFile, 'a', 0o600)
  const child = spawn(server.path, flags, {
    cwd: place.folder,
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...pick(process.env, ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR']), ...server.env },
  })
  closeSync(log)
  const failed = new Promise<never>((_, reject) => {
    child.once('error', (cause) => reject(cannotStart(`${server.path} cannot be run`, logFile, cause)))
    child.once('exit', (code) => reject(cannotStart(`${server.path} ended with code ${code}`, logFile)))
  })
  failed.catch(() => {})
  if (child.pid === undefined) return failed
  writePid(place, identify(child.pid))
  child.unref()
  // Gone before its end was reported: the report says why.
  if (!(await Promise.race([untilAnswering(place, child.pid), failed]))) await failed
  return control(place, identify(child.pid))
}

/** The one that an earlier start left behind; undefined where none is. */
export async function adoptRedis(place: RedisPlace): Promise<RedisProcess | undefined> {
  const left = readPid(place)
  if (!left || !isSameAlive(left)) {
    rmSync(pidFile(place), { force: true })
    return adoptUnnoted(place)
  }
  // It may be on its way out, and must be gone before another one opens its files.
  if (!(await untilAnswering(place, left.pid))) return undefined
  return control(place, left)
}

/** One whose note was lost still answers: a second server on its files would ruin them. */
async function adoptUnnoted(place: RedisPlace): Promise<RedisProcess | undefined> {
  const pid = await answers(place)
  if (pid === undefined) return undefined
  writePid(place, identify(pid))
  return control(place, identify(pid))
}

/** True when it serves, false when its process has ended meanwhile. */
async function untilAnswering(place: RedisPlace, pid: number): Promise<boolean> {
  const deadline = Date.now() + startMsMax
  while (Date.now() < deadline) {
    if (!isAlive(pid)) return false
    if ((await answers(place)) !== undefined) return true
    await sleep(lookMs)
  }
  throw new AppError('redis-unavailable', {
    detail: `The Redis of ${place.folder} (process ${pid}) runs and does not answer; end it and start again.`,
  })
}

/** Whether one serves in this place, started by whomever. */
export async function isServing(place: RedisPlace): Promise<boolean> {
  return (await answers(place)) !== undefined
}

/** The number of the process, once it answers, has loaded, and is the one of this folder. */
async function answers({ folder, socketPath }: RedisPlace): Promise<number | undefined> {
  const client = new Redis({
    path: socketPath,
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: 1_000,
    commandTimeout: 2_000,
    maxRetriesPerRequest: 0,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    const [, dir = ''] = (await client.config('GET', 'dir')) as string[]
    if (realpathSync(dir) !== realpathSync(folder)) return undefined
    return Number(/^process_id:(\d+)/m.exec(await client.info('server'))?.[1])
  } catch {
    return undefined
  } finally {
    client.disconnect()
  }
}

function control(place: RedisPlace, identity: ProcessIdentity): RedisProcess {
  const listeners: (() => void)[] = []
  const timer = setInterval(() => {
    if (isSameAlive(identity)) return
    clearInterval(timer)
    for (const listener of listeners) listener()
  }, watchMs)
  timer.unref()
  return {
    pid: identity.pid,
    socketPath: place.socketPath,
    onExit: (listener) => void listeners.push(listener),
    async stop() {
      clearInterval(timer)
      await end(identity)
      rmSync(pidFile(place), { force: true })
    },
  }
}

/** It outlives us and needs none of what else stands in our environment, secrets among it. */
function pick(env: NodeJS.ProcessEnv, names: readonly string[]): NodeJS.ProcessEnv {
  return Object.fromEntries(names.filter((name) => env[name] !== undefined).map((name) => [name, env[name]]))
}

/** Everything is on disk already, so the last resort loses nothing. */
async function end(identity: ProcessIdentity): Promise<void> {
  const deadline = Date.now() + stopMsMax
  signal(identity, 'SIGTERM')
  while (isSameAlive(identity)) {
    if (Date.now() > deadline) signal(identity, 'SIGKILL')
    await sleep(lookMs)
  }
}

function signal(identity: ProcessIdentity, name: NodeJS.Signals): void {
  if (!isSameAlive(identity)) return
  try {
    process.kill(identity.pid, name)
  } catch {
    // It ended in between.
  }
}

function pidFile({ folder }: RedisPlace): string {
  return join(folder, 'redis-process.json')
}

/** By another name first, so that it is never there half-written. */
function writePid(place: RedisPlace, identity: ProcessIdentity): void {
  const draft = `${pidFile(place)}.${process.pid}`
  writeFileSync(draft, JSON.stringify(identity))
  renameSync(draft, pidFile(place))
}

function readPid(place: RedisPlace): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(pidFile(place), 'utf8')) as ProcessIdentity
  } catch {
    return undefined
  }
}

function cannotStart(what: string, logFile: string, cause?: unknown): AppError {
  return new AppError('redis-unavailable', { detail: `${what}; ${logFile} may say why.`, cause })
}
