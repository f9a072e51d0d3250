/**
 * A Redis on a port, as the program wants it, and the built program on it: the API and a worker, each a process. The
 * accounts are those that the benchmarks sign for.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { createRedis } from '../chaos/redis.ts'
import { findServer } from '../src/embedded/find-server.ts'
import { silentLogger } from '../src/telemetry/logger.ts'
import { end } from './processes.ts'
import { benchAccount, describeHmacAccount, type Keys, schemes } from './schemes.ts'
import { createParts, makeSecrets, type Parts, partitions } from './store.ts'

/** Of the package, since the program reads what lies beside it. */
const program = new URL('../../../dist/main.js', import.meta.url)
const tellCpu = new URL('tell-cpu.js', import.meta.url)

/** As `npm start` runs it. */
const heap = '--max-semi-space-size=64'

export interface Running {
  child: ChildProcess
  callbackUrl: string
  apiUrl: string
}

export interface ProgramSite {
  admin: Redis
  redisUrl: string
  parts: Parts
  /** What signs its callbacks. */
  keys: Keys
  token: string
  start(role: 'serve' | 'work'): Promise<Running>
  close(): Promise<void>
}

export async function openProgramSite(): Promise<ProgramSite> {
  const folder = mkdtempSync(join(tmpdir(), 'tallyhook-bench-'))
  const server = await findServer({
    packageFolder: join(folder, 'package'),
    env: process.env,
    logger: silentLogger,
  })
  const redisFolder = join(folder, 'redis')
  mkdirSync(redisFolder)
  const redis = await createRedis(server, redisFolder)
  await redis.start()
  const admin = new Redis(redis.url, { maxRetriesPerRequest: null })
  // A rewrite of the log in the middle of a round would be measured as somebody's.
  await admin.config('SET', 'auto-aof-rewrite-percentage', '0', 'maxmemory', String(2 * 1024 ** 3))
  const [secrets, keys, token] = [makeSecrets(), schemes.hmac.makeKeys(), randomBytes(32).toString('hex')]
  const configFile = join(folder, 'tallyhook.json')
  writeFileSync(configFile, JSON.stringify(configure(secrets, keys, token)), { mode: 0o600 })
  const children: ChildProcess[] = []

  return {
    admin,
    redisUrl: redis.url,
    parts: createParts(secrets),
    keys,
    token,
    async start(role) {
      const child = fork(fileURLToPath(program), [role], {
        cwd: folder,
        execArgv: [heap, '--import', tellCpu.href],
        stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
        env: {
          PATH: process.env.PATH,
          TALLYHOOK_CONFIG: configFile,
          TALLYHOOK_DATA_DIR: join(folder, 'data'),
          REDIS_URL: redis.url,
          CALLBACK_PORT: '0',
          API_PORT: '0',
          LOG_LEVEL: 'warn',
        },
      })
      children.push(child)
      return { child, ...(await readAddresses(child)) }
    },
    async close() {
      for (const child of children) if (child.exitCode === null && child.signalCode === null) await end(child)
      admin.disconnect()
      await redis.kill()
      rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
    },
  }
}

async function readAddresses(child: ChildProcess): Promise<Omit<Running, 'child'>> {
  if (!child.stdout) throw new Error('The program cannot be heard.')
  const lines = createInterface(child.stdout)
  const ready = new Promise<string>((resolve) => {
    lines.on('line', (line) => {
      if (line.includes('"event":"ready"')) resolve(line)
      else process.stderr.write(`${line}\n`)
    })
  })
  const ended = once(child, 'exit').then(() => {
    throw new Error('The program has ended before it was ready.')
  })
  return JSON.parse(await Promise.race([ready, ended])) as Omit<Running, 'child'>
}

function configure(secrets: ReturnType<typeof makeSecrets>, { verifying }: Keys, token: string): object {
  const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64')
  return {
    accounts: [describeHmacAccount(verifying)],
    api: {
      tokens: [
        {
          id: benchAccount,
          sha256: createHash('sha256').update(token).digest('hex'),
          scopes: ['transfers:write', 'events:read', 'subscriptions:write'],
        },
      ],
    },
    seal: { keys: [{ id: 'k1', key: base64(secrets.seal) }], indexKey: base64(secrets.index) },
    outbound: { allow: ['127.0.0.0/8'], http: true },
    partitions,
  }
}
